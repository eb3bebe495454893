"""Schedules: valid, never longer for a thread more, optimal for one thread and for as many as factors."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphad.chain import Factor, Given, Schedule, solve, steps
from tests.chain.exhaustive import all_costs, random_chain
from tests.chain.replay import price
from tests.chain.strategies import chains, limits


def check(schedule: Schedule, chain: list[Factor], limit: int | None = None) -> None:
    """Every step once, for as long as it takes, after its operands, and a thread does one at a time."""
    price(schedule.bracketing, chain, limit)
    tasks = {task.step: task for task in schedule.tasks}
    assert len(tasks) == len(schedule.tasks)
    assert set(tasks) == {step for step in steps(schedule.bracketing) if not isinstance(step, Given)}
    for task in schedule.tasks:
        assert task.end - task.start == task.step.own
        assert 0 <= task.thread < schedule.threads
        assert all(tasks[child].end <= task.start for child in task.step.children if child in tasks)
    for thread in range(schedule.threads):
        own = sorted((task.start, task.end) for task in schedule.tasks if task.thread == thread)
        assert all(a[1] <= b[0] for a, b in pairwise(own))
    assert schedule.makespan == max((task.end for task in schedule.tasks), default=0)
    assert schedule.lower_bound <= schedule.makespan <= schedule.cost
    held = [
        sum(getattr(other.step, "tape", 0) for other in schedule.tasks if other.start <= task.start < other.end)
        for task in schedule.tasks
    ]
    assert schedule.peak_tape == max(held, default=0)


@given(chains(longest=7), limits, st.booleans())
def test_schedules_are_valid_and_optimal_at_both_ends(
    chain: list[Factor], limit: int | None, matrix_free: bool
) -> None:
    best = solve(chain, limit, matrix_free=matrix_free)
    shortest = all_costs(chain, limit, matrix_free, parallel=True).min()
    before = best.cost
    for threads in range(1, len(chain) + 2):
        answer = solve(chain, limit, threads, matrix_free)
        check(answer.schedule, chain, limit)
        assert answer.cost == best.cost  # the cheapest bracketing is the same on any number of threads
        assert answer.schedule.makespan <= before
        before = answer.schedule.makespan
        if threads == 1:
            assert answer.schedule.makespan == answer.schedule.lower_bound == best.cost
        if threads >= len(chain):
            assert answer.schedule.makespan == answer.schedule.lower_bound or threads == 1
            assert answer.schedule.makespan == shortest or threads == 1


@pytest.mark.parametrize("size", [30, 10**150])
def test_long_chains(size: int) -> None:
    chain = random_chain(random.Random(1), 60, size, size**2)
    makespans = []
    for threads in (1, 2, 3, 8, 60, 1000):
        schedule = solve(chain, threads=threads).schedule
        check(schedule, chain)
        makespans.append(schedule.makespan)
    assert makespans == sorted(makespans, reverse=True)
    assert makespans[1] < makespans[0]


@pytest.mark.parametrize(("size", "cost"), [(1, 2**3000), (2**900, 1), (2**900, 2**3000), (0, 1)])
def test_sizes_and_costs_of_any_magnitude(size: int, cost: int) -> None:
    chain = [Factor(size, size, cost, cost), Factor(size, size, cost, cost + 1), Factor(size, size)] * 9
    for length in (5, 27):
        check(solve(chain[:length], threads=3).schedule, chain)


def test_two_threads_take_another_bracketing_when_it_is_faster() -> None:
    rng = random.Random(0)
    found = [solve(random_chain(rng, 8, 10, 100), threads=2) for _ in range(40)]
    assert any(answer.schedule.cost > answer.cost for answer in found)
    assert any(answer.schedule.optimal for answer in found)


def test_tapes_side_by_side_add_up() -> None:
    """One thread pulls F2' through F1; two accumulate both at a time, and hold both tapes."""
    chain = [Factor(9, 20, 10**4, 10**4, tape=7), Factor(5, 9, 10**4, 10**4, tape=5)]
    assert solve(chain, memory_limit=7).schedule.peak_tape == 7
    assert solve(chain, memory_limit=7, threads=2).schedule.peak_tape == 12


def test_given_matrices_alone_run_in_no_time() -> None:
    schedule = solve([Factor(2, 3)], threads=3).schedule
    assert (schedule.tasks, schedule.makespan) == ((), 0)
