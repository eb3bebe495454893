"""Markowitz's rule on graphs whose rows are too long for bits."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from graphad.elimination.counts import Count
from graphad.elimination.graph import Graph
from graphad.elimination.products import Elimination

WORK = 4_000_000  # products that may be made; some ten seconds


def markowitz_within(graph: Graph, most: int) -> tuple[list[int], Count] | None:
    """Markowitz's order, ties to the last vertex, and its count; None once it passes `most` products or `WORK`."""
    playing = Elimination(graph)
    prices = {v: _price(playing, v) for v in graph.live}
    heap = [(cost, -v) for v, cost in prices.items()]
    heapify(heap)
    order: list[int] = []
    plain = nontrivial = 0
    while heap:
        cost, negative = heappop(heap)
        v = -negative
        if prices.get(v) != cost:
            continue
        plain += cost
        if plain > min(most, WORK):
            return None
        del prices[v]
        order.append(v)
        near = [*playing.before[v], *playing.after[v]]
        nontrivial += sum(not product.trivial for product in playing.eliminate(v))
        for u in near:
            if u in prices:
                prices[u] = _price(playing, u)
                heappush(heap, (prices[u], -u))
    return order, Count(plain, nontrivial)


def _price(playing: Elimination, v: int) -> int:
    return len(playing.before[v]) * len(playing.after[v])
