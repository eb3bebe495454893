"""Plays an elimination, product by product: what a code generator emits and what the counts mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from graphad.checks import mapped
from graphad.compiler.errors import GraphError
from graphad.elimination.check import check_order, labels_of
from graphad.elimination.graph import Edge, Graph, Label


class Product(NamedTuple):
    """entry[source, target] (+)= entry[source, via] * entry[via, target].

    `first`: there was no such entry, so it is set, not added to. `trivial`: a factor is +1 or -1, so that it takes no
    multiplication.
    """

    source: Label
    via: Label
    target: Label
    first: bool
    trivial: bool


class Elimination:
    """A graph while its vertices are eliminated, in any order.

    Eliminating v replaces all paths through it: for each p before v and s after v,

        c[p, s] += c[p, v] * c[v, s]

    (Griewank and Walther, Evaluating Derivatives, 2nd edition, section 9.2), which is in-degree times out-degree
    products. When every intermediate is gone, the entries from inputs to outputs are the Jacobian.

    >>> graph = Graph.of([("x", "v"), ("z", "v"), ("v", "y"), ("x", "y")], ["x", "z"], ["y"], {("x", "v"): 1})
    >>> for product in Elimination(graph).eliminate(graph.live[0]):
    ...     print(product)
    Product(source='x', via='v', target='y', first=False, trivial=True)
    Product(source='z', via='v', target='y', first=True, trivial=False)
    """

    def __init__(self, graph: Graph) -> None:
        given: object = graph  # the user's: may be anything
        if not isinstance(given, Graph):
            raise GraphError(f"expected an elimination.Graph, got {given!r}; write Graph.of(edges, inputs, outputs)")
        self._graph = graph
        # dictionaries for their order; the value of after: whether the entry is +1 or -1
        self.before = [dict.fromkeys(vertices) for vertices in graph.before]
        self.after = [{s: (v, s) in graph.units for s in vertices} for v, vertices in enumerate(graph.after)]

    def eliminate(self, vertex: int) -> Iterator[Product]:
        """The products of one vertex, which is without edges afterwards."""
        yield from self._products(vertex)
        for p in self.before[vertex]:
            del self.after[p][vertex]
        for s in self.after[vertex]:
            del self.before[s][vertex]
        self.before[vertex], self.after[vertex] = {}, {}

    def finish(self) -> Iterator[Product]:
        """The products that lead from inputs through outputs to outputs, once all intermediates are gone.

        None where no output depends on another. No order changes them, so costs leave them out.
        """
        for vertex in sorted(self._graph.outputs):
            yield from self._products(vertex)
            for s in self.after[vertex]:
                del self.before[s][vertex]
            self.after[vertex] = {}

    def _products(self, v: int) -> Iterator[Product]:
        labels = self._graph.labels
        for p in self.before[v]:
            row = self.after[p]
            unit = row[v]
            for s, other in self.after[v].items():
                first = s not in row
                row[s] = first and unit and other  # a sum with a second term is no longer known to be +1 or -1
                self.before[s][p] = None
                yield Product(labels[p], labels[v], labels[s], first, unit or other)


def eliminate(graph: Graph, order: Iterable[Label]) -> list[Product]:
    """All products, in sequence, of eliminating the intermediates of the graph in this order.

    Raises:
        GraphError: the order names an input, an output, an unknown vertex or one twice, or misses one.

    >>> chain = Graph.of([("x", "u"), ("u", "v"), ("v", "y"), ("v", "z")], ["x"], ["y", "z"])
    >>> len(eliminate(chain, ["u", "v"])), len(eliminate(chain, ["v", "u"]))
    (3, 4)
    """
    playing = Elimination(graph)
    steps = [product for vertex in order_of(graph, order) for product in playing.eliminate(vertex)]
    return [*steps, *playing.finish()]


def jacobian(
    edges: Mapping[Edge, Any], inputs: Iterable[Label], outputs: Iterable[Label], order: Iterable[Label]
) -> np.ndarray[Any, Any]:
    """The Jacobian, outputs by inputs, of local partials multiplied in this order: Bauer's sum over paths.

    Args:
        edges: the local partial of each edge (from, to).
        order: every intermediate once.

    >>> jacobian({("x", "v"): 2.0, ("v", "y"): 5.0, ("x", "y"): 1.0}, ["x"], ["y"], ["v"])
    array([[11.]])
    """
    mapped("elimination.jacobian", "edges", edges, "{(from, to): partial}")
    columns, rows = labels_of("inputs", inputs), labels_of("outputs", outputs)
    graph = Graph.of(edges, columns, rows)
    entries = dict(edges)
    for source, via, target, first, _ in eliminate(graph, order):
        product = entries[source, via] * entries[via, target]
        entries[source, target] = product if first else entries[source, target] + product
    present = {(graph.labels[x], graph.labels[y]) for y in graph.outputs for x in _sources(graph, y)}
    return np.array([[entries[x, y] if (x, y) in present else 0.0 for x in columns] for y in rows])


def order_of(graph: Graph, order: Iterable[Label]) -> list[int]:
    """The vertices of an order by number, checked."""
    ends = {graph.labels[v]: "output" for v in graph.outputs} | {graph.labels[v]: "input" for v in graph.inputs}
    return check_order(order, {label: v for v, label in enumerate(graph.labels)}, ends)


def _sources(graph: Graph, output: int) -> set[int]:
    """The inputs that an output depends on."""
    seen: set[int] = set()
    todo = [output]
    while todo:
        new = [p for p in graph.before[todo.pop()] if p not in seen]
        seen.update(new)
        todo += new
    return seen & set(graph.inputs)
