"""Convolutions against plain loops, SciPy, and differences."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

import graphad as ga
from graphad.nn import functional as F  # noqa: N812 (the name everybody knows)
from tests.nn import loops

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


@dataclass(frozen=True)
class Problem:
    x: np.ndarray
    weight: np.ndarray
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    groups: int


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    rank = draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    kernel, strides, dilations = each(1, 3), each(1, 3), each(1, 2)
    padding = tuple(zip(each(0, 2), each(0, 2), strict=True))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    spatial = [max(1, s - sum(p)) + draw(st.integers(0, 3)) for s, p in zip(spans, padding, strict=True)]
    groups, ins, outs = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    values = np.random.default_rng(draw(st.integers(0, 99)))
    x = values.normal(size=(draw(st.integers(1, 2)), ins * groups, *spatial))
    weight = values.normal(size=(outs * groups, ins, *kernel))
    return Problem(x, weight, strides, dilations, padding, groups)


@given(problems())
def test_convolution_is_the_loop(p: Problem) -> None:
    out = CONVOLUTIONS[len(p.strides)](p.x, p.weight, None, p.strides, p.padding, p.dilations, p.groups)
    expected = loops.convolve(p.x, p.weight, p.strides, p.dilations, p.padding, p.groups)
    assert out.shape == expected.shape
    np.testing.assert_allclose(ga.evaluate(out), expected, atol=1e-12)


@given(problems())
def test_gradients_are_adjoint_to_the_convolution(p: Problem) -> None:
    """<conv(x, w), c> = <x, dx> = <w, dw>, since the convolution is linear in each."""
    x, w = ga.input("x", p.x.shape, "float64"), ga.input("w", p.weight.shape, "float64")
    out = CONVOLUTIONS[len(p.strides)](x, w, None, p.strides, p.padding, p.dilations, p.groups)
    c = np.cos(np.arange(int(np.prod(out.shape)))).reshape(out.shape)
    total = ga.sum(out * c)
    value, dx, dw = ga.evaluate([total, *ga.grad(total, [x, w])], {x: p.x, w: p.weight})
    np.testing.assert_allclose((p.x * dx).sum(), value, atol=1e-9)
    np.testing.assert_allclose((p.weight * dw).sum(), value, atol=1e-9)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_valid_convolution_is_scipys_correlation(rank: int) -> None:
    draw = np.random.default_rng(rank)
    x, w = draw.normal(size=(1, 1, *[6] * rank)), draw.normal(size=(1, 1, *[3] * rank))
    found = ga.evaluate(CONVOLUTIONS[rank](x, w, padding="valid"))
    np.testing.assert_allclose(found[0, 0], signal.correlate(x[0, 0], w[0, 0], "valid"), atol=1e-12)


def test_same_keeps_the_size_for_even_and_odd_kernels() -> None:
    x = ga.input("x", ("N", 2, 10, 9))
    for kernel in ((1, 1), (2, 3), (4, 5)):
        w = ga.input("w", (3, 2, *kernel))
        assert F.conv2d(x, w, padding="same").shape == (*x.shape[:1], 3, 10, 9)


def test_gradient_by_differences() -> None:
    draw = np.random.default_rng(0)
    x, w, b = draw.normal(size=(1, 2, 5, 5)), draw.normal(size=(4, 1, 3, 3)), draw.normal(size=4)
    leaves = [ga.input("x", x.shape, "float64"), ga.input("w", w.shape, "float64"), ga.input("b", b.shape, "float64")]
    out = F.conv2d(*leaves, stride=2, padding=1, groups=2)
    check_by_differences(ga.sum(ga.sin(out)), dict(zip(leaves, (x, w, b), strict=True)))


def check_by_differences(y: ga.Tensor, values: dict[Any, np.ndarray]) -> None:
    """The gradient along one random direction against a central difference."""
    draw = np.random.default_rng(1)
    directions = {leaf: draw.normal(size=value.shape) for leaf, value in values.items()}
    gradients = ga.evaluate(ga.grad(y, list(values)), values)
    slope = sum((g * directions[leaf]).sum() for g, leaf in zip(gradients, values, strict=True))
    step = 1e-6
    ahead, behind = (
        ga.evaluate(y, {leaf: value + s * directions[leaf] for leaf, value in values.items()}) for s in (step, -step)
    )
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), rtol=1e-6)
