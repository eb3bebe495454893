"""The problem in floating point, for heuristics: they only decide, and what is reported is computed from the tree."""

import numpy as np
from numpy.typing import NDArray

from graphad.chain.problem import Problem

Floats = NDArray[np.float64]
Choices = NDArray[np.int32]


def as_floats(problem: Problem) -> Floats:
    """Rows, columns, starts, pushes and pulls; -1 where there is no such sweep.

    Sizes are divided by 2**s, sweeps by 4**s, starts by 8**s: all times shrink alike, and none leaves float64's range.
    """
    sizes = max(*problem.rows, *problem.columns).bit_length()
    sweeps = max(cost or 0 for cost in (*problem.push, *problem.pull)).bit_length()
    s = max(0, sizes - 250, (problem.bound.bit_length() - 750) // 3, (sweeps - 750) // 2)
    return np.array(
        [
            [size / 2**s for size in problem.rows],
            [size / 2**s for size in problem.columns],
            [cost / 8**s for cost in problem.start],
            [-1 if cost is None else cost / 4**s for cost in problem.push],
            [-1 if cost is None else cost / 4**s for cost in problem.pull],
        ],
        np.float64,
    )
