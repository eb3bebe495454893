"""When calls go on without other threads, and when they try again."""

from graphad.runtime.crowding import FIRST, MOST, Crowding


def test_one_slow_call_is_chance():
    crowding = Crowding()
    for seconds in (1.0, 9.0, 1.1, 9.0, 0.9):
        crowding.took(seconds)
        assert not crowding.alone()


def test_tries_become_rarer_until_one_is_quick():
    crowding = Crowding()
    crowding.took(1.0)
    crowding.took(5.0)
    rests = []
    for _ in range(6):
        crowding.took(5.0)
        rest = 0
        while crowding.alone():
            rest += 1
        rests.append(rest)
    assert rests == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST, MOST, MOST]
    crowding.took(1.0)
    crowding.took(5.0)
    assert not crowding.alone()
    crowding.took(5.0)
    assert crowding.alone()
