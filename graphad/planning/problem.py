"""What is to be differentiated: outputs, inputs, and the nodes between them with their local Jacobians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.autodiff.local import inputs_of
from graphad.autodiff.modes import active, check_reach, order
from graphad.runtime.once import cached_property
from graphad.structures import Edges
from graphad.tensor import Tensor


@dataclass(frozen=True, eq=False)
class Problem:
    """``nodes``: what depends on an input and leads to an output, inputs before users; inputs and outputs are in it."""

    outputs: tuple[Tensor, ...]
    inputs: tuple[Tensor, ...]
    nodes: tuple[Tensor, ...]
    edges: Edges

    @staticmethod
    def of(name: str, outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> Problem:
        """Checked: every input is a float tensor on which some output depends in a differentiable way.

        Nor does an output depend on inputs in other ways only (as by argmax): its zeros would be silent.
        """
        nodes = order(outputs)
        check_reach(name, outputs, inputs, nodes)
        moving = active(nodes, inputs)
        _check_outputs(name, [y for y in outputs if y not in moving], inputs)
        live = _between(nodes, moving, outputs)
        return Problem(tuple(outputs), tuple(inputs), tuple(n for n in nodes if n in live), Edges(live))

    @cached_property
    def place(self) -> dict[Tensor, int]:
        """Each node's number in program order."""
        return {node: k for k, node in enumerate(self.nodes)}

    def between(self, x: Tensor, y: Tensor) -> list[Tensor]:
        """The nodes on ways from ``x`` to ``y``, both included, in order; none if there is no way."""
        reached = {x}
        for node in self.nodes[self.place[x] :] if x in self.place else ():
            if any(u in reached for u, _ in self.edges.of(node)):
                reached.add(node)
        if y not in reached:
            return []
        useful = {y}
        inside = [n for n in self.nodes[: self.place[y] + 1] if n in reached]
        for node in reversed(inside):
            if node in useful and node is not x:
                useful.update(u for u, _ in self.edges.of(node))
        return [n for n in inside if n in useful]


def _check_outputs(name: str, still: Sequence[Tensor], inputs: Sequence[Tensor]) -> None:
    """Of outputs without derivative: that they depend on no input, or only behind stop_gradient and the like."""
    for y in dict.fromkeys(still):
        nodes = order([y])
        below = set(nodes)
        for x in inputs:
            if x in below:
                check_reach(name, [y], [x], nodes)


def _between(nodes: Sequence[Tensor], live: set[Tensor], outputs: Sequence[Tensor]) -> set[Tensor]:
    """Those of ``live`` from which an output is reached through others of them."""
    found = {y for y in outputs if y in live}
    for node in reversed(nodes):
        if node in found:
            found.update(x for x in inputs_of(node) if x in live)
    return found
