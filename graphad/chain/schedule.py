"""A bracketing carried out by threads: which step starts when, and on which thread."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphad.chain.draw import draw_schedule
from graphad.chain.nodes import AccumulateAdjoint, Bracketing, PullAdjoint


@dataclass(frozen=True)
class Task:
    """One step of a bracketing (``step.own`` long) on one thread."""

    step: Bracketing
    start: int
    end: int
    thread: int


@dataclass(frozen=True)
class Schedule:
    """When each step runs. ``makespan`` is at least ``lower_bound`` for every bracketing on so many threads.

    The lower bound is the larger of the least cost divided by the threads, and the least time on unlimited threads.
    """

    threads: int
    bracketing: Bracketing
    tasks: tuple[Task, ...]
    makespan: int
    lower_bound: int

    @property
    def optimal(self) -> bool:
        """Whether the lower bound proves that no schedule of any bracketing is shorter."""
        return self.makespan == self.lower_bound

    @property
    def cost(self) -> int:
        """What all threads do together; at least the cost of the cheapest bracketing."""
        return self.bracketing.cost

    @property
    def peak_tape(self) -> int:
        """The most tape held at a time. The memory limit is for each sweep; side by side there are several."""
        held = [
            (t.start, t.end, t.step.tape) for t in self.tasks if isinstance(t.step, AccumulateAdjoint | PullAdjoint)
        ]
        changes = sorted([(end, -tape) for _, end, tape in held] + [(start, tape) for start, _, tape in held])
        most = now = 0
        for _, change in changes:
            now += change
            most = max(most, now)
        return most

    def draw(self, target: str | Path | Any) -> Any:
        """Draws a bar for every task into a file or into matplotlib axes; answers the axes."""
        return draw_schedule(target, self.tasks, self.threads, self.makespan, self.lower_bound)

    def __repr__(self) -> str:
        return (
            f"<chain.Schedule: {len(self.tasks)} tasks on {self.threads} threads, "
            f"makespan {self.makespan}, at least {self.lower_bound}>"
        )


def finish(bracketing: Bracketing, tasks: Sequence[Task], threads: int, lower_bound: int) -> Schedule:
    """The schedule of these tasks."""
    makespan = max((task.end for task in tasks), default=0)
    return Schedule(threads, bracketing, tuple(sorted(tasks, key=_order)), makespan, lower_bound)


def _order(task: Task) -> tuple[int, int, int]:
    return task.start, task.end, task.thread
