"""Compiled inner loops. Flat arrays, one loop shape and few calls: so they compile in half a second.

A state is a row of `words` 64-bit words for each of n classes, before and then after: [(side * n + c) * words + w];
with four sides, the entries among them that are not +1 or -1 follow, and only products of those cost.

The least bit of a word, low, has place `place[low % 67]`: powers of two are different modulo 67.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphad.runtime import jit

Array = np.ndarray[Any, Any]
Eliminate = Callable[..., int]

PLACE = np.array([next((k for k in range(64) if (1 << k) % 67 == r), 0) for r in range(67)], dtype=np.int64)


@jit
def plain(states: Array, at: int, c: int, n: int, words: int, own: Array, place: Array) -> int:
    """Eliminates class c in the state at `at`; its entries before times its entries after."""
    product = 1
    half = n * words
    for side in range(2):
        here = at + side * half + c * words
        there = at + half - side * half
        degree = 0
        for w in range(words):
            word = states[here + w]
            while word != 0:
                rest = word & (word - np.uint64(1))
                u = 64 * w + place[(word ^ rest) % np.uint64(67)]
                word = rest
                degree += 1
                if u < n:
                    for k in range(words):
                        states[there + u * words + k] |= states[there + c * words + k]
                        states[there + u * words + k] &= ~own[c * words + k]
        product *= degree
    return product


@jit
def signed(states: Array, at: int, c: int, n: int, words: int, own: Array, place: Array) -> int:
    """The same with four sides. An entry costs if it is a sum, or a product of one that costs."""
    product = 1
    half = n * words
    for side in range(2):
        here = at + side * half + c * words
        there = at + half - side * half
        degree = 0
        for w in range(words):
            word = states[here + w]
            while word != 0:
                rest = word & (word - np.uint64(1))
                u = 64 * w + place[(word ^ rest) % np.uint64(67)]
                from_costly = 0 if states[here + 2 * half + w] & (word ^ rest) else 2 * half
                word = rest
                if from_costly == 0:
                    degree += 1
                if u < n:
                    to, of = there + u * words, there + c * words
                    for k in range(words):
                        grown = (states[to + k] & states[of + k]) | states[of + from_costly + k]
                        states[to + 2 * half + k] = (states[to + 2 * half + k] | grown) & ~own[c * words + k]
                        states[to + k] = (states[to + k] | states[of + k]) & ~own[c * words + k]
        product *= degree
    return product


@jit
def anneal(
    eliminate: Eliminate, states: Array, orders: Array, sources: Array, targets: Array, allowances: Array, least: int,
    sizes: Array, sides: int, words: int, own: Array, place: Array,
) -> int:  # fmt: skip
    """Moves the class at place sources[m] to targets[m] if that costs at most allowances[m] more; the least cost.

    Only what lies between the two places is replayed: what a vertex costs depends on which vertices are gone, not on
    their order. State k is the graph after the first k of the order; the last state is for trials.

    Args:
        eliminate: `plain` or `signed`; compiled for the one that is passed.
        orders: rows of n: the order, the best one so far, whose cost is `least`, what each place costs, and two
            for trials; all are written.
        sizes: how many twins each class has.
    """
    n = sizes.size
    size = sides * n * words
    best = n  # the order itself is at 0
    costs = 2 * n
    trial = 3 * n
    scratch = 4 * n
    total = 0
    for k in range(n):
        total += orders[costs + k]
    for m in range(allowances.size):
        i, j = sources[m], targets[m]
        low = i if i < j else j
        high = i + j - low
        shift = 1 if i < j else -1
        old = 0
        for k in range(low, high + 1):
            orders[trial + k] = orders[k + shift] if k != j else orders[i]
            old += orders[costs + k]
        most = old + allowances[m]
        new = 0
        at = low * size
        step = (n + 1) * size - at
        for _ in range(2):  # a trial; then, if it is taken, the same with its states kept: one call compiles faster
            new = 0
            for k in range(low, high + 1):
                if step == size or k == low:
                    for w in range(size):
                        states[at + step + w] = states[at + w]
                    at += step
                c = orders[trial + k]
                orders[scratch + k] = sizes[c] * eliminate(states, at, c, n, words, own, place)
                new += orders[scratch + k]
                if new > most:
                    break
            if new > most or step == size:
                break
            at = low * size
            step = size
        if new > most:
            continue
        total += new - old
        for k in range(low, high + 1):
            orders[k] = orders[trial + k]
            orders[costs + k] = orders[scratch + k]
        if total < least:
            least = total
            for k in range(n):
                orders[best + k] = orders[k]
    return least


@jit
def subsets(
    eliminate: Eliminate, states: Array, least: Array, last: Array, level: Array, sizes: Array, sides: int, words: int,
    own: Array, place: Array,
) -> None:  # fmt: skip
    """least[s]: the lowest cost of eliminating exactly the classes in the bits of s, and last[s] the last of them.

    Subsets come in numeric order; `level[b]` is the state after the classes of s from bit b upwards, so that the next
    subset takes one elimination.
    """
    n = sizes.size
    size = sides * n * words
    for s in range(least.size):
        if s > 0:
            b = place[(s & -s) % 67]
            for w in range(size):
                states[b * size + w] = states[level[b + 1] * size + w]
            eliminate(states, b * size, b, n, words, own, place)
            for k in range(b + 1):
                level[k] = b
        for c in range(n):
            if (s >> c) & 1 == 0:
                price = sizes[c]
                for side in range(2):
                    degree = 0
                    for w in range(words):
                        word = states[level[0] * size + ((sides - 2 + side) * n + c) * words + w]
                        while word != 0:
                            word &= word - np.uint64(1)
                            degree += 1
                    price *= degree
                after = s | (1 << c)
                if least[s] + price < least[after]:
                    least[after] = least[s] + price
                    last[after] = c
