"""The recurrence in 64-bit integers, for problems whose bound shows that they suffice."""

import numpy as np
from numpy.typing import NDArray

from graphad.chain.problem import Problem
from graphad.runtime import jit

Integers = NDArray[np.int64]


def choices_narrow(problem: Problem, parallel: bool) -> NDArray[np.int32]:
    """``recurrence.choices`` for a problem with ``bound < 2**63``."""
    vectors = (problem.rows, problem.columns, problem.start, _sweeps(problem.push), _sweeps(problem.pull))
    return _loop(np.array(vectors, np.int64), parallel)


def _sweeps(costs: list[int | None]) -> list[int]:
    return [-1 if cost is None else cost for cost in costs]


@jit
def _loop(numbers: Integers, parallel: bool) -> NDArray[np.int32]:
    rows, columns, start, push, pull = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    q = rows.size
    best = np.empty((q, q), np.int64)  # both triangles, so that the loop over k reads two rows
    result = np.zeros((q, q), np.int32)
    for j in range(q):
        best[j, j] = start[j]
        for i in range(j - 1, -1, -1):
            low, choice = np.int64(2**63 - 1), np.int64(0)
            if push[j] >= 0:
                low, choice = best[i, j - 1] + columns[i] * push[j], np.int64(-1)
            if pull[i] >= 0 and best[i + 1, j] + rows[j] * pull[i] < low:
                low, choice = best[i + 1, j] + rows[j] * pull[i], np.int64(-2)
            inner, outer, middle = best[i, i:j], best[j, i + 1 : j + 1], rows[i:j]
            edge = rows[j] * columns[i]
            for d in range(inner.size):  # from 0: a signed lower bound would keep the test for negative indices
                operands = max(inner[d], outer[d]) if parallel else inner[d] + outer[d]
                cost = operands + edge * middle[d]
                if cost < low:
                    low, choice = cost, np.int64(i + d)
            best[i, j] = best[j, i] = low
            result[i, j] = choice
    return result
