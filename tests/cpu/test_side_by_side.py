"""Batches of half a vector or a quarter: two or four neighbouring columns of each example in the lanes."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphad as ga
from graphad import nn
from tests.cpu.test_lanes_of_examples import CASES, agree, convolution, random_case, values, with_gradients

BESIDE = "for h in lanes({}):"


def checked(case: dict, batches: Sequence[int], isa: str = "native") -> ga.Function:  # type: ignore[type-arg]
    inputs, y = convolution(case)
    calls = [values(np.random.default_rng(2), inputs, n) for n in batches]
    return agree(inputs, with_gradients(y, inputs), *calls, options=ga.Options(isa=isa))


@pytest.mark.parametrize("isa", ["avx2", "avx512"])
@pytest.mark.parametrize("name", CASES)
def test_convolutions(name: str, isa: str) -> None:
    f = checked(CASES[name], (4,) if isa == "avx2" else (8, 5), isa)
    assert BESIDE.format(2) in str(f.show())


def test_four_examples() -> None:
    f = checked(CASES["plain"], (4,), "avx512")
    assert BESIDE.format(4) in str(f.show())


@given(random_case(), st.integers(4, 8))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_convolutions(case: dict, batch: int) -> None:  # type: ignore[type-arg]
    checked(case, (batch,), "avx512")


@pytest.mark.parametrize("batch", [4, 7])
@pytest.mark.parametrize("width", [2, 3, 9])
def test_an_update_in_place_sees_each_column_once(width: int, batch: int) -> None:
    """Of an odd number of columns the last two overlap those before."""
    x, h = ga.input("x", ("N", 2, 3, width + 2)), ga.input("h", ("N", 2, 3, width))
    w = ga.parameter("w", np.random.default_rng(0).normal(size=(2, 2, 1, 3)).astype("f"))
    y = ga.exp(h * 0.5)
    for _ in range(2):
        y = y * 0.5 + nn.functional.conv2d(x, w)
    args = values(np.random.default_rng(1), [x, h], batch)
    f = ga.compile([x, h], y, options=ga.Options(isa="avx512"))
    np.testing.assert_allclose(f(*args), ga.compile([x, h], y, target="numpy")(*args), rtol=1e-5, atol=1e-5)
    assert (BESIDE.format(8 // batch * 2) in str(f.show())) == (width >= 8 // batch * 2)


def test_it_is_explained() -> None:
    f = checked(CASES["plain"], (8,), "avx512")
    assert "2 neighbours of each example in the lanes" in str(f.explain())


@pytest.mark.parametrize("batch", [4, 7])
@pytest.mark.parametrize(("kernel", "size", "name"), [(3, 13, "Winograd"), (7, 37, "FFT")])
def test_tiles_of_transforms(kernel: int, size: int, name: str, batch: int) -> None:
    """An odd number of tiles: the last has a neighbour beyond the image."""
    case = {"size": (size, size), "channels": 16, "out": 16, "kernel": (kernel, kernel), "padding": kernel // 2}
    inputs, y = convolution(case)
    values_ = values(np.random.default_rng(3), inputs, batch)
    f = agree(inputs, with_gradients(y, inputs), values_, options=ga.Options(isa="avx512"))
    lanes = 4 if batch <= 4 else 2
    assert name in str(f.explain())
    assert BESIDE.format(lanes) in str(f.show())
