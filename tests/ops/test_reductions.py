"""Reductions and scans: value, derivatives, ties and zeros."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.ir.op import registered
from graphad.ops.record import Prefix, Reduction

REDUCTIONS = [op for op in registered() if isinstance(op, Reduction)]
SCANS = [op for op in registered() if isinstance(op, Prefix)]
NUMPY = {"cumulative_sum": np.cumsum, "cumulative_prod": np.cumprod}
AXES = [None, 0, -1, (0, 2), (1,), (2, 0, 1), ()]


def ids(op: Any) -> str:
    return str(op.name)


def tensor(values: Any, dtype: str = "float64", shape: Any = None) -> tuple[ga.Tensor, dict[ga.Tensor, Any]]:
    array = np.asarray(values, dtype)
    x = ga.input("x", shape or array.shape, dtype)
    return x, {x: array}


@pytest.mark.parametrize("shape", [(2, 3, 4), ("N", 3, "M")])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("op", REDUCTIONS, ids=ids)
def test_reductions_are_numpys_and_their_derivatives_are_differences(op: Reduction, axis: Any, shape: Any) -> None:
    values = np.random.default_rng(1).uniform(*op.domain, (2, 3, 4))
    x, at = tensor(values, shape=shape)
    found = ga.evaluate(op(x, axis=axis, keepdims=True), at)
    if op.monoid.is_arg:
        if isinstance(axis, int) or axis is None:
            np.testing.assert_array_equal(found, getattr(np, op.name)(values, axis=axis, keepdims=True))
        return
    np.testing.assert_allclose(found, getattr(np, op.name)(values, axis=axis, keepdims=True), rtol=1e-14)
    assert op(x, axis=axis).shape == op(x, axis=axis, keepdims=True).shape or axis != ()
    if op.weights is not None:
        ga.check_grads(op(x, axis=axis), at)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("op", SCANS, ids=ids)
def test_scans_are_numpys_and_their_derivatives_are_differences(op: Prefix, axis: int, reverse: bool) -> None:
    values = np.random.default_rng(2).uniform(*op.domain, (2, 3, 2))
    x, at = tensor(values, shape=("N", 3, 2))
    turned = np.flip(values, axis) if reverse else values
    expected = NUMPY[op.name](turned, axis=axis)
    np.testing.assert_allclose(ga.evaluate(op(x, axis, reverse), at), np.flip(expected, axis) if reverse else expected)
    ga.check_grads(op(x, axis, reverse), at)


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_not_a_number_wins_and_ties_are_the_first(name: str) -> None:
    values = np.array([[1.0, np.nan, 3.0], [2.0, 5.0, 5.0], [-1.0, -1.0, 0.0]])
    x, at = tensor(values)
    np.testing.assert_array_equal(ga.evaluate(getattr(ga, name)(x, axis=1), at), getattr(np, name)(values, axis=1))
    np.testing.assert_array_equal(ga.evaluate(getattr(ga, name)(x), at), getattr(np, name)(values))


def test_argmax_over_several_axes_is_flat_in_their_order() -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, 4))
    x, at = tensor(values)
    expected = values.transpose(1, 0, 2).reshape(3, 8).argmax(1)
    np.testing.assert_array_equal(ga.evaluate(ga.argmax(x, axis=(0, 2)), at), expected)


def test_greatest_elements_share_the_slope() -> None:
    x, at = tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    third = 1 / 3
    np.testing.assert_allclose(ga.evaluate(ga.grad(ga.sum(ga.max(x, axis=1)), x), at), [[0, 0.5, 0.5], [third] * 3])
    np.testing.assert_allclose(ga.evaluate(ga.grad(ga.min(x), x), at), [[1, 0, 0], [0, 0, 0]])
    assert not ga.evaluate(ga.hessian(ga.max(x), x), at).any()


@pytest.mark.parametrize("values", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.5, 2.5, -1.0]])
def test_products_with_zeros_differentiate_to_order_three(values: list[float]) -> None:
    x, at = tensor(values)
    ga.check_grads(ga.prod(x), at, order=3)
    first = ga.evaluate(ga.grad(ga.prod(x), x), at)
    np.testing.assert_allclose(first, [np.prod(np.delete(values, i)) for i in range(3)])
    second = ga.evaluate(ga.hessian(ga.prod(x), x), at)
    pairs = [[0 if i == j else np.prod(np.delete(values, [i, j])) for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(second, pairs)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("values", [[2.0, 0.0, 3.0, 1.0], [0.0, 2.0, 0.0, 3.0], [0.0, 0.0, 0.0, 0.0]])
def test_running_products_with_zeros_differentiate(values: list[float], reverse: bool) -> None:
    x, at = tensor(values)
    ga.check_grads(ga.cumulative_prod(x, 0, reverse), at)


def test_means_and_variances() -> None:
    values = np.random.default_rng(5).normal(size=(3, 4))
    for shape in ((3, 4), ("N", "M")):
        x, at = tensor(values, shape=shape)
        for name in ("mean", "var", "std"):
            for axis in (None, 0, (0, 1)):
                found = ga.evaluate(getattr(ga, name)(x, axis=axis), at)
                np.testing.assert_allclose(found, getattr(np, name)(values, axis=axis))
                ga.check_grads(getattr(ga, name)(x, axis=axis), at)
        np.testing.assert_allclose(ga.evaluate(ga.var(x, correction=1), at), values.var(ddof=1))


def test_logsumexp_is_safe() -> None:
    x, at = tensor([[1000.0, 1000.0], [-1000.0, -1001.0], [-np.inf, 0.0], [-np.inf, -np.inf], [np.inf, 0.0]])
    expected = np.logaddexp(at[x][:, 0], at[x][:, 1])
    np.testing.assert_allclose(ga.evaluate(ga.logsumexp(x, axis=1), at), expected)
    x, at = tensor([[1000.0, 1001.0], [0.3, 0.3]])
    ga.check_grads(ga.logsumexp(x, axis=1), at, order=3)
    ga.check_grads(ga.logsumexp(x, axis=1, keepdims=True), at)
    assert ga.logsumexp(x).shape == ()


def test_integers_are_summed_in_64_bits() -> None:
    x, at = tensor([2**31 - 1, 1], "int32")
    assert ga.evaluate(ga.sum(x), at) == 2**31
    assert ga.evaluate(ga.cumulative_sum(x), at).dtype == "int64"
    assert ga.evaluate(ga.max(x), at).dtype == "int32"
    b, at = tensor([True, False, True], "bool")
    assert ga.evaluate(ga.sum(b), at) == 2
    assert ga.evaluate(ga.count_nonzero(b), at) == 2


def test_nothing_to_reduce() -> None:
    x, at = tensor(np.zeros((2, 0)), shape=(2, 0))
    np.testing.assert_array_equal(ga.evaluate(ga.sum(x, axis=1), at), [0, 0])
    np.testing.assert_array_equal(ga.evaluate(ga.prod(x, axis=1), at), [1, 1])
    assert ga.evaluate(ga.all(x), at)
    with pytest.raises(ga.ShapeError, match="max of no elements"):
        ga.max(x, axis=1)


@pytest.mark.parametrize("target", ["numpy", "cpu"])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_a_sum_of_no_exponentials(shape: tuple[int, int], target: str) -> None:
    x = ga.input("x", shape)
    made = [ga.sum(ga.exp(x), axis=0), ga.exp(x) / ga.sum(ga.exp(x), axis=0)]
    total, ratio = ga.compile([x], made, target=target)(np.zeros(shape, "f"))  # type: ignore[call-overload]
    np.testing.assert_array_equal(total, np.zeros(shape[1:], "f"))
    assert ratio.shape == shape
