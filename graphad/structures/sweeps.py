"""Forward and reverse mode on structured Jacobians: the same product of local Jacobians from either end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphad.autodiff.local import inputs_of
from graphad.sites import origin
from graphad.structures.algebra import Structured, after, plus
from graphad.structures.local import Edge, local_jacobians
from graphad.structures.weights import Weights
from graphad.tensor import Tensor


class Edges:
    """The local Jacobians of a graph's nodes between ``live`` ones, each made once and shared by all that ask."""

    def __init__(self, live: set[Tensor]) -> None:
        self.live = live
        self._known: dict[Tensor, list[tuple[Tensor, Edge]]] = {}

    def of(self, node: Tensor) -> list[tuple[Tensor, Edge]]:
        """(input, d node / d input) for each live input on which it depends, in order; an input may stand twice."""
        if node not in self._known:
            inputs = inputs_of(node)
            with origin(node.site):
                found = local_jacobians(node, [x in self.live for x in inputs])
            self._known[node] = [(x, e) for x, e in zip(inputs, found, strict=True) if e is not None]
        return self._known[node]


def forward(
    w: Weights, edges: Edges, nodes: Sequence[Tensor], start: Mapping[Tensor, Structured]
) -> dict[Tensor, Structured]:
    """Right to left: d node / d source for each of ``nodes`` (in order), from those of ``start``.

    J[v] = sum over inputs u of v of (dv/du) J[u]
    """
    found: dict[Tensor, Structured] = dict(start)
    for node in nodes:
        reached = [(x, edge) for x, edge in edges.of(node) if x in found]
        if not reached:
            continue
        total = found.get(node)
        with origin(node.site):
            for x, edge in reached:
                total = plus(w, total, after(w, edge, found[x]))
        assert total is not None
        found[node] = total
    return found


def reverse(
    w: Weights, edges: Edges, nodes: Sequence[Tensor], start: Mapping[Tensor, Structured], keep: set[Tensor]
) -> dict[Tensor, Structured]:
    """Left to right: d target / d node for the nodes of ``keep``, from those of ``start``; ``nodes`` in reverse.

    J[u] = sum over users v of u of J[v] (dv/du)
    """
    found: dict[Tensor, Structured] = dict(start)
    for node in reversed(nodes):
        if node not in found:
            continue
        j = found[node] if node in keep else found.pop(node)
        with origin(node.site):
            for x, edge in edges.of(node):
                found[x] = plus(w, found.get(x), after(w, j, edge))
    return found
