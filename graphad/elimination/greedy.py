"""Orders chosen one vertex at a time: the one that is cheapest now, of several the last in the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush

from graphad.elimination.counts import Rows, indices
from graphad.elimination.graph import Graph

FILL_WORK = 4_000_000  # rows that min-fill may look at; about a second


def markowitz(graph: Graph, vertices: Iterable[int], first: Iterable[int] = ()) -> list[int]:
    """Least in-degree times out-degree first (Griewank and Reese 1991, after Markowitz 1957).

    Args:
        vertices: what is ordered; all else stays.
        first: what is eliminated before them.
    """
    rows = Rows(graph)
    for v in first:
        rows.eliminate(v)
    return _greedy(rows, vertices, rows.price, lambda v: (*indices(rows.before[v]), *indices(rows.after[v])))


def min_fill(graph: Graph, vertices: Iterable[int]) -> list[int] | None:
    """Least fill first: the entries that eliminating v makes and that were not there; None if it takes too long."""
    rows = Rows(graph)
    work = 0

    def fill(v: int) -> int:
        nonlocal work
        work += rows.before[v].bit_count()
        if work > FILL_WORK:
            raise _TooLongError
        after = rows.after[v]
        return sum((after & ~rows.after[p]).bit_count() for p in indices(rows.before[v]))

    def changed(v: int) -> Iterator[int]:
        """Neighbours of v, and vertices between a p before v and an s after v, whose entry [p, s] may be new."""
        before, after = rows.before[v], rows.after[v]
        near = before | after
        for p in indices(before):
            near |= rows.after[p]
        return (u for u in indices(near & ~(1 << v)) if (before | after) >> u & 1 or rows.after[u] & after)

    try:
        return _greedy(rows, vertices, fill, changed)
    except _TooLongError:
        return None


class _TooLongError(Exception):
    pass


def _greedy(
    rows: Rows, vertices: Iterable[int], price: Callable[[int], int], changed: Callable[[int], Iterable[int]]
) -> list[int]:
    """`changed`: the vertices whose price eliminating v may change."""
    prices = {v: price(v) for v in vertices}
    heap = [(cost, -v) for v, cost in prices.items()]
    heapify(heap)
    order: list[int] = []
    while heap:
        cost, negative = heappop(heap)
        v = -negative
        if prices.get(v) != cost:
            continue  # an older price
        del prices[v]
        order.append(v)
        touched = [u for u in changed(v) if u in prices]
        rows.eliminate(v)
        for u in touched:
            now = price(u)
            if now != prices[u]:
                prices[u] = now
                heappush(heap, (now, -u))
    return order
