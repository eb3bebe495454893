"""The graph: outputs and updates, and the nodes they need in topological order. Every walk is iterative."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graphad.compiler.errors import GraphError
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.node import Node
from graphad.runtime.once import cached_property


def topological(roots: Iterable[Node], known: Container[Node] = ()) -> list[Node]:
    """All nodes the roots need, operands before users, in a fixed order; but for those known, and what these need."""
    order: list[Node] = []
    state: dict[Node, bool] = {}  # False: its operands are being visited; True: done
    stack = [r for r in roots if r not in known][::-1]
    while stack:
        node = stack[-1]
        seen = state.get(node)
        if seen is None:
            state[node] = False
            for operand in reversed(node.operands):
                inner = state.get(operand)
                if inner is None:
                    if operand not in known:
                        stack.append(operand)
                elif inner is False:
                    raise GraphError(f"the graph is cyclic: {operand!r} needs itself ({operand.site})")
            continue
        stack.pop()
        if not seen:
            state[node] = True
            order.append(node)
    return order


@dataclass(frozen=True, eq=False)
class Graph:
    """What a function computes: ``outputs``, and new values for state leaves (``updates``), from ``inputs``.

    ``kernels`` is set by fuse: each kernel's nodes in order, the ones it stores last.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    updates: tuple[tuple[Node, Node], ...] = ()
    kernels: "tuple[Kernel, ...] | None" = field(default=None)

    @cached_property
    def roots(self) -> tuple[Node, ...]:
        return (*self.outputs, *(value for _, value in self.updates))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Inputs first, then everything the roots and updated leaves need."""
        return tuple(topological((*self.inputs, *(leaf for leaf, _ in self.updates), *self.roots)))

    @cached_property
    def users(self) -> Mapping[Node, tuple[Node, ...]]:
        """The nodes that read each node; a node that reads it twice stands twice."""
        found: dict[Node, list[Node]] = {n: [] for n in self.nodes}
        for node in self.nodes:
            for operand in node.operands:
                found[operand].append(node)
        return {n: tuple(u) for n, u in found.items()}

    @cached_property
    def readers(self) -> "Mapping[Node, set[Kernel]]":
        """The kernels that read each node, those that compute it among them."""
        found: dict[Node, set[Kernel]] = {}
        for kernel in self.kernels or ():
            for operand in {o for n in kernel.nodes for o in n.operands}:
                found.setdefault(operand, set()).add(kernel)
        return found

    @cached_property
    def leaving(self) -> frozenset[Node]:
        """The roots, to be asked whether a node is one."""
        return frozenset(self.roots)

    @cached_property
    def states(self) -> tuple[Node, ...]:
        """Parameters and states, in the order they are met."""
        return tuple(n for n in self.nodes if isinstance(n.kind, Leaf) and n.kind.role != "input")

    def replace(self, new: Mapping[Node, Node]) -> "Graph":
        """The graph with nodes replaced by others of the same types, everywhere, in one walk."""
        return self.rebuild(lambda node, operands: new[node] if node in new else node.with_operands(operands))

    def rebuild(self, make: Callable[[Node, tuple[Node, ...]], Node]) -> "Graph":
        """The graph with every node made anew from its new operands; ``make`` answers the node itself to keep it.

        Where nothing changes, the graph itself is the answer.
        """
        done: dict[Node, Node] = {}
        for node in self.nodes:
            done[node] = make(node, tuple([done[o] for o in node.operands]))
        if all(done[n] is n for n in self.roots):
            return self
        return Graph(
            self.inputs,
            tuple(done[n] for n in self.outputs),
            tuple((leaf, done[value]) for leaf, value in self.updates),
        )


@dataclass(frozen=True, eq=False)
class Kernel:
    """Nodes computed by one kernel, in topological order; ``stores`` are those that others read or that leave.

    ``parts``: of a kernel that goes row by row, the kernels that would compute the same one after the other.
    """

    nodes: tuple[Node, ...]
    stores: tuple[Node, ...]
    parts: "tuple[Kernel, ...]" = ()

    def moved(self, to: Mapping[Node, Node]) -> "Kernel":
        """The same kernel over other nodes, one for each."""
        nodes, stores = (tuple(to[n] for n in some) for some in (self.nodes, self.stores))
        return Kernel(nodes, stores, tuple(part.moved(to) for part in self.parts))


def check_inputs(graph: Graph, names: Sequence[str]) -> None:
    """That every input leaf the graph needs is among its declared inputs."""
    declared = set(graph.inputs)
    for node in graph.nodes:
        if isinstance(node.kind, Leaf) and node.kind.role == "input" and node not in declared:
            raise GraphError(
                f"the outputs need input {node.kind.name!r} ({node.site}), which is not among the inputs "
                f"[{', '.join(names)}]; add it"
            )
