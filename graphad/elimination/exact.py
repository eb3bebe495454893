"""The cheapest order of a small piece, by dynamic programming over the sets of classes that are gone."""

from __future__ import annotations

import numpy as np

from graphad._lazy import lazy_import
from graphad.elimination.counts import indices
from graphad.elimination.pieces import Piece, packed, words_of

kernels = lazy_import("graphad.elimination.kernels")  # brings Numba

CLASSES = 20  # the most that `exact` is meant for: a million sets
_INTERPRETED = 13  # up to here it takes less time than compiling does

Rows = list[list[int]]


def exact(piece: Piece) -> tuple[list[int], int]:
    """The cheapest order of the piece's classes and its cost.

    The price of eliminating c depends on the set S of classes that are gone and not on their order, so

        cost(S) = min over c in S of cost(S - c) + price(c | S - c)

    >>> from graphad.elimination.graph import Graph
    >>> graph = Graph.of([("x", "u"), ("u", "v"), ("v", "y"), ("v", "z")], ["x"], ["y", "z"])
    >>> exact(Piece.of(graph, graph.live))
    ([0, 1], 3)
    """
    n = len(piece.classes)
    least, last = _interpreted(piece) if n <= _INTERPRETED else _compiled(piece)
    gone = len(least) - 1
    order: list[int] = []
    while gone:
        order.append(int(last[gone]))
        gone ^= 1 << order[-1]
    return order[::-1], int(least[-1])


def _interpreted(piece: Piece) -> tuple[list[int], list[int]]:
    """`kernels.subsets` in Python; the states at all levels share what is the same."""
    n = len(piece.classes)
    least: list[int] = [0] + [1 << 60] * (2**n - 1)
    last = [0] * 2**n
    levels: list[Rows] = [[list(rows) for rows in piece.rows]] * (n + 1)
    for s in range(2**n):
        if s:
            b = (s & -s).bit_length() - 1
            levels[: b + 1] = [_without(levels[b + 1], b, piece)] * (b + 1)
        before, after = levels[0][-2:]
        for c in indices(~s & (2**n - 1)):
            cost = least[s] + len(piece.classes[c]) * before[c].bit_count() * after[c].bit_count()
            if cost < least[s | 1 << c]:
                least[s | 1 << c], last[s | 1 << c] = cost, c
    return least, last


def _without(rows: Rows, c: int, piece: Piece) -> Rows:
    """The rows once class c is gone; of entries, those that cost are sums and products of one that costs."""
    result = [list(side) for side in rows]
    inside = (1 << len(piece.classes)) - 1
    for side in (0, 1):
        new, costly = rows[1 - side][c], rows[-1 - side][c]
        for u in indices(rows[side][c] & inside):
            old = result[1 - side][u]
            if len(rows) == 4:
                grown = old & new | (new if rows[2 + side][c] >> u & 1 else costly)
                result[3 - side][u] = (result[3 - side][u] | grown) & ~piece.own[c]
            result[1 - side][u] = (old | new) & ~piece.own[c]
    return result


def _compiled(piece: Piece) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    n, words = len(piece.classes), words_of(piece)
    sides = len(piece.rows)
    eliminate = kernels.plain if sides == 2 else kernels.signed
    size = sides * n * words
    states = np.zeros((n + 1) * size, dtype=np.uint64)
    states[n * size :] = packed([row for rows in piece.rows for row in rows], words)
    states[:size] = states[n * size :]
    least = np.full(2**n, 1 << 60, dtype=np.int64)
    least[0] = 0
    last = np.zeros(2**n, dtype=np.int64)
    level = np.full(n + 1, n, dtype=np.int64)
    sizes = np.array([len(twins) for twins in piece.classes], dtype=np.int64)
    own = packed(piece.own, words)
    kernels.subsets(eliminate, states, least, last, level, sizes, sides, words, own, kernels.PLACE)
    return least, last
