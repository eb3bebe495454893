"""When calls go on without other threads, and when they try again."""

from collections.abc import Callable
from itertools import groupby

from graphad.runtime.pace import FIRST, MOST, RESTS, TRIES, Pace


def ways(pace: Pace, calls: int, seconds: Callable[[bool], float]) -> list[tuple[bool, int]]:
    """Which way calls go that take ``seconds(alone)``, and how many in a row."""
    found = []
    for _ in range(calls):
        found.append(pace.alone)
        pace.took(seconds(pace.alone))
    return [(alone, len(list(run))) for alone, run in groupby(found)]


def test_one_slow_call_is_chance() -> None:
    pace = Pace()
    for seconds in (1.0, 9.0, 1.1, 9.0, 0.9):
        pace.took(seconds)
        assert not pace.alone


def test_tries_become_rarer_until_one_is_quick() -> None:
    pace = Pace()
    pace.took(1.0)
    pace.took(5.0)
    rests = []
    for _ in range(6):
        pace.took(5.0)
        rest = 0
        while pace.alone:
            pace.took(2.0)
            rest += 1
        rests.append(rest)
    assert rests == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST, MOST, MOST]
    pace.took(1.0)
    pace.took(5.0)
    assert not pace.alone
    pace.took(5.0)
    assert pace.alone


def test_short_calls_take_the_quicker_way_and_look_again() -> None:
    slower_together = ways(Pace(), 3 * RESTS, lambda alone: 15e-6 if alone else 22e-6)
    assert slower_together[:4] == [(False, 2 * TRIES), (True, TRIES + RESTS), (False, TRIES), (True, RESTS)]
    slower_alone = ways(Pace(), 3 * RESTS, lambda alone: 30e-6 if alone else 17e-6)
    assert slower_alone[:4] == [(False, 2 * TRIES), (True, TRIES), (False, RESTS), (True, TRIES)]


def test_what_changes_is_noticed() -> None:
    pace = Pace()
    ways(pace, RESTS, lambda alone: 15e-6 if alone else 22e-6)
    assert pace.alone
    ways(pace, RESTS, lambda alone: 15e-6 if alone else 10e-6)
    assert not pace.alone


def test_long_calls_stay_shared() -> None:
    assert ways(Pace(), 3 * RESTS, lambda alone: 3e-3) == [(False, 3 * RESTS)]


def test_a_disturbance_is_soon_over() -> None:
    """Tries that fall into it do not decide for thousands of calls."""
    pace, calls = Pace(), 0

    def seconds(alone: bool) -> float:
        nonlocal calls
        calls += 1
        if alone or not 50 < calls <= 100:
            return 3.7e-3 if alone else 2.1e-3
        return 12e-3 if calls < 55 else 5e-3

    found = ways(pace, 400, seconds)
    assert [alone for alone, _ in found][-1] is False
    assert found[-1][1] > 200
