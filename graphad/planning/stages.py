"""A graph cut into a chain of stages, each entered and left through one node."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

from graphad.planning.problem import Problem
from graphad.structures import Edges, count
from graphad.tensor import Tensor

MOST: Final = 80
"""Stages of a chain; of more, the narrowest cuts are kept, because the bracketing's work grows with the cube."""


@dataclass(frozen=True, eq=False)
class Stage:
    """``nodes`` lead from ``entry``, which is not among them, to ``exit``, the last of them, and to nothing else."""

    entry: Tensor
    exit: Tensor
    nodes: tuple[Tensor, ...]

    def alone(self) -> Problem:
        """The stage as a problem of its own."""
        return Problem((self.exit,), (self.entry,), (self.entry, *self.nodes), Edges({self.entry, *self.nodes}))


def stages(problem: Problem, x: Tensor, y: Tensor, most: int = MOST) -> list[Stage]:
    """The stages from ``x`` to ``y``, innermost first; none if ``y`` does not depend on ``x``.

    A node is a cut if every way leads through it. In program order that is a node over which no edge jumps: one pass.
    """
    nodes = problem.between(x, y)
    cuts = _narrowest(nodes, _cuts(problem, nodes), most)
    return [Stage(nodes[a], nodes[b], tuple(nodes[a + 1 : b + 1])) for a, b in itertools.pairwise(cuts)]


def _cuts(problem: Problem, nodes: list[Tensor]) -> list[int]:
    """The places of x, of all cuts, and of y."""
    place = {node: k for k, node in enumerate(nodes)}
    reach = list(range(len(nodes)))  # the last user of each
    for k, node in enumerate(nodes):
        for u, _ in problem.edges.of(node) if k else ():
            if u in place:
                reach[place[u]] = max(reach[place[u]], k)
    found, furthest = [], 0
    for k in range(len(nodes)):
        if furthest <= k:
            found.append(k)
        furthest = max(furthest, reach[k])
    return found


def _narrowest(nodes: list[Tensor], cuts: list[int], most: int) -> list[int]:
    """The ends, and of the cuts between them those with the fewest elements."""
    if len(cuts) <= most + 1:
        return cuts
    inner = sorted(cuts[1:-1], key=lambda k: (count(nodes[k].shape), k))[: most - 1]
    return sorted([cuts[0], *inner, cuts[-1]])
