"""Weights' gradients with channels in the lanes, each against the interpreter."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphad as ga
from graphad import specialization
from graphad.compiler.lower.examples import gradients
from graphad.compiler.lower.examples.channels import choice
from graphad.compiler.options import Isa
from tests.cpu.test_lanes_of_examples import LANES, agree, convolution, values, with_gradients

CASES: dict[str, dict[str, Any]] = {
    "5 x 5": {"size": (14, 14), "channels": 6, "out": 16, "kernel": (5, 5)},
    "odd channels": {"size": (9, 7), "channels": 17, "out": 21, "kernel": (3, 2), "padding": (1, 0)},
    "few channels": {"size": (9, 8), "channels": 5, "out": 3, "kernel": (3, 3), "padding": 1},
    "one channel": {"size": (9, 8), "channels": 1, "out": 7, "kernel": (4, 3)},
    "stride": {"size": (23, 21), "channels": 3, "out": 33, "kernel": (7, 5), "stride": (4, 2), "padding": 2},
    "dilation": {"size": (15, 15), "channels": 18, "out": 5, "kernel": (3, 3), "dilation": 2, "padding": 2},
    "1 x 1": {"size": (6, 5), "channels": 20, "out": 24, "kernel": (1, 1)},
    "one line": {"size": (40,), "channels": 16, "out": 8, "kernel": (5,), "stride": 2},
    "three axes": {"size": (5, 6, 7), "channels": 4, "out": 9, "kernel": (2, 3, 2), "padding": 1},
}


@pytest.fixture
def force(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every gradient of weights take channels into the lanes, where it can."""
    stamp = specialization.compiler_stamp
    monkeypatch.setattr(choice, "cycles", lambda *_: float("inf"))
    monkeypatch.setattr(gradients, "choose_gradient", lambda *_: None)
    monkeypatch.setattr(specialization, "compiler_stamp", lambda o: f"{stamp(o)} channels")  # another, to the cache


def check(case: dict[str, Any], batch: int, dtype: str = "float32", options: ga.Options = LANES) -> None:
    inputs, y = convolution(case, dtype)
    args = values(np.random.default_rng(2), inputs, batch)
    f = agree(inputs, with_gradients(y, inputs), args, options=options)
    assert "channels in the lanes" in f.explain()


@pytest.mark.usefixtures("force")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_convolutions(name: str, dtype: str) -> None:
    check(CASES[name], 19, dtype)


@pytest.mark.usefixtures("force")
@pytest.mark.parametrize("name", ["5 x 5", "odd channels", "stride", "three axes"])
@pytest.mark.parametrize("batch", [5, 16])
def test_one_block_is_shared_by_threads(name: str, batch: int) -> None:
    check(CASES[name], batch, options=ga.Options())


@pytest.mark.usefixtures("force")
@pytest.mark.parametrize("isa", ["sse", "avx2", "neon"])
@pytest.mark.parametrize("name", ["5 x 5", "odd channels", "1 x 1"])
def test_other_registers(name: str, isa: Isa) -> None:
    check(CASES[name], 11, options=ga.Options(batch="lanes", isa=isa))


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    kernel = (draw(st.integers(1, 7)), draw(st.integers(1, 7)))
    return {
        "size": tuple(draw(st.integers(k + 1, 24)) for k in kernel),
        "channels": draw(st.integers(1, 20)),
        "out": draw(st.integers(2, 40)),
        "kernel": kernel,
        "stride": draw(st.integers(1, 4)),
        "padding": tuple(draw(st.integers(0, k - 1)) for k in kernel),
    }


@pytest.mark.usefixtures("force")
@given(cases(), st.sampled_from([6, 16, 33]))
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_convolutions(case: dict[str, Any], batch: int) -> None:
    inputs, y = convolution(case)
    x, w, b = values(np.random.default_rng(4), inputs, batch)
    args = x, w / 10, b  # large values of a sine would be rounding errors
    agree(inputs, with_gradients(y, inputs), args, options=LANES if batch > 16 else ga.Options())


@pytest.mark.usefixtures("force")
@pytest.mark.parametrize("batch", [9, 40])
def test_results_do_not_depend_on_the_threads(batch: int) -> None:
    inputs, y = convolution(CASES["odd channels"])
    args = values(np.random.default_rng(5), inputs, batch)
    outputs = [y, ga.grad(ga.sum(y * y), inputs[1])]
    found = [ga.compile(inputs, outputs, threads=n)(*args)[1] for n in (1, 2, 3)]
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_a_layer_of_many_channels_takes_them() -> None:
    inputs, y = convolution({"size": (13, 13), "channels": 32, "out": 32, "kernel": (11, 11), "stride": 2})
    x, w, b = values(np.random.default_rng(6), inputs, 37)
    f = agree(inputs, with_gradients(y, inputs), (x, w / 100, b), options=LANES)
    assert "channels in the lanes" in f.explain()
    assert "examples in the lanes " in f.explain()
