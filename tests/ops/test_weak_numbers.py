"""NumPy's float64 scalars are Python's floats beside a tensor; other scalars and arrays keep their dtype."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphad as ga

X = ga.input("x", (3,))
VALUE = np.array([0.5, 1.5, 2.5], np.float32)
TWO = np.float64(2)

OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip


@pytest.mark.parametrize("binary", OPERATORS, ids=lambda f: f.__name__)
def test_operators_from_both_sides(binary: Callable[[Any, Any], Any]) -> None:
    for given, python in ((binary(X, TWO), binary(X, 2.0)), (binary(TWO, X), binary(2.0, X))):
        assert given.dtype == python.dtype
        np.testing.assert_array_equal(ga.evaluate(given, {X: VALUE}), ga.evaluate(python, {X: VALUE}))
        assert binary(TWO, X.astype("float64")).dtype in ("float64", "bool")
    for strong in (np.array(2.0), np.full(3, 2.0)):
        assert (binary(X, strong).dtype, binary(strong, X).dtype) in (("float64",) * 2, ("bool",) * 2)


CALLS: dict[str, Callable[[Any], ga.Tensor]] = {
    "where": lambda c: ga.where(X > 1, X, c),
    "where, condition first": lambda c: ga.where(X > 1, c, X),
    "maximum": lambda c: ga.maximum(c, X),
    "minimum": lambda c: ga.minimum(X, c),
    "clip": lambda c: ga.clip(X, -c, c),
    "full": lambda c: ga.full((2,), c),
    "full_like": lambda c: ga.full_like(X, c),
    "pow": lambda c: ga.pow(X, c),
    "power of": lambda c: ga.pow(c, X),
    "atan2": lambda c: ga.atan2(X, c),
    "pad": lambda c: ga.pad(X, 1, c),
    "np.add": lambda c: np.add(c, X),
    "np.maximum": lambda c: np.maximum(c, X),
    "np.where": lambda c: np.where(X > 1, c, X),
    "np.clip": lambda c: np.clip(X, -c, c),
    "leaky relu": lambda c: ga.nn.functional.leaky_relu(X, c),
    "gradient": lambda c: c * ga.grad(ga.sum(X * X), X),
}


@pytest.mark.parametrize("name", CALLS)
def test_functions(name: str) -> None:
    given, python = CALLS[name](np.sqrt(TWO)), CALLS[name](float(np.sqrt(TWO)))
    assert given.dtype == python.dtype == "float32"
    np.testing.assert_array_equal(ga.evaluate(given, {X: VALUE}), ga.evaluate(python, {X: VALUE}))


def test_hyper_parameters() -> None:
    w = ga.parameter("w", [1.0])
    loss = ga.sum(w * w)
    half = np.float64(0.5)
    for optimizer in (
        ga.optim.SGD(half, momentum=half, weight_decay=half, nesterov=True),
        ga.optim.AdamW(half, betas=(half, half), eps=half, weight_decay=half, amsgrad=True),
    ):
        assert {leaf.dtype == value.dtype for leaf, value in optimizer.minimize(loss, [w]).items()} == {True}
    assert ga.optim.clip_by_global_norm({w: ga.grad(loss, w)}, half)[w].dtype == "float32"


def test_what_stands_alone_keeps_its_dtype() -> None:
    assert ga.constant(TWO).dtype == ga.exp(TWO).dtype == ga.parameter("w", TWO).dtype == "float64"
    assert ga.constant(2.0).dtype == "float32"
    assert (X.astype("float64") * np.float32(2)).dtype == "float64"
    assert (X.astype("int32") * np.int64(2)).dtype == "int64"


@pytest.mark.parametrize("target", ["cpu", "numpy"])
def test_an_argument_may_be_one(target: str) -> None:
    x = ga.input("x", ())
    f = ga.compile([x], x * 2, target=target)
    assert f(np.sqrt(TWO)).dtype == np.float32
    with pytest.raises(ga.DTypeError, match="expected float32, got float64"):
        f(np.array(2.0))


def test_a_value_is_a_snapshot_that_cannot_be_written() -> None:
    w, n = ga.parameter("w", [1.0, 2.0]), ga.state("n", 0)
    for leaf in (w, n):
        with pytest.raises(ValueError, match="read-only"):
            leaf.value[...] = 9
    before = w.value
    with pytest.raises(ValueError, match="read-only"):
        w.value[0] = 9
    w.value = w.value + 1
    np.testing.assert_array_equal(before, [1, 2])
    np.testing.assert_array_equal(w.value, [2, 3])
