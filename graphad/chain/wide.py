"""The recurrence in integers of any width, compiled: numbers are rows of limbs of 31 bits in int64, least first.

With 31 bits a product of two limbs, a limb and a carry stay below 2**63. How many limbs a value needs follows from the
problem's bound, so nothing can overflow. Nearly all candidates are first told apart in floating point: everything is
a sum of products of numbers that are not negative, so a candidate that looks larger by a part in 10**9 is larger.
Beyond the range of floating point the comparisons with inf and nan fail, and the limbs decide.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphad.chain.problem import Problem
from graphad.runtime import jit

BITS = 31
MASK = 2**BITS - 1
CLEARLY = 1 + 1e-9

Limbs = NDArray[np.int64]  # [numbers, limbs]
Floats = NDArray[np.float64]
Choices = NDArray[np.int32]


def choices_wide(problem: Problem, parallel: bool) -> Choices:
    """``recurrence.choices`` for any problem."""
    q = len(problem)
    push, pull = ([0 if c is None else c for c in costs] for costs in (problem.push, problem.pull))
    allowed = np.array([[c is not None for c in costs] for costs in (problem.push, problem.pull)])
    numbers = to_limbs([*problem.rows, *problem.columns, *push, *pull, max(problem.rows) * max(problem.columns)])
    start = to_limbs([*problem.start, problem.bound])[:-1]
    table = np.zeros((q * q + 2, start.shape[1]), np.int64)  # row i q + j: the least cost of factors i..j
    table[: q * q : q + 1] = start
    result = np.zeros((q, q), np.int32)
    _loop(numbers, table, allowed, np.empty(4 * q + 1), np.empty((q, q)), result, parallel)
    return result


def to_limbs(numbers: Sequence[int]) -> Limbs:
    """Each number as a row of as many limbs as the largest one needs.

    >>> to_limbs([5, 2**31 + 7])
    array([[5, 0],
           [7, 1]])
    """
    width = max(1, -(-max(numbers).bit_length() // BITS))
    return np.array([[number >> BITS * limb & MASK for limb in range(width)] for number in numbers], np.int64)


@jit
def _add_product(out: Limbs, at: int, x: Limbs, a: int, b: int) -> None:
    """out[at] += x[a] x[b]."""
    width = out.shape[1]
    for u in range(min(width, x.shape[1])):
        if x[a, u] != 0:
            carry, v = np.int64(0), 0
            while u + v < width and (v < x.shape[1] or carry != 0):
                total = out[at, u + v] + carry
                if v < x.shape[1]:
                    total += x[a, u] * x[b, v]
                out[at, u + v] = total & MASK
                carry = total >> BITS
                v += 1


@jit
def _improves(table: Limbs, at: int, low: int, inner: int, outer: int, parallel: bool) -> bool:
    """table[at] += the operands' sum or maximum; copies it to table[low], and says so, if it is less than that."""
    width, carry, larger = table.shape[1], np.int64(0), inner
    if parallel and _order(table, inner, outer) < 0:
        larger = outer
    for p in range(width):
        total = table[at, p] + table[larger, p] + carry
        if not parallel:
            total += table[outer, p]
        table[at, p] = total & MASK
        carry = total >> BITS
    if _order(table, at, low) >= 0:
        return False
    for p in range(width):
        table[low, p] = table[at, p]
    return True


@jit
def _order(table: Limbs, a: int, b: int) -> int:
    """Negative where table[a] < table[b], 0 where they are equal."""
    for p in range(table.shape[1] - 1, -1, -1):
        if table[a, p] != table[b, p]:
            return int(table[a, p] - table[b, p])
    return 0


@jit
def _float(table: Limbs, at: int) -> float:
    value = 0.0
    for p in range(table.shape[1] - 1, -1, -1):
        value = value * 2.0**31 + table[at, p]
    return value


@jit
def _fill(table: Limbs, at: int, limb: int) -> None:
    for p in range(table.shape[1]):
        table[at, p] = limb


@jit
def _loop(
    numbers: Limbs,
    table: Limbs,
    allowed: NDArray[np.bool_],
    size: Floats,
    near: Floats,
    result: Choices,
    parallel: bool,
) -> None:
    q = near.shape[0]
    zero, cost, edge = q * q, q * q + 1, 4 * q  # rows of the table and of the numbers with other uses
    for r in range(edge):
        size[r] = _float(numbers, r)
    for j in range(q):
        near[j, j] = _float(table, j * q + j)
        for i in range(j - 1, -1, -1):
            low, least = i * q + j, np.inf
            _fill(table, low, MASK)  # above the bound: nothing found yet
            _fill(numbers, edge, 0)
            _add_product(numbers, edge, numbers, j, q + i)
            size[edge] = size[j] * size[q + i]
            for d in range(-2, j - i):
                possible, k = True, i + d
                if d == -2:
                    possible, inner, outer, x, y = allowed[0, j], low - 1, zero, q + i, 2 * q + j
                    about = near[i, j - 1]
                elif d == -1:
                    possible, inner, outer, x, y = allowed[1, i], low + q, zero, j, 3 * q + i
                    about = near[i + 1, j]
                else:
                    inner, outer, x, y = i * q + k, (k + 1) * q + j, k, edge
                    about = max(near[i, k], near[j, k + 1]) if parallel else near[i, k] + near[j, k + 1]
                about += size[x] * size[y]
                if possible and not about > least * CLEARLY:
                    _fill(table, cost, 0)
                    _add_product(table, cost, numbers, x, y)
                    if _improves(table, cost, low, inner, outer, parallel):
                        least = about
                        result[i, j] = k if d >= 0 else -3 - d
            near[i, j] = near[j, i] = _float(table, low)
