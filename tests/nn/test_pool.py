"""Pooling against plain loops; ties, padding, NaN; first and second derivatives."""

from dataclasses import dataclass

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import graphad as ga
from graphad.nn import functional as F  # noqa: N812 (the name everybody knows)
from tests.nn import loops

MAXIMA = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
MEANS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


@dataclass(frozen=True)
class Problem:
    x: np.ndarray
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: tuple[int, ...]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return [(p, p) for p in self.padding]


@st.composite
def problems(draw: st.DrawFn, dilated: bool) -> Problem:
    rank = draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    sizes, strides = each(1, 3), each(1, 3)
    dilations = each(1, 2) if dilated else (1,) * rank
    spans = [(k - 1) * d + 1 for k, d in zip(sizes, dilations, strict=True)]
    padding = tuple(draw(st.integers(0, s // 2)) for s in spans)
    spatial = [max(1, s - 2 * p) + draw(st.integers(0, 3)) for s, p in zip(spans, padding, strict=True)]
    x = np.random.default_rng(draw(st.integers(0, 99))).normal(size=(2, 2, *spatial))
    return Problem(x, sizes, strides, dilations, padding)


@given(problems(dilated=True))
def test_max_pool_is_the_loop(p: Problem) -> None:
    found = ga.evaluate(MAXIMA[len(p.sizes)](p.x, p.sizes, p.strides, p.padding, p.dilations))
    np.testing.assert_array_equal(found, loops.max_pool(p.x, p.sizes, p.strides, p.dilations, p.pairs))


@given(problems(dilated=False), st.booleans())
def test_avg_pool_is_the_loop(p: Problem, include: bool) -> None:
    found = ga.evaluate(MEANS[len(p.sizes)](p.x, p.sizes, p.strides, p.padding, include))
    np.testing.assert_allclose(found, loops.avg_pool(p.x, p.sizes, p.strides, p.pairs, include), atol=1e-12)


@given(problems(dilated=True))
def test_max_pools_gradient_is_where_the_greatest_stand(p: Problem) -> None:
    """Without ties the gradient counts the windows whose greatest element it is: a difference shows the same."""
    x = ga.input("x", p.x.shape, "float64")
    total = ga.sum(MAXIMA[len(p.sizes)](x, p.sizes, p.strides, p.padding, p.dilations))
    gradient = ga.evaluate(ga.grad(total, x), {x: p.x})
    direction = np.random.default_rng(0).normal(size=p.x.shape)
    step = 1e-7
    ahead, behind = (ga.evaluate(total, {x: p.x + s * direction}) for s in (step, -step))
    assume(np.isfinite(ahead))  # the two ends of a dilated window may both lie in the padding
    np.testing.assert_allclose((gradient * direction).sum(), (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-6)


def test_of_equal_elements_the_first_takes_the_gradient() -> None:
    x = ga.input("x", (1, 1, 2, 4))
    gradient = ga.evaluate(ga.grad(ga.sum(F.max_pool2d(x, 2)), x), {x: np.ones((1, 1, 2, 4), np.float32)})
    np.testing.assert_array_equal(gradient[0, 0], [[1, 0, 1, 0], [0, 0, 0, 0]])


def test_a_window_of_negative_numbers_ignores_its_padding() -> None:
    x = np.full((1, 1, 2, 2), -5.0)
    np.testing.assert_array_equal(ga.evaluate(F.max_pool2d(x, 2, 2, 1)), np.full((1, 1, 2, 2), -5.0))


def test_nan_is_the_greatest() -> None:
    x = np.array([[[1.0, np.nan, 3.0, 2.0]]])
    np.testing.assert_array_equal(ga.evaluate(F.max_pool1d(x, 2)), [[[np.nan, 3.0]]])


def test_forward_mode_agrees_with_reverse_mode() -> None:
    draw = np.random.default_rng(3)
    value, tangent = draw.normal(size=(1, 2, 5, 5)), draw.normal(size=(1, 2, 5, 5))
    x = ga.input("x", value.shape, "float64")
    out = F.max_pool2d(x, 3, 2, 1)
    forward = ga.evaluate(ga.jvp(out, x, ga.constant(tangent)), {x: value})
    total = ga.evaluate(ga.grad(ga.sum(out), x), {x: value})
    np.testing.assert_allclose(forward.sum(), (total * tangent).sum())


def test_second_derivatives_pass_through_the_greatest_element() -> None:
    value = np.array([[[3.0, 1.0, 2.0, 5.0]]])
    x = ga.input("x", value.shape, "float64")
    pooled = F.max_pool1d(x, 2)
    hessian = ga.evaluate(ga.hessian(ga.sum(pooled**3), x), {x: value}).reshape(4, 4)
    np.testing.assert_allclose(hessian, np.diag([18.0, 0, 0, 30.0]))


def test_a_batch_of_pools_is_a_pool_of_the_batch() -> None:
    values = np.random.default_rng(5).normal(size=(3, 1, 1, 4, 4))
    x, xs = ga.input("x", (1, 1, 4, 4), "float64"), ga.input("xs", ("B", 1, 1, 4, 4), "float64")
    gradient = ga.grad(ga.sum(F.max_pool2d(x, 2) ** 2), x)
    found = ga.evaluate(ga.vectorize(gradient, {x: xs}), {xs: values})
    for one, value in zip(found, values, strict=True):
        np.testing.assert_array_equal(one, ga.evaluate(gradient, {x: value}))
