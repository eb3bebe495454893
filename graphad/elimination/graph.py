"""A computational graph as elimination sees it: numbered vertices, what depends on what, which entries are +1 or -1."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from graphad.elimination.check import check_edges, check_ends, check_units, labels_of, refuse_cycle
from graphad.runtime.once import cached_property

Label = Hashable
Edge = tuple[Label, Label]


@dataclass(frozen=True)
class Graph:
    """Vertices numbered in program order, which is topological; `Graph.of` builds one from labels.

    Only edges on a path from an input to an output are kept: no other local partial enters the Jacobian.

    >>> graph = Graph.of([("x", "v"), ("v", "y"), ("v", "unused"), (2, "y")], ["x"], ["y"])
    >>> graph.labels, graph.after
    (('x', 'v', 'unused', 2, 'y'), ((1,), (4,), (), (), ()))
    >>> [graph.labels[v] for v in graph.intermediates]
    ['v', 'unused', 2]
    """

    labels: tuple[Label, ...]
    before: tuple[tuple[int, ...], ...]  # the vertices that each depends on, in the order of the edges
    after: tuple[tuple[int, ...], ...]  # the vertices that depend on each
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    units: frozenset[tuple[int, int]]  # edges whose local partial is +1 or -1

    @staticmethod
    def of(
        edges: Iterable[Edge],
        inputs: Iterable[Label],
        outputs: Iterable[Label],
        units: Mapping[Edge, int] | None = None,
    ) -> Graph:
        """The graph with these edges (from, to). See `solve` for the arguments and the errors."""
        pairs = check_edges(edges)
        sources, sinks = check_ends(pairs, labels_of("inputs", inputs), labels_of("outputs", outputs))
        marked = check_units(pairs, units or {})
        ranks = _ranks(pairs)
        labels = _program_order(pairs, ranks)
        number = {label: k for k, label in enumerate(labels)}
        links = [(number[a], number[b]) for a, b in dict.fromkeys(pairs)]
        before, after = _live(len(labels), links, [number[x] for x in sources], [number[y] for y in sinks])
        return Graph(
            labels,
            before,
            after,
            tuple(number[x] for x in sources),
            tuple(number[y] for y in sinks),
            frozenset((number[a], number[b]) for a, b in marked),
        )

    @cached_property
    def intermediates(self) -> tuple[int, ...]:
        """Every vertex that is neither input nor output, in program order."""
        ends = {*self.inputs, *self.outputs}
        return tuple(v for v in range(len(self.labels)) if v not in ends)

    @cached_property
    def live(self) -> tuple[int, ...]:
        """The intermediates between an input and an output; the others cost nothing."""
        return tuple(v for v in self.intermediates if self.after[v])


def _ranks(pairs: list[Edge]) -> dict[Label, int]:
    """Place in the program: the number itself where all labels are integers, otherwise the first appearance."""
    labels = dict.fromkeys(label for pair in pairs for label in pair)
    numbers = [label for label in labels if isinstance(label, int)]
    if len(numbers) == len(labels):
        return {label: label for label in numbers}
    return {label: k for k, label in enumerate(labels)}


def _program_order(pairs: list[Edge], ranks: dict[Label, int]) -> tuple[Label, ...]:
    """Topological; among those that could come next, the least rank (Kahn's algorithm with a heap)."""
    after: dict[Label, list[Label]] = {label: [] for label in ranks}
    waiting = dict.fromkeys(ranks, 0)
    for a, b in dict.fromkeys(pairs):
        after[a].append(b)
        waiting[b] += 1
    by_rank = {rank: label for label, rank in ranks.items()}
    ready = [rank for label, rank in ranks.items() if not waiting[label]]
    heapify(ready)
    order: list[Label] = []
    while ready:
        label = by_rank[heappop(ready)]
        order.append(label)
        for b in after[label]:
            waiting[b] -= 1
            if not waiting[b]:
                heappush(ready, ranks[b])
    if len(order) < len(ranks):
        refuse_cycle({label: after[label] for label in ranks if waiting[label]})
    return tuple(order)


def _live(
    count: int, links: list[tuple[int, int]], inputs: list[int], outputs: list[int]
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """Predecessors and successors by the edges that some input reaches and that reach some output."""
    forth: list[list[int]] = [[] for _ in range(count)]
    back: list[list[int]] = [[] for _ in range(count)]
    for a, b in links:
        forth[a].append(b)
        back[b].append(a)
    reached = _reach(forth, inputs)
    useful = _reach(back, outputs)
    keep = [r and u for r, u in zip(reached, useful, strict=True)]
    before = tuple(tuple(a for a in back[v] if keep[a]) if keep[v] else () for v in range(count))
    after = tuple(tuple(b for b in forth[v] if keep[b]) if keep[v] else () for v in range(count))
    return before, after


def _reach(links: list[list[int]], start: list[int]) -> list[bool]:
    seen = [False] * len(links)
    for v in start:
        seen[v] = True
    todo = list(start)
    while todo:
        for w in links[todo.pop()]:
            if not seen[w]:
                seen[w] = True
                todo.append(w)
    return seen
