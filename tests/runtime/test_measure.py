"""The small tools: timing, compiled loops, facts about the machine."""

import time

import numpy as np
import pytest

from graphad.runtime import host, jit, measure


def test_measure_times_in_turn_and_orders_its_numbers():
    calls: list[str] = []

    def count(name: str, work: int) -> None:
        calls.append(name)
        sum(range(work))

    timings = measure({"short": lambda: count("a", 100), "long": lambda: count("b", 20_000)}, rounds=5, min_time=1e-4)
    assert set(timings) == {"short", "long"}
    for timing in timings.values():
        assert 0 < timing.best <= timing.low <= timing.median <= timing.high < 1
    assert timings["long"].median > 5 * timings["short"].median
    runs = "".join(calls)[runs_start(calls) :]
    assert runs.replace("aa", "a").count("ab") >= 5  # a round of one, then a round of the other


def runs_start(calls: list[str]) -> int:
    return calls.index("b")


def test_measure_refuses_no_rounds():
    with pytest.raises(ValueError, match="rounds is 0"):
        measure({}, rounds=0)


def test_jit_compiles_and_keeps_the_meaning():
    @jit
    def total(values: np.ndarray) -> float:
        result = 0.0
        for value in values:
            result += 1.0 / value
        return result

    assert total(np.array([1.0, 2.0])) == 1.5
    assert total(np.array([0.0])) == np.inf


def test_host_knows_this_machine():
    facts = host()
    assert facts.cpu
    assert facts.threads >= 1
    assert facts.vector_bytes in {0, 16, 32, 64}
    assert facts.numpy == np.__version__


def test_a_pause_while_repetitions_are_chosen_is_no_slow_call() -> None:
    calls = 0

    def paused_once() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:  # the first that is timed
            time.sleep(0.01)

    measure({"paused": paused_once}, rounds=1, min_time=0.005)
    assert calls > 20  # one call a round would have been three
