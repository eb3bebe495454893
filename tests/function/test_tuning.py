"""What ``Options(tune=True)`` measures, remembers, and leaves as it was."""

import numpy as np
import pytest

import graphad as ga
from graphad import optim, tuning
from graphad.nn import functional
from graphad.runtime import clear_cache

TUNE = ga.Options(tune=True)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(tmp_path))


def net() -> tuple[ga.Tensor, ga.Parameter, ga.Tensor]:
    x = ga.input("x", ("N", 4, 12, 12))
    w = ga.parameter("w", np.random.default_rng(0).normal(size=(3, 4, 3, 3)).astype(np.float32))
    return x, w, functional.relu(functional.conv2d(x, w, None))


def data(batch: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(batch, 4, 12, 12)).astype(np.float32)


@pytest.mark.parametrize("batch", [1, 19])
def test_results_are_those_of_the_reference(batch: int) -> None:
    x, _, y = net()
    f = ga.compile([x], y, options=TUNE, threads=1)
    wanted = ga.compile([x], y, target="numpy")(data(batch))
    np.testing.assert_allclose(f(data(batch)), wanted, rtol=1e-4, atol=1e-4)
    assert "a call, measured" in f.explain()
    assert "batch: " in f.explain()


def test_the_quickest_is_taken_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    x, _, y = net()
    taken = []

    def times(runs):  # type: ignore[no-untyped-def]
        taken.append(list(runs))
        return {name: 1.0 if name in ("lanes", "FFT of 8 x 8") else 2.0 for name in runs}

    monkeypatch.setattr(tuning, "_times", times)
    f = ga.compile([x], y, options=TUNE)
    f(data(32))
    assert "FFT of 8 x 8, one example a lane" in f.explain()
    assert sorted(taken[0]) == ["lanes", "rows"]
    assert {"direct sums", "FFT of 8 x 8", "Winograd F(4x4, 3x3)"} <= set(taken[1])
    again = ga.compile([x], y, options=TUNE)
    again(data(32))
    assert len(taken) == 2
    assert again.explain().count("FFT of 8 x 8, one example a lane") == 1
    clear_cache()
    ga.compile([x], y, options=TUNE)(data(32))
    assert len(taken) == 4


def test_no_trial_changes_a_parameter() -> None:
    x, w, y = net()
    before = w.value
    loss = ga.mean(y * y)
    updates = optim.SGD(lr=0.1).minimize(loss, [w])
    once = ga.compile([x], loss, updates=updates, threads=1, options=TUNE)
    once(data(32))
    tuned = w.value
    w.value = before
    ga.compile([x], loss, updates=updates, threads=1)(data(32))
    np.testing.assert_allclose(tuned, w.value, rtol=1e-5, atol=1e-6)
    assert not np.array_equal(before, tuned)


def test_a_way_that_data_breaks_is_not_taken() -> None:
    calls = []

    def broken() -> None:
        calls.append(1)
        raise ga.GraphadError("no")

    seconds = tuning._times({"broken": broken, "works": lambda: None})
    assert seconds["broken"] == float("inf")
    assert calls == [1]


def test_without_sizes_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "_times", lambda _: pytest.fail("measured"))
    x, _, y = net()
    assert "for" in ga.compile([x], y, options=TUNE).show()
    assert ga.compile([x], y)(data(3)).shape == (3, 3, 10, 10)
