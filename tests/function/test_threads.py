"""Functions called by several threads: each call sees states of one moment, and no update is lost."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad import nn, optim
from graphad.runtime.turns import line

MANY = 20_000  # elements: what takes long enough to be seen half done
TARGETS = pytest.mark.parametrize("target", ["cpu", "numpy"])


class Shared:
    """Two parameters that a step raises by one, read by another function."""

    def __init__(self, target: str) -> None:
        self.w, self.v = (ga.parameter(name, np.zeros(MANY, np.float32)) for name in "wv")
        both = ga.concat([self.w, self.v])
        self.step = ga.compile([], ga.sum(both), {self.w: self.w + 1, self.v: self.v + 1}, target=target)
        self.predict = ga.compile([], (ga.min(both), ga.max(both)), target=target)
        self.step()
        self.predict()


def beside(step: Callable[[], object], look: Callable[[], tuple[float, float]], looks: int = 150) -> None:
    """``look`` at least and greatest element, so often and until three steps were seen: always of one step."""
    step()
    look()
    stop = threading.Event()

    def train() -> None:
        while not stop.is_set():
            step()

    with ThreadPoolExecutor(1) as threads:
        training = threads.submit(train)
        try:
            found, ends = [look()], time.monotonic() + 60
            while len(found) < looks or len(set(found)) < 3:
                assert time.monotonic() < ends, "no steps are seen"
                found.append(look())
        finally:
            stop.set()
        training.result(60)
    assert [pair for pair in found if pair[0] != pair[1]] == []


@TARGETS
def test_predict_beside_step_sees_weights_of_one_step(target: str) -> None:
    shared = Shared(target)
    beside(shared.step, lambda: tuple(map(float, shared.predict())))  # type: ignore[arg-type]


def test_values_and_evaluate_beside_a_step_are_of_one_moment() -> None:
    shared = Shared("cpu")
    both = ga.concat([shared.w, shared.v])
    lowest, highest = ga.min(both), ga.max(both)

    def value() -> tuple[float, float]:
        found = shared.w.value
        return float(found.min()), float(found.max())

    beside(shared.step, value)
    beside(shared.step, lambda: tuple(map(float, ga.evaluate((lowest, highest)))), 30)  # type: ignore[arg-type]


def test_setting_a_value_beside_predict_is_one_moment() -> None:
    shared = Shared("cpu")
    whole = ga.compile([], (ga.min(shared.w), ga.max(shared.w)))
    numbers = iter(range(10**9))

    def put() -> None:
        shared.w.value = np.full(MANY, next(numbers), np.float32)

    beside(put, lambda: tuple(map(float, whole())))  # type: ignore[arg-type]


def test_state_dicts_beside_a_step_are_of_one_moment() -> None:
    x = ga.input("x", (2, 50))
    model = nn.Sequential(nn.Linear(50, 200), nn.Linear(200, 3))
    loss = ga.sum(model(x) * 0)
    start = {name: np.zeros_like(p.value) for name, p in model.named_parameters().items()}
    step = ga.compile([x], loss, {p: p + 1 for p in model.parameters()})
    predict = ga.compile([x], [f(p) for p in model.parameters() for f in (ga.min, ga.max)])
    data = np.ones((2, 50), np.float32)
    model.load_state_dict(start)

    def ends(arrays: Any) -> tuple[float, float]:
        return min(float(a.min()) for a in arrays), max(float(a.max()) for a in arrays)

    beside(lambda: step(data), lambda: ends(model.state_dict().values()))
    numbers = iter(range(10**9))

    def load() -> None:
        number = np.float32(next(numbers))
        model.load_state_dict({name: np.full_like(value, number) for name, value in start.items()})

    beside(load, lambda: ends(predict(data)))


@TARGETS
def test_two_functions_that_update_one_state_lose_nothing(target: str) -> None:
    count = ga.state("count", np.int64(0))
    functions = [ga.compile([], count * k, {count: count + 1}, target=target) for k in (1, 2)]

    def call(f: ga.Function) -> None:
        for _ in range(1000):
            f()

    with ThreadPoolExecutor(2) as threads:
        for one in [threads.submit(call, f) for f in functions]:
            one.result(120)
    assert count.value == 2000


def test_more_threads_than_make_sense_are_not_used() -> None:
    most = 4 * (os.cpu_count() or 1)
    x = ga.input("x", ("N",))
    with pytest.warns(
        ga.ThreadWarning, match=f"compile: threads=10000 is more than 4 .* cores; {most} are used"
    ) as told:
        f = ga.compile([x], ga.sum(x), threads=10_000)
    assert told[0].filename == __file__
    assert f.threads == most
    assert f([1.0, 2.0]) == 3.0


def test_functions_without_common_states_do_not_wait_for_each_other() -> None:
    """While one is in its turn, the other's call ends."""
    a, b = ga.state("a", 0.0), ga.state("b", 0.0)
    f, g = ga.compile([], a, {a: a + 1}), ga.compile([], b, {b: b + 1})
    f()
    with ThreadPoolExecutor(1) as threads:
        assert f._turn is not None
        assert f._turn.run(lambda: threads.submit(g).result(60)) == 0.0


def test_a_call_inside_of_a_call_of_the_same_thread_goes_on() -> None:
    """As in a handler of a signal."""
    a = ga.state("a", 0.0)
    f = ga.compile([], a, {a: a + 1})
    assert f._turn is not None
    assert f._turn.run(f) == 0.0
    assert f() == 1.0


def test_a_step_that_fails_gives_its_turn_back() -> None:
    x, w = ga.input("x", (3,)), ga.parameter("w", [1.0, 2.0, 3.0])
    step = ga.compile([x], ga.sum(w), {w: w * ga.log(x)}, options=ga.Options(nan_guard=True))
    with pytest.raises(ga.NanError):
        step([1.0, -1.0, 1.0])
    assert not line
    np.testing.assert_array_equal(w.value, [1.0, 2.0, 3.0])
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(step, [1.0, 1.0, 1.0]).result(60) == 6.0


def test_profiles_leave_states_alone_beside_other_calls() -> None:
    count = ga.state("count", np.zeros(1000))
    step = ga.compile([], ga.sum(count), {count: count + 1})
    step()
    with ThreadPoolExecutor(1) as threads:
        steps = threads.submit(lambda: [step() for _ in range(300)])
        for _ in range(10):
            step.profile(repeats=3)
        steps.result(60)
    assert set(count.value) == {301.0}


def test_training_beside_prediction_counts_every_step() -> None:
    x = ga.input("x", ("N", 4))
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    loss = ga.mean(model(x) ** 2)
    optimizer = optim.Adam()
    step = ga.compile([x], loss, optimizer.minimize(loss, model.parameters()))
    evaluate = ga.compile([x], loss)
    data = np.ones((5, 4), np.float32)
    with ThreadPoolExecutor(3) as threads:
        training = threads.submit(lambda: [float(step(data)) for _ in range(200)])
        looking = [threads.submit(lambda: [float(evaluate(data)) for _ in range(200)]) for _ in range(2)]
        losses = set(training.result(60))
        seen = {value for one in looking for value in one.result(60)}
    assert seen <= losses | {float(evaluate(data))}
