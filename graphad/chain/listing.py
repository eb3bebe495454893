"""Trees -> times: list scheduling, and the schedule that the dynamic program has in mind."""

import heapq

from graphad.chain.nodes import Bracketing, Given, Multiply, steps
from graphad.chain.rebuild import Shares
from graphad.chain.schedule import Task


def in_turn(root: Bracketing) -> list[Task]:
    """All steps on one thread, operands first."""
    tasks, now = [], 0
    for step in steps(root):
        if not isinstance(step, Given):  # nothing to do
            tasks.append(Task(step, now, now + step.own, 0))
            now += step.own
    return tasks


def by_list(root: Bracketing, threads: int) -> list[Task]:
    """A free thread takes the step with the longest way to the root, of those whose operands are there (Hu 1961)."""
    order = steps(root)
    parents = {child: step for step in order for child in step.children}
    way = dict.fromkeys(order, 0)
    for step in reversed(order):
        way[step] = step.own + (way[parents[step]] if step is not root else 0)
    number = {step: k for k, step in enumerate(order)}  # breaks ties alike on every run
    missing = {step: sum(not isinstance(child, Given) for child in step.children) for step in order}
    ready: list[tuple[int, int, Bracketing]] = [
        (-way[s], number[s], s) for s in order if not missing[s] and not isinstance(s, Given)
    ]
    heapq.heapify(ready)
    free, now = list(range(threads)), 0
    running: list[tuple[int, int, Task]] = []
    tasks: list[Task] = []
    while ready or running:
        while ready and free:
            _, k, step = heapq.heappop(ready)
            task = Task(step, now, now + step.own, heapq.heappop(free))
            tasks.append(task)
            heapq.heappush(running, (task.end, k, task))
        now, _, ended = heapq.heappop(running)
        heapq.heappush(free, ended.thread)
        parent = parents.get(ended.step)
        if parent is not None:
            missing[parent] -= 1
            if not missing[parent]:
                heapq.heappush(ready, (-way[parent], number[parent], parent))
    return tasks


def by_shares(root: Bracketing, shares: Shares, threads: int) -> list[Task]:
    """Every product's operands side by side on their shares of its threads, or one after the other."""
    span: dict[Bracketing, int] = {}
    for step in steps(root):
        operands = [span[child] for child in step.children]
        beside = isinstance(step, Multiply) and shares[step] > 0
        span[step] = step.own + (max(operands) if beside else sum(operands))
    tasks, waiting = [], [(root, 0, 0)]
    while waiting:
        step, start, thread = waiting.pop()
        if not isinstance(step, Given):
            end = start + span[step]
            tasks.append(Task(step, end - step.own, end, thread))
        if isinstance(step, Multiply):
            share = shares[step]
            waiting.append((step.left, start, thread))
            waiting.append((step.right, start if share else start + span[step.left], thread + share))
        else:
            waiting.extend((child, start, thread) for child in step.children)
    return tasks


def longest_way(root: Bracketing) -> int:
    """The time on unlimited threads."""
    length: dict[Bracketing, int] = {}
    for step in steps(root):
        length[step] = step.own + max((length[child] for child in step.children), default=0)
    return length[root]
