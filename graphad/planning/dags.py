"""Graphs for elimination: numbered vertices with structured Jacobians on the edges."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from graphad.elimination import Graph, eliminate
from graphad.elimination.counts import Count, replay, total
from graphad.elimination.products import order_of
from graphad.planning.problem import Problem
from graphad.planning.scalars import Scalars
from graphad.runtime.once import cached_property
from graphad.structures import Einsum, Structured, Weights, after, identity, plus
from graphad.tensor import Tensor

Edge = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Dag:
    """``edges``: (from, to) -> the local Jacobians whose sum counts; numbers are program order.

    ``vertices``: what each number stands for, a tensor or an element of one.
    """

    vertices: tuple[Any, ...]
    edges: dict[Edge, list[Structured]]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def units(self) -> dict[tuple[Hashable, Hashable], int]:
        """The edges whose Jacobian is the identity or its negative."""
        return {
            ends: -1 if parts[0].negative else 1
            for ends, parts in self.edges.items()
            if len(parts) == 1 and isinstance(parts[0], Einsum) and parts[0].is_identity
        }

    @cached_property
    def graph(self) -> Graph | None:
        """As `graphad.elimination` takes it; None where no edge leads from an input to an output."""
        return Graph.of(self.edges, self.inputs, self.outputs, self.units) if self.inputs and self.outputs else None

    @property
    def intermediates(self) -> tuple[int, ...]:
        """The vertices that are neither input nor output, in program order; those on no way between them, too."""
        return () if self.graph is None else tuple(self.graph.labels[v] for v in self.graph.intermediates)  # type: ignore[misc]

    def play(self, w: Weights, order: Iterable[int]) -> dict[Edge, Structured]:
        """Eliminates the intermediates in this order; the entries that are left, from inputs to outputs.

        Errors: GraphError for an order that misses a vertex, names one twice, or names an input or output.
        """
        if self.graph is None:
            return {}
        entries = self.start(w)
        for source, via, target, first, _ in eliminate(self.graph, order):
            found = after(w, entries[via, target], entries[source, via])  # type: ignore[index]
            known = None if first else entries[source, target]  # type: ignore[index]
            entries[source, target] = plus(w, known, found)  # type: ignore[index]
        ends = set(self.inputs), set(self.outputs)
        return {(a, b): j for (a, b), j in entries.items() if a in ends[0] and b in ends[1]}

    def count(self, order: Iterable[int]) -> Count:
        """The products of an order, of scalar code: as published counts are, and those that are carried out.

        The latter have no factor +1 or -1, and are with those that lead from output to output, which no order changes.
        """
        if self.graph is None:
            return Count(0, 0)
        order = tuple(order)
        return Count(self.published(order), sum(not product.trivial for product in eliminate(self.graph, order)))

    def published(self, order: Iterable[int]) -> int:
        """The products as published counts are: quick, since none is made."""
        if self.graph is None:
            return 0
        return total(replay(self.graph, order_of(self.graph, order)).values()).multiplications

    def start(self, w: Weights) -> dict[Edge, Structured]:
        """The entries before anything is eliminated."""
        found: dict[Edge, Structured] = {}
        for ends, parts in self.edges.items():
            total: Structured | None = None
            for part in parts:
                total = plus(w, total, part)
            assert total is not None
            found[ends] = total
        return found


def of_scalars(graph: Scalars) -> Dag:
    """The scalar graph with its vertices numbered."""
    number = {v: k for k, v in enumerate(graph.order)}
    edges = {(number[a], number[b]): parts for (a, b), parts in graph.edges.items()}
    return _dag(tuple(graph.order), edges, [number[v] for v in graph.inputs], [number[v] for v in graph.outputs])


def of_nodes(problem: Problem) -> Dag:
    """Every node a vertex, whatever its shape.

    An input that is computed from another one stands twice: as what moves by itself, with the identity on the edge to
    the node that it moves.
    """
    inputs = set(problem.inputs)
    vertices: list[Tensor] = []
    edges: dict[Edge, list[Structured]] = {}
    number: dict[Tensor, int] = {}
    starts: list[int] = []
    for node in problem.nodes:
        behind = problem.edges.of(node)
        if node in inputs:
            starts.append(len(vertices))
            if behind:
                vertices.append(node)
                edges[len(vertices) - 1, len(vertices)] = [identity(node.shape, node.dtype)]
        number[node] = len(vertices)
        vertices.append(node)
        for x, edge in behind:
            edges.setdefault((number[x], number[node]), []).append(edge)
    stops = [number[y] for y in dict.fromkeys(problem.outputs) if y in number]  # one that no input reaches is none
    return _dag(tuple(vertices), edges, starts, stops)


def _dag(vertices: tuple[Any, ...], edges: dict[Edge, list[Structured]], inputs: list[int], outputs: list[int]) -> Dag:
    """Without ends that no edge touches."""
    starts, stops = {a for a, _ in edges}, {b for _, b in edges}
    kept = tuple(v for v in inputs if v in starts), tuple(v for v in outputs if v in stops)
    return Dag(vertices, edges, *kept)
