"""The dynamic program: for every sub-chain, the step that comes last.

For the sub-chain F_j o ... o F_i, of the least cost C (``parallel``: the least time on unlimited threads, where the two
operands of a product are computed side by side and max takes the place of +):

    C(j,j) = min(t_j n_j, a_j m_j)
    C(j,i) = min of  C(j-1,i) + n_i t_j                                    push tangents through F_j
                     C(j,i+1) + m_j a_i                                    pull adjoints through F_i, if its tape fits
                     min over i <= k < j of C(j,k+1) + C(k,i) + m_j m_k n_i     multiply

Naumann (arXiv 2003.05755, 2406.11862) sweeps through any number of factors at once, C(k,i) + n_i sum(t_l, l = k+1..j),
and bounds the sum of an adjoint's tapes. The minimum is the same: C(k,i) + n_i sum(t_l, l = k+1..j-1) is a candidate
for C(j-1,i), and a shorter sweep needs less tape. So only products need the loop over k.
"""

import numpy as np
from numpy.typing import NDArray

from graphad._lazy import lazy_import
from graphad.chain.problem import Problem

narrow = lazy_import("graphad.chain.narrow")  # both bring Numba
wide = lazy_import("graphad.chain.wide")

PUSH, PULL = -1, -2  # as last step; a product is told by its k

Choices = NDArray[np.int32]

SMALL = 80  # factors: Python is done (0.1 s) before the compiled loops have been loaded


def choices(problem: Problem, parallel: bool = False) -> Choices:
    """``result[i, j]``: the last step for factors i..j (counted from 0); nothing of note where i >= j.

    All three ways are exact and break ties alike: push, pull, then the product with the least k.
    """
    if len(problem) <= SMALL:
        return choices_python(problem, parallel)
    if problem.bound < 2**63:
        return narrow.choices_narrow(problem, parallel)  # type: ignore[no-any-return]
    return wide.choices_wide(problem, parallel)  # type: ignore[no-any-return]


def choices_python(problem: Problem, parallel: bool) -> Choices:
    """The recurrence as it is written, in Python's integers."""
    q, rows, columns = len(problem), problem.rows, problem.columns
    best = [[0] * q for _ in range(q)]
    result = np.zeros((q, q), np.int32)
    for j in range(q):
        best[j][j] = problem.start[j]
        for i in reversed(range(j)):
            options: list[tuple[int, int]] = []
            if (push := problem.push[j]) is not None:
                options.append((best[i][j - 1] + columns[i] * push, PUSH))
            if (pull := problem.pull[i]) is not None:
                options.append((best[i + 1][j] + rows[j] * pull, PULL))
            for k in range(i, j):
                inner, outer = best[i][k], best[k + 1][j]
                operands = max(inner, outer) if parallel else inner + outer
                options.append((operands + rows[j] * rows[k] * columns[i], k))
            best[i][j], result[i, j] = min(options, key=lambda option: option[0])
    return result
