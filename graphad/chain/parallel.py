"""The best schedule found for some threads: of several dynamic programs' trees, by shares and by lists."""

from collections.abc import Iterator

from graphad.chain.blend import WEIGHTS, blended
from graphad.chain.listing import by_list, by_shares, in_turn, longest_way
from graphad.chain.nodes import Bracketing
from graphad.chain.problem import Problem
from graphad.chain.rebuild import rebuild, tree
from graphad.chain.recurrence import choices
from graphad.chain.schedule import Schedule, Task, finish
from graphad.chain.shares import affordable_threads, decisions


def plan(problem: Problem, cheapest: Bracketing, threads: int) -> Schedule:
    """A schedule on ``threads``. Optimal for one, and for as many as there are factors; in between a heuristic.

    What was found for fewer threads stays a candidate, so that a thread more never makes it longer.
    """
    if threads == 1:
        return finish(cheapest, in_turn(cheapest), 1, cheapest.cost)
    shortest = tree(problem, choices(problem, parallel=True))
    lower_bound = max(longest_way(shortest), -(-cheapest.cost // threads))
    best = finish(cheapest, in_turn(cheapest), threads, lower_bound)
    for root, tasks in _candidates(problem, cheapest, shortest, threads):
        if best.optimal:
            break
        found = finish(root, tasks, threads, lower_bound)
        if (found.makespan, found.cost) < (best.makespan, best.cost):
            best = found
    return best


def _candidates(
    problem: Problem, cheapest: Bracketing, shortest: Bracketing, threads: int
) -> Iterator[tuple[Bracketing, list[Task]]]:
    if threads >= len(problem):
        yield shortest, by_list(shortest, threads)  # nothing ever waits for a thread
        return
    planned = affordable_threads(len(problem), threads)
    decide = decisions(problem, planned)
    fixed = {root: longest_way(root) for root in _fixed(problem, cheapest, shortest)}
    for t in range(2, threads + 1):
        for root, way in list(fixed.items()):
            tasks = by_list(root, t)
            yield root, tasks
            if max((task.end for task in tasks), default=0) == way:
                del fixed[root]  # more threads would stand idle
        if t <= planned:
            root, shares = rebuild(problem, decide, t)
            yield root, by_shares(root, shares, t)
            yield root, by_list(root, t)


def _fixed(problem: Problem, cheapest: Bracketing, shortest: Bracketing) -> Iterator[Bracketing]:
    """The trees that do not depend on the number of threads."""
    yield cheapest
    yield shortest
    for weight in WEIGHTS:
        yield tree(problem, blended(problem, weight))
