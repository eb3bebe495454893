"""The inner loops of colouring: flat arrays, compiled where the work is worth half a second of compiling.

Greedy loops keep, for each row, the set of colours seen there as bits; so a row of a million entries costs no more
than its entries, where the textbook's walk over neighbours of neighbours would be quadratic.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np

from graphad.runtime import jit

Array = np.ndarray[Any, Any]

SMALL: Final = 20_000
"""Steps below which Python is quicker than the compiler."""


def run(kernel: Callable[..., int], work: int, *args: Any) -> int:
    """The kernel called, compiled if there is much to do."""
    return int((_compiled(kernel) if work > SMALL else kernel)(*args))


@cache
def _compiled(kernel: Callable[..., int]) -> Callable[..., int]:
    return jit(kernel)


def greedy(
    order: Array, starts: Array, rows: Array, needed: Array, everyone: Array, askers: Array, words: int, colours: Array
) -> int:
    """Gives each column of ``order`` the least colour that no conflicting one has; how many, -1 for out of room.

    Two columns conflict if they share a row in which at least one of the two entries is needed.

    Args:
        starts, rows: the columns' entries, all of them; needed: whether the entry is read from this compression.
        everyone, askers: a row of ``words`` 64-bit words for each row: colours of columns there, and of those whose
            entry there is needed; zeros at the start. One array for both where everything is needed.
        colours: written.
    """
    count = 0
    one = np.uint64(1)
    for j in order:
        colour = -1
        for w in range(words):
            word = np.uint64(0)
            for k in range(starts[j], starts[j + 1]):
                at = rows[k] * words + w
                word |= everyone[at] if needed[k] else askers[at]
            if word != np.uint64(0xFFFFFFFFFFFFFFFF):
                colour = 64 * w
                while word & one:
                    word >>= one
                    colour += 1
                break
        if colour < 0:
            return -1
        colours[j] = colour
        if colour >= count:
            count = colour + 1
        bit = one << np.uint64(colour % 64)
        for k in range(starts[j], starts[j + 1]):
            at = rows[k] * words + colour // 64
            everyone[at] |= bit
            if needed[k]:
                askers[at] |= bit
    return count


def star(
    order: Array, starts: Array, neighbours: Array, seen: Array, witness: Array, forbidden: Array, room: int,
    colours: Array,
) -> int:  # fmt: skip
    """Star colouring: neighbours differ, and no path of four vertices has two colours. How many, -1 for out of room.

    Vertex v must not take the colour c of an x, where w is a neighbour of v, and x of w, if
    v has a second neighbour of w's colour (then it, v, w, x is such a path), or
    x has one (then v, w, x and it), unless w has several neighbours of colour c: then x cannot.

    Args:
        seen, witness: rows of ``room`` for each vertex: how many neighbours of each colour (2 for more), and one.
        forbidden: ``room`` numbers below 0; colours: -1 for each vertex; both written.
    """
    count = 0
    for v in order:
        for k in range(starts[v], starts[v + 1]):
            w = neighbours[k]
            cw = colours[w]
            if w == v or cw < 0:
                continue
            forbidden[cw] = v
            second = seen[v * room + cw] >= 2
            for c in range(count):
                several = seen[w * room + c]
                if several >= 1 and (second or (several == 1 and seen[witness[w * room + c] * room + cw] >= 2)):
                    forbidden[c] = v
        colour = 0
        while colour < count and forbidden[colour] == v:
            colour += 1
        if colour >= room:
            return -1
        if colour == count:
            count += 1
        colours[v] = colour
        for k in range(starts[v], starts[v + 1]):
            w = neighbours[k]
            if w != v:
                at = w * room + colour
                seen[at] = min(2, seen[at] + 1)
                witness[at] = v
    return count


def peel(starts: Array, neighbours: Array, keys: Array, step: int, lists: Array, order: Array) -> int:
    """Takes vertices out one by one, least key first and neighbours' keys reduced (step -1: smallest last, backwards),
    or greatest key first and neighbours' keys raised (step 1: incidence degree). Ties go to who got the key last.

    Args:
        keys: degrees, or zeros; written. lists: three rows of n + 1 of -1: first by key, next, previous.
    """
    n = order.size
    following, before = n + 1, 2 * (n + 1)
    for i in range(n):
        v = n - 1 - i  # the first vertex ends on top
        first = lists[keys[v]]
        lists[following + v] = first
        if first >= 0:
            lists[before + first] = v
        lists[keys[v]] = v
    at = 0
    for place in range(n):
        while lists[at] < 0:
            at -= step
        v = lists[at]
        order[place] = v
        lists[at] = lists[following + v]
        if lists[at] >= 0:
            lists[before + lists[at]] = -1
        keys[v] = -1
        for k in range(starts[v], starts[v + 1]):
            u = neighbours[k]
            key = keys[u]
            if key < 0:
                continue
            left, right = lists[before + u], lists[following + u]
            if left >= 0:
                lists[following + left] = right
            else:
                lists[key] = right
            if right >= 0:
                lists[before + right] = left
            key += step
            keys[u] = key
            lists[following + u] = lists[key]
            lists[before + u] = -1
            if lists[key] >= 0:
                lists[before + lists[key]] = u
            lists[key] = u
        at += step
        at = min(max(at, 0), n)
    return n


def independent(
    order: Array, starts: Array, columns: Array, open_: Array, everyone: Array, askers: Array, stamp: int, chosen: Array
) -> int:
    """Rows of ``order`` that can share a sweep, each taken if it conflicts with none before; open entries they cover.

    As in ``greedy``: two rows conflict if they share a column in which at least one of the two entries is open.

    Args:
        everyone, askers: for each column the last stamp of a row there, and of one whose entry there is open.
        chosen: one a row, written: the stamp.
    """
    covered = 0
    for i in order:
        fits = True
        gain = 0
        for k in range(starts[i], starts[i + 1]):
            j = columns[k]
            if askers[j] == stamp or (open_[k] and everyone[j] == stamp):
                fits = False
                break
            if open_[k]:
                gain += 1
        if not fits or gain == 0:
            continue
        covered += gain
        chosen[i] = stamp
        for k in range(starts[i], starts[i + 1]):
            everyone[columns[k]] = stamp
            if open_[k]:
                askers[columns[k]] = stamp
    return covered
