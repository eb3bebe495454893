"""Counts of forward and reverse elimination by formula, for graphs too large to eliminate vertex by vertex."""

from __future__ import annotations

from collections.abc import Sequence

from graphad.elimination.counts import Count, total
from graphad.elimination.graph import Graph

_CHUNK = 4096  # inputs (or outputs) followed at a time: bounds the memory to this many bits a vertex

Links = Sequence[Sequence[int]]


def forward(graph: Graph) -> Count:
    """Eliminating in program order: v multiplies the entries of the inputs that reach it with each edge after it.

        sum over v of |inputs reaching v| * out-degree of v

    since all before v is gone and nothing after it has changed.
    """
    units = {(a, b) for a, b in graph.units}
    return _sweep(graph, graph.before, graph.after, units, graph.live)


def reverse(graph: Graph) -> Count:
    """Eliminating against program order: the forward sweep of the graph with all edges turned round."""
    units = {(b, a) for a, b in graph.units}
    return _sweep(graph, graph.after, graph.before, units, graph.live[::-1])


def _sweep(graph: Graph, before: Links, after: Links, units: set[tuple[int, int]], order: Sequence[int]) -> Count:
    ends = [v for v in (*graph.inputs, *graph.outputs) if after[v]]
    chunks = [ends[k : k + _CHUNK] for k in range(0, len(ends), _CHUNK)]
    return total(_chunk(chunk, before, after, units, order) for chunk in chunks)


def _chunk(ends: list[int], before: Links, after: Links, units: set[tuple[int, int]], order: Sequence[int]) -> Count:
    """The products with an entry of one of these ends."""
    reach = {v: 1 << k for k, v in enumerate(ends)}  # whose entries a vertex has
    unit = dict(reach)  # which of them are +1 or -1: reached by one path, of such edges only
    plain = nontrivial = 0
    for v in order:
        once = twice = signs = 0
        for p in before[v]:
            seen = reach.get(p, 0)
            twice |= once & seen
            once |= seen
            if (p, v) in units:
                signs |= unit.get(p, 0)
        reach[v], unit[v] = once, signs & ~twice
        costly = sum((v, s) not in units for s in after[v])
        plain += once.bit_count() * len(after[v])
        nontrivial += (once & ~unit[v]).bit_count() * costly
    return Count(plain, nontrivial)
