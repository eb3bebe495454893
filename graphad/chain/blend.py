"""Bracketings between the cheapest one and the one that is shortest on unlimited threads.

List scheduling needs at most work / t + (1 - 1/t) longest way (Graham 1969), so on t threads neither of the two
alone should be least. Here a product's operands count

    max(B(j,k+1), B(k,i)) + w min(B(j,k+1), B(k,i))

which is the cost for w = 1 and the time on unlimited threads for w = 0.
"""

from functools import cache

import numpy as np

from graphad.chain.floats import Choices, Floats, as_floats
from graphad.chain.problem import Problem
from graphad.chain.recurrence import SMALL
from graphad.runtime import jit

WEIGHTS = (0.05, 0.2, 0.4, 0.5, 0.6, 0.8)


def blended(problem: Problem, weight: float) -> Choices:
    """The last steps, as ``recurrence.choices`` gives them."""
    q = len(problem)
    result = np.zeros((q, q), np.int32)
    (_loop if q <= SMALL else _compiled(_loop))(as_floats(problem), weight, np.empty((q, q)), result)
    return result


def _loop(numbers: Floats, weight: float, best: Floats, result: Choices) -> None:
    rows, columns, start, push, pull = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    for j in range(rows.size):
        best[j, j] = start[j]
        for i in range(j - 1, -1, -1):
            low = np.inf
            if push[j] >= 0:
                low, result[i, j] = best[i, j - 1] + columns[i] * push[j], -1
            if pull[i] >= 0 and best[i + 1, j] + rows[j] * pull[i] < low:
                low, result[i, j] = best[i + 1, j] + rows[j] * pull[i], -2
            inner, outer, middle = best[i, i:j], best[j, i + 1 : j + 1], rows[i:j]
            edge = rows[j] * columns[i]
            for d in range(inner.size):
                cost = max(inner[d], outer[d]) + weight * min(inner[d], outer[d]) + edge * middle[d]
                if cost < low:
                    low, result[i, j] = cost, i + d
            best[i, j] = best[j, i] = low


_compiled = cache(jit)  # at the first long chain: it brings Numba
