"""The front: factors -> the cheapest bracketing, its rivals, and a schedule."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graphad.chain.draw import draw_tree
from graphad.chain.factor import Factor, check, whole
from graphad.chain.nodes import Bracketing
from graphad.chain.parallel import plan
from graphad.chain.problem import Problem
from graphad.chain.rebuild import tree
from graphad.chain.recurrence import choices
from graphad.chain.schedule import Schedule
from graphad.chain.text import line, report
from graphad.checks import flag


@dataclass(frozen=True, repr=False)
class Solution:
    """The cheapest bracketing, beside what is usually done.

    ``tangent_only`` and ``adjoint_only`` are the costs of forward and of reverse mode through the whole chain, whatever
    the memory limit; ``adjoint_tape`` is what that reverse mode would keep. ``accumulate_then_multiply`` accumulates
    every factor (within the limit) and multiplies in the best order.
    """

    factors: tuple[Factor, ...]
    memory_limit: int | None
    cost: int
    bracketing: Bracketing
    tangent_only: int
    adjoint_only: int
    adjoint_tape: int
    accumulate_then_multiply: int
    schedule: Schedule

    @property
    def text(self) -> str:
        """The bracketing in a line, its steps, the rivals' costs and a legend."""
        over = self.memory_limit is not None and self.adjoint_tape > self.memory_limit
        note = f" (tape {self.adjoint_tape}, over the limit of {self.memory_limit})" if over else ""
        rivals = [
            ("tangents only", self.tangent_only, ""),
            ("adjoints only", self.adjoint_only, note),
            ("accumulate, then multiply", self.accumulate_then_multiply, ""),
        ]
        return report(self.bracketing, rivals)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        text = line(self.bracketing) if len(self.factors) <= 20 else f"{len(self.factors)} factors"
        return f"<chain.Solution: cost {self.cost}, {text}>"

    def draw(self, target: str | Path | Any) -> Any:
        """Draws the bracketing into a file (by its suffix) or into matplotlib axes; answers the axes."""
        title = f"cost {self.cost}"
        if len(self.factors) <= 12:
            title = f"{line(self.bracketing)}: {title}"
        return draw_tree(target, self.bracketing, title)


def solve(
    factors: Iterable[Factor], memory_limit: int | None = None, threads: int = 1, matrix_free: bool = True
) -> Solution:
    """The cheapest way to compute the Jacobian F_q' ... F_1' of a chain of programs, innermost factor first.

    Each factor is accumulated by tangents or by adjoints, or never becomes a matrix because another one's tangents or
    adjoints sweep through it; accumulated ones are multiplied (Naumann, arXiv 2003.05755, 2406.11862; exact). The tape
    of an adjoint has to fit in ``memory_limit``. With ``matrix_free=False`` every factor is accumulated. ``schedule``
    runs the chain on ``threads`` (arXiv 2505.06056; a heuristic except for one thread and for as many as factors), for
    which another bracketing may be the faster one.

    >>> chain = [Factor(3, 3, 29, 29), Factor(1, 3, 14, 14), Factor(2, 1, 7, 7)]
    >>> answer = solve(chain)
    >>> print(answer)
    F3' (F2' <- F1)
        7  F3' by 1 tangent
       14  F2' by 1 adjoint, tape 14
       29  F2..F1: 1 adjoint through F1, tape 29
        6  F3..F1: 2 x 1 times 1 x 3
       56  in all
      150  tangents only
      100  adjoints only
      123  accumulate, then multiply
    F2'         the Jacobian of F2 as a matrix
    A B         a product of matrices; B is computed from the inputs' side
    F2 -> A     the columns of A as tangents through the program F2
    A <- F1     the rows of A as adjoints through the program F1
    >>> solve(chain, memory_limit=0)
    <chain.Solution: cost 142, F3' (F2 -> F1')>

    Matrices that are there already are factors without costs (the classic chain of matrices):

    >>> sizes = [25, 20, 10, 5, 15, 35, 30]
    >>> solve([Factor(rows, columns) for columns, rows in zip(sizes, sizes[1:])])
    <chain.Solution: cost 15125, (F6' (F5' F4')) ((F3' F2') F1')>
    """
    chain = check(factors)
    limit = None if memory_limit is None else whole("chain.solve: memory_limit", memory_limit)
    threads = min(whole("chain.solve: threads", threads, least=1), 4 * len(chain) + 1)  # more have nothing to do
    problem = Problem(chain, limit, flag("chain.solve", "matrix_free", matrix_free))
    bracketing = tree(problem, choices(problem))
    matrices = replace(problem, matrix_free=False)
    accumulated = tree(matrices, choices(matrices)) if problem.matrix_free else bracketing
    return Solution(
        factors=chain,
        memory_limit=limit,
        cost=bracketing.cost,
        bracketing=bracketing,
        tangent_only=_homogeneous(chain, chain[0].columns, [f.tangent_cost for f in chain]),
        adjoint_only=_homogeneous(chain[::-1], chain[-1].rows, [f.adjoint_cost for f in chain[::-1]]),
        adjoint_tape=sum(problem.tapes),
        accumulate_then_multiply=accumulated.cost,
        schedule=plan(problem, bracketing, threads),
    )


def _homogeneous(chain: Sequence[Factor], seeds: int, costs: Sequence[int | None]) -> int:
    """One mode from end to end: a sweep for every seed; a given matrix is multiplied by, and costs nothing in front."""
    sweep = [f.rows * f.columns if cost is None else cost for f, cost in zip(chain, costs, strict=True)]
    return seeds * (sum(sweep) - (sweep[0] if chain[0].given else 0))
