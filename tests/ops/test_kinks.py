"""Derivatives at kinks and special values are torch's, on both targets; numbers of torch 2.13.0 unless said."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pytest

import graphad as ga
from graphad.nn import functional as F  # noqa: N812 (the name everybody knows)

INF, NAN = np.inf, np.nan
TARGETS = ["numpy", "cpu"]
Case = tuple[Callable[..., ga.Tensor], Sequence[Any], Sequence[Any]]

# function, operands, the gradient by each of the sum of the results
GRADIENTS: Final[dict[str, Case]] = {
    "std of equal numbers": (ga.std, [[2.0, 2, 2]], [[0, 0, 0]]),
    "std of equal numbers, corrected": (lambda x: ga.std(x, correction=1), [[2.0, 2, 2]], [[0, 0, 0]]),
    "std of one": (ga.std, [[2.0]], [[0]]),
    "std of one, corrected": (lambda x: ga.std(x, correction=1), [[2.0]], [[NAN]]),
    "std of rows": (lambda x: ga.std(x, axis=1), [[[1.0, 3], [2, 2]]], [[[-0.5, 0.5], [0, 0]]]),
    "var of equal numbers": (ga.var, [[2.0, 2, 2]], [[0, 0, 0]]),
    "atan2 at the origin": (ga.atan2, [[0.0, -0.0], [0.0, -0.0]], [[0, 0], [0, 0]]),
    # torch has NaN there, and 0 for its norm
    "hypot at the origin": (ga.hypot, [0.0, 0.0], [0, 0]),
    "abs": (ga.abs, [[0.0, -0.0, -2]], [[0, 0, -1]]),
    "prod with zeros": (lambda x: ga.prod(x, axis=1), [[[2.0, 0, 3], [0, 0, 3]]], [[[0, 6, 0], [0, 0, 0]]]),
    "cumulative_prod with zeros": (ga.cumulative_prod, [[2.0, 0, 3, 0]], [[1, 8, 0, 0]]),
    "max of ties": (ga.max, [[1.0, 3, 3]], [[0, 0.5, 0.5]]),
    "min of ties": (ga.min, [[1.0, 1, 3]], [[0.5, 0.5, 0]]),
    "max of NaN": (ga.max, [[1.0, NAN, 2]], [[NAN, NAN, NAN]]),
    "maximum": (ga.maximum, [[1.0, 2, NAN, 1, NAN], [1.0, 1, 1, NAN, NAN]], [[0.5, 1, 1, 1, 1], [0.5, 0, 1, 1, 1]]),
    "minimum": (ga.minimum, [[1.0, 2, NAN, 1, NAN], [1.0, 1, 1, NAN, NAN]], [[0.5, 0, 1, 1, 1], [0.5, 1, 1, 1, 1]]),
    "clip at its bounds": (lambda x: ga.clip(x, 0, 1), [[0.0, 1, 0.5, 2, -1]], [[1, 1, 1, 0, 0]]),
    "clip between equal tensors": (ga.clip, [[0.0, 1, 3], [0.0, 0, 0], [1.0, 1, 1]], [[1, 1, 0], [0, 0, 0], [0, 0, 1]]),
    "clip between crossed bounds": (ga.clip, [[0.5, 3, -1], [2.0] * 3, [1.0] * 3], [[0] * 3, [0] * 3, [1] * 3]),
    "pow at zero": (ga.pow, [[0.0, 0, 0, 0, 0], [0.0, 1, 2, 0.5, -1]], [[0, 1, 0, INF, -INF], [0, 0, 0, 0, -INF]]),
    "pow below zero": (ga.pow, [[-2.0, -2, -2], [3.0, 2, 0.5]], [[12, -4, NAN], [NAN, NAN, NAN]]),
    "pow of NaN and infinity": (ga.pow, [[1.0, INF, NAN, NAN], [NAN, 0.0, 0, 1]], [[NAN, 0, 0, 1], [0, INF, NAN, NAN]]),
    "x ** 0": (lambda x: x**0, [[0.0, NAN, INF]], [[0, 0, 0]]),
    "x ** 1.5": (lambda x: x**1.5, [[0.0, -1]], [[0, NAN]]),
    "sqrt": (ga.sqrt, [[0.0, -0.0, -1]], [[INF, -INF, NAN]]),
    "rsqrt": (ga.rsqrt, [[0.0]], [[-INF]]),
    "remainder": (ga.remainder, [[5.0, -5, 5, 4, 5], [3.0, 3, -3, 2, 0]], [[1] * 5, [-1, 2, 2, -2, -INF]]),
    "acosh, asin, atanh at their borders": (
        lambda x: ga.acosh(x) + ga.asin(x) + ga.atanh(x),
        [[1.0]],
        [[INF]],
    ),
    "logsumexp of -inf": (ga.logsumexp, [[-INF, -INF]], [[NAN, NAN]]),
    "logsumexp with inf": (ga.logsumexp, [[INF, 0.0]], [[NAN, 0]]),
    "softmax of -inf": (lambda x: F.softmax(x, 0), [[-INF, -INF]], [[NAN, NAN]]),
    "log_softmax beside -inf": (lambda x: F.log_softmax(x, 0)[1], [[-INF, 0.0, 0]], [[0, 0.5, -0.5]]),
    # torch has NaN there; half and half is the limit
    "logaddexp of -inf": (ga.logaddexp, [-INF, -INF], [0.5, 0.5]),
    "cross_entropy beside -inf": (
        lambda x: F.cross_entropy(x, ga.constant(1)),
        [[-INF, 0.0, 0]],
        [[0, -0.5, 0.5]],
    ),
    "cross_entropy of -inf": (lambda x: F.cross_entropy(x, ga.constant(0)), [[-INF, 0.0, 0]], [[-1, 0.5, 0.5]]),
    "activations of infinities": (
        lambda x: ga.tanh(x) + ga.sigmoid(x) + F.softplus(x) + F.logsigmoid(x) + F.elu(x) + ga.erf(x),
        [[INF, -INF]],
        [[2, 1]],
    ),
    "elu and leaky_relu": (lambda x: F.elu(x) + F.leaky_relu(x), [[0.0, -0.0]], [[1.01, 1.01]]),
    "binary_cross_entropy_with_logits of infinities": (
        lambda x: F.binary_cross_entropy_with_logits(x, ga.constant(np.array([0.0, 1])), reduction="sum"),
        [[INF, -INF]],
        [[1, -1]],
    ),
    "max_pool1d of -inf": (lambda x: F.max_pool1d(x, 2, 2, 1), [[[[-INF] * 3]]], [[[[1, 1, 0]]]]),
    "max_pool1d of NaN": (lambda x: F.max_pool1d(x, 2, 2, 1), [[[[NAN, -INF, NAN]]]], [[[[1, 0, 1]]]]),
    "dilated max_pool1d of -inf": (lambda x: F.max_pool1d(x, 3, 2, 1, 2), [[[[-INF] * 5]]], [[[[0, 2, 0, 0, 0]]]]),
    "max_pool2d of -inf": (
        lambda x: F.max_pool2d(x, 3, 2, 1),
        [[[[[-INF] * 4] * 4]]],
        [[[[[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]]]],
    ),
    "mean of nothing": (ga.mean, [np.zeros(0)], [np.zeros(0)]),
}


def leaves(values: Sequence[Any], first: int = 0) -> tuple[list[ga.Tensor], list[np.ndarray]]:
    arrays = [np.asarray(v, np.float64) for v in values]
    return [ga.input(f"x{first + i}", v.shape, v.dtype) for i, v in enumerate(arrays)], arrays


def total(y: ga.Tensor) -> ga.Tensor:
    return ga.sum(y) if y.shape else y


@pytest.mark.parametrize("target", TARGETS)
def test_gradients_at_kinks_are_torchs(target: str) -> None:
    inputs: list[ga.Tensor] = []
    arrays: list[np.ndarray] = []
    outputs: list[ga.Tensor] = []
    for function, values, _ in GRADIENTS.values():
        own, theirs = leaves(values, len(inputs))
        outputs += ga.grad(total(function(*own)), own)
        inputs += own
        arrays += theirs
    found = iter(ga.compile(inputs, outputs, target=target)(*arrays))
    for name, (_, _, wanted) in GRADIENTS.items():
        for gradient in wanted:
            np.testing.assert_allclose(next(found), gradient, rtol=1e-14, err_msg=name)


@pytest.mark.parametrize("target", TARGETS)
def test_clip_hands_on_a_bound_that_is_not_a_number(target: str) -> None:
    (x, low, high), values = leaves([[0.5, 0.5, NAN, 2], [NAN, 0, 0, 0], [1, NAN, 1, 1]])
    f = ga.compile([x, low, high], [ga.clip(x, low, high), ga.clip(x, NAN, 1), ga.clip(x, max=high)], target=target)
    both, number, upper = f(*values)
    np.testing.assert_array_equal(both, [NAN, NAN, NAN, 1])
    np.testing.assert_array_equal(number, [NAN] * 4)
    np.testing.assert_array_equal(upper, [0.5, NAN, NAN, 1])


@pytest.mark.parametrize("extreme", [ga.max, ga.min])
def test_gradients_of_extremes_differentiate_again(extreme: Callable[..., ga.Tensor]) -> None:
    (x,), (value,) = leaves([[1.0, 2, 2]])
    slope = ga.grad(extreme(x * x), x)
    again = [ga.grad(ga.sum(slope), x), ga.jvp(slope, x, ga.ones_like(x)), ga.hvp(extreme(x * x), x, ga.ones_like(x))]
    share = [0, 1, 1] if extreme is ga.max else [2, 0, 0]
    for found in ga.evaluate(again, {x: value}):
        np.testing.assert_array_equal(found, share)
    linear = ga.grad(extreme(x), x)
    np.testing.assert_array_equal(ga.evaluate(ga.grad(ga.sum(linear), x), {x: value}), [0, 0, 0])
    np.testing.assert_array_equal(ga.evaluate(ga.jacobian(linear, x), {x: value}), np.zeros((3, 3)))


def test_products_with_zeros_differentiate_again() -> None:
    for function, value, wanted in (
        (ga.prod, [2.0, 0, 3], [3, 5, 2]),
        (ga.prod, [0.0, 0, 3], [3, 3, 0]),
        (ga.cumulative_prod, [2.0, 0, 3, 0], [4, 12, 2, 6]),
    ):
        (x,), (at,) = leaves([value])
        slope = ga.grad(total(function(x)), x)
        np.testing.assert_array_equal(ga.evaluate(ga.grad(ga.sum(slope), x), {x: at}), wanted)


def test_mixed_derivatives_of_powers_are_equal_in_both_orders() -> None:
    (x, y), at = leaves([[0.5, 2, 3, 1e-300], [0.0, 0, 1, 0]])
    z = ga.sum(x**y)
    first, second = (ga.grad(ga.sum(ga.grad(z, a)), b) for a, b in ((x, y), (y, x)))
    for found in ga.evaluate([first, second], {x: at[0], y: at[1]}):
        np.testing.assert_allclose(found, [2, 0.5, 1 + np.log(3), 1e300], rtol=1e-14)  # x^(y-1) (1 + y log x)


def test_padding_never_gets_a_share() -> None:
    """The gradients of -inf images add up to the number of windows, however the window is placed."""
    for kernel, stride, padding, dilation, size in ((2, 1, 1, 1, 3), (3, 2, 1, 1, 6), (3, 1, 1, 2, 7), (4, 3, 2, 1, 5)):
        x = ga.input("x", ("N", 1, size, size + 1))
        y = F.max_pool2d(x, kernel, stride, padding, dilation)
        values, slope = ga.compile([x], [y, ga.grad(ga.sum(y), x)])(np.full((3, 1, size, size + 1), -INF, np.float32))
        assert np.sum(slope) == values.size, (kernel, stride, padding, dilation)
