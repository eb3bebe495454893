"""The dynamic program for threads: which step comes last, and how a product shares its threads out.

For factors i..j on t threads, of the least time T:

    T(j,j,t) = min(t_j n_j, a_j m_j)
    T(j,i,t) = min of  T(j-1,i,t) + n_i t_j,  T(j,i+1,t) + m_j a_i,
                       min over k, s of  max(T(j,k+1,s), T(k,i,t-s)) + m_j m_k n_i      side by side
                       min over k of     T(j,k+1,t) + T(k,i,t) + m_j m_k n_i            one after the other

(Maertens and Naumann, arXiv 2505.06056, without the last line.) A heuristic, since the threads of one half
stay with it when they run idle. T falls in t, so one thread more is best given to the slower half: s needs no loop.
"""

from functools import cache

import numpy as np

from graphad.chain.floats import Choices, Floats, as_floats
from graphad.chain.problem import Problem
from graphad.chain.rebuild import Decide, State
from graphad.chain.recurrence import SMALL
from graphad.runtime import jit

WORK = 10**9  # steps of the inner loop: about two seconds


def affordable_threads(factors: int, threads: int) -> int:
    """How many of the threads the dynamic program is run for: its work is q^3 t / 6. At most one for each factor."""
    return max(2, min(threads, factors, 6 * WORK // factors**3))


def decisions(problem: Problem, threads: int) -> Decide:
    """The decisions for any number of threads up to ``threads``."""
    q = len(problem)
    last = np.zeros((q, q, threads), np.int32)
    share = np.zeros((q, q, threads), np.int32)
    (_loop if q <= SMALL else _compiled(_loop))(as_floats(problem), np.empty((q, q, threads)), last, share)

    def decide(state: State) -> tuple[int, int]:
        i, j, t = state
        at = (i, j, min(t, j - i + 1) - 1)  # more threads than factors are of no use
        return int(last[at]), int(share[at])

    return decide


def _loop(numbers: Floats, time: Floats, last: Choices, share: Choices) -> None:
    rows, columns, start, push, pull = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    q, threads = rows.size, time.shape[2]
    for j in range(q):
        for t in range(threads):
            time[j, j, t] = start[j]
        for i in range(j - 1, -1, -1):
            useful = min(threads, j - i + 1)
            for t in range(useful):  # t + 1 threads
                time[i, j, t] = np.inf
                if push[j] >= 0:
                    time[i, j, t], last[i, j, t] = time[i, j - 1, t] + columns[i] * push[j], -1
                if pull[i] >= 0 and time[i + 1, j, t] + rows[j] * pull[i] < time[i, j, t]:
                    time[i, j, t], last[i, j, t] = time[i + 1, j, t] + rows[j] * pull[i], -2
            for k in range(i, j):
                own, outer, inner = rows[j] * rows[k] * columns[i], 0, -1  # threads of each half, less one
                for t in range(useful):
                    spent, left = time[k + 1, j, t] + time[i, k, t], 0
                    if t > 0:
                        if inner < 0 or time[k + 1, j, outer] <= time[i, k, inner]:
                            inner += 1
                        else:
                            outer += 1
                        beside = max(time[k + 1, j, outer], time[i, k, inner])
                        if beside <= spent:
                            spent, left = beside, outer + 1
                    if spent + own < time[i, j, t]:
                        time[i, j, t], last[i, j, t], share[i, j, t] = spent + own, k, left
            for t in range(useful, threads):
                time[i, j, t] = time[i, j, useful - 1]


_compiled = cache(jit)  # at the first long chain: it brings Numba
