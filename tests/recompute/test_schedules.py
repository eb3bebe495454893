"""Schedules against known answers, against their own replay, and against every schedule there is."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphad as ga
from graphad.recompute import (
    Action,
    Advance,
    Restore,
    Snapshot,
    Stage,
    Tape,
    Turn,
    checkpoint,
    extra_steps,
    replay,
    revolve,
)
from graphad.recompute.stages import Chain


@pytest.mark.parametrize(("steps", "snapshots", "extra"), [(10, 3, 15), (100, 5, 316), (1000, 10, 3636), (1, 1, 0)])
def test_published_counts(steps: int, snapshots: int, extra: int) -> None:
    assert extra_steps(steps, snapshots) == extra
    found = replay(revolve(steps, snapshots), steps)
    assert found.extra == extra
    assert found.snapshots <= snapshots


def test_with_a_snapshot_for_every_step_each_runs_twice_but_the_last() -> None:
    assert [extra_steps(20, s) for s in (20, 21, 50)] == [19] * 3


@given(st.integers(1, 80), st.integers(1, 12))
def test_revolve_takes_the_steps_and_snapshots_of_the_formula(steps: int, snapshots: int) -> None:
    found = replay(revolve(steps, snapshots), steps)
    assert (found.extra, found.tapes) == (extra_steps(steps, snapshots), 1)
    assert found.snapshots <= snapshots
    assert min(found.forward) >= 1


@given(st.integers(2, 40), st.integers(2, 6))
def test_the_formula_is_the_recurrence(steps: int, snapshots: int) -> None:
    parts = (m + extra_steps(m, snapshots) + extra_steps(steps - m, snapshots - 1) for m in range(1, steps))
    assert extra_steps(steps, snapshots) == min(parts)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([Advance(1, 2)], "at step 0"),
        ([Restore(0)], "without a snapshot"),
        ([Tape(0), Turn(0)], "2 steps to reverse"),
        ([Turn(1)], "2 steps to reverse"),
        ([], "ends with 2"),
    ],
)
def test_replay_refuses_what_cannot_be_run(actions: list[Action], message: str) -> None:
    with pytest.raises(ga.GraphError, match=message):
        replay(actions, 2)


SIZES = st.integers(0, 6)


@st.composite
def chains(draw: Any, most: int = 5) -> list[Stage]:
    count = draw(st.integers(1, most))
    return [Stage(draw(SIZES), draw(SIZES), draw(SIZES), draw(st.one_of(st.none(), SIZES))) for _ in range(count)]


@given(chains(), st.integers(0, 30))
def test_the_dynamic_program_against_every_schedule(stages: list[Stage], memory: int) -> None:
    every = [(memory_of(stages, actions), cost_of(stages, actions)) for actions in schedules(0, len(stages))]
    least = min(m for m, _ in every)
    assert Chain(stages).leanest()[0] == least
    if memory < least:
        with pytest.raises(ga.GraphError, match=f"the least is {least}"):
            checkpoint(stages, memory)
        return
    found = checkpoint(stages, memory)
    replay(found.actions, len(stages))
    assert memory_of(stages, found.actions) <= memory
    assert found.cost == cost_of(stages, found.actions) == min(c for m, c in every if m <= memory)
    assert found.extra == found.cost - sum(s.cost for s in stages)


def schedules(i: int, e: int) -> Iterator[list[Action]]:
    """Every way to reverse stages i..e-1 from the state before i, written down without a cost or a limit in mind."""
    if i == e:
        yield []
        return
    for rest in schedules(i + 1, e):
        yield [Tape(i), *rest, Turn(i)]
    for k in range(i + 1, e):
        for right in schedules(k, e):
            for left in schedules(i, k):
                yield [Snapshot(i), Advance(i, k), *right, Restore(i), *left]


def cost_of(stages: list[Stage], actions: Any) -> int:
    ran = [
        range(a.first, a.last) if isinstance(a, Advance) else [a.step] if isinstance(a, Tape) else [] for a in actions
    ]
    return sum(stages[k].cost for steps in ran for k in steps)


def memory_of(stages: list[Stage], actions: Any) -> int:
    """The most that is in use: states arrived at by advancing until their stages are reversed, and tapes."""
    used = most = 0
    held: list[tuple[int, int]] = []  # states by advancing: (stage, size)
    for action in actions:
        match action:
            case Advance(_, last):
                held.append((last, stages[last].state))
                used += stages[last].state
            case Tape(step):
                most = max(most, used + stages[step].peak)
                used += stages[step].tape
            case Turn(step):
                used -= stages[step].tape
                if held and held[-1][0] == step:
                    used -= held.pop()[1]
            case _:
                pass
        most = max(most, used)
    return most


def test_equal_stages_cost_what_revolve_says_when_tapes_are_large() -> None:
    found = checkpoint([Stage(1, 1, 50)] * 100, memory=50 + 5)
    assert found.extra == extra_steps(100, 5) == 316
    assert replay(found.actions, 100).snapshots == 5


def test_room_for_every_tape_means_nothing_runs_twice() -> None:
    assert checkpoint([Stage(3, 1, 7)] * 9, memory=63).extra == 0


def test_large_sizes_are_rounded_up_and_large_costs_stay_exact() -> None:
    stages = [Stage(10**30 + k, 10**9 + 7 * k, 10**10 + 13 * k) for k in range(20)]
    memory = 3 * 10**10
    found = checkpoint(stages, memory)
    assert memory_of(stages, found.actions) <= memory
    assert found.cost == cost_of(stages, found.actions)


@pytest.mark.parametrize("wrong", [-1, 1.5, True])
def test_a_stage_holds_whole_numbers(wrong: Any) -> None:
    with pytest.raises(ga.GraphError, match="tape is a whole number"):
        Stage(1, 1, wrong)


def test_an_empty_chain_and_no_snapshots() -> None:
    with pytest.raises(ga.GraphError, match="at least one Stage"):
        checkpoint([], 3)
    with pytest.raises(ga.GraphError, match="snapshots is an integer >= 1, got 0"):
        revolve(3, 0)
