"""Laws that every elementwise record keeps: value, derivative of first and second order, dtype."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import sympy

import graphad as ga
from graphad.compiler.ir.op import registered
from graphad.compiler.ir.scalar import dtype_of
from graphad.ops.record import Elementwise
from tests.ops.scalars import run, test_every_primitive_is_known_here

__all__ = ["test_every_primitive_is_known_here"]

OPS = [op for op in registered() if isinstance(op, Elementwise)]
FLOATS = [op for op in OPS if op.takes != "bool" and op.name not in ("in_range", "where")]
SMOOTH = [op for op in FLOATS if op.partials is not None and op.name not in ("to_float32", "floor_divide", "remainder")]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -2.5, 1e-310, 1e-40, -1e-40, 1e30, -1e30, 700.0, -700.0]


def ids(op: Elementwise) -> str:
    return op.name


def sample(op: Elementwise, dtype: str, count: int = 7) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.uniform(low, high, count).astype(dtype) for low, high in op.domain]


def value(op: Elementwise, operands: Sequence[np.ndarray]) -> Any:
    inputs = [ga.input(f"x{i}", v.shape, v.dtype) for i, v in enumerate(operands)]
    return ga.evaluate(op(*inputs), dict(zip(inputs, operands, strict=True)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", FLOATS, ids=ids)
def test_the_scalar_expression_is_the_reference(op: Elementwise, dtype: str) -> None:
    operands = sample(op, dtype, 50)
    expected = op.reference(*operands)
    np.testing.assert_array_equal(value(op, operands), expected)
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(run(op.scalar, operands), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", FLOATS, ids=ids)
def test_the_scalar_expression_is_the_reference_at_special_values(op: Elementwise, dtype: str) -> None:
    if op.name.startswith("to_int"):
        pytest.skip("infinity has no integer")
    with np.errstate(all="ignore"):
        line = np.array(SPECIAL).astype(dtype)
        operands = [line] if op.arity == 1 else [a.ravel() for a in np.meshgrid(line, line)]
        expected = np.asarray(op.reference(*operands))
        found = np.asarray(run(op.scalar, operands))
        np.testing.assert_array_equal(value(op, operands), expected)
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
        return
    # below the smallest normal number, how a function of functions rounds is its own
    np.testing.assert_allclose(found, expected, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)
    signed = (expected != 0) & ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[signed], np.signbit(expected)[signed])


@pytest.mark.parametrize("op", OPS, ids=ids)
def test_the_type_rule_is_the_references(op: Elementwise) -> None:
    """What infer says of every dtype the op takes is what the reference gives."""
    for dtype in ("bool", "int32", "int64", "float32", "float64"):
        operands = [np.ones(2, dtype) for _ in range(op.arity)]
        if op.name == "atanh":
            continue  # has a pole there
        if op.name == "where":
            operands[0] = np.ones(2, bool)
        if op.name == "in_range" and dtype != "bool":
            operands[1] = np.full(2, 2).astype(dtype)
        inputs = [ga.input(f"x{i}", (2,), v.dtype) for i, v in enumerate(operands)]
        try:
            y = op(*inputs)
        except ga.DTypeError:
            continue
        assert ga.evaluate(y, dict(zip(inputs, operands, strict=True))).dtype == y.dtype
        if not op.divides:
            assert np.asarray(op.reference(*operands)).dtype == y.dtype
        assert dtype_of(op.scalar, tuple(x.type.dtype for x in y.operands)) == y.dtype


@pytest.mark.parametrize("op", SMOOTH, ids=ids)
def test_derivatives_are_differences_in_both_modes_and_orders(op: Elementwise) -> None:
    operands = sample(op, "float64", 5)
    inputs = [ga.input(f"x{i}", (5,), "float64") for i in range(op.arity)]
    ga.check_grads(op(*inputs), dict(zip(inputs, operands, strict=True)))


@pytest.mark.parametrize("op", [op for op in OPS if op.name in ("floor_divide", "remainder")], ids=ids)
def test_derivatives_of_steps_between_the_steps(op: Elementwise) -> None:
    x, y = ga.input("x", (3,), "float64"), ga.input("y", (3,), "float64")
    ga.check_grads(op(x, y), {x: [0.7, -1.3, 5.2], y: [0.5, 0.8, 1.1]})


SYMPY: dict[str, Any] = {
    name: getattr(sympy, name)
    for names in (
        ["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "atan2"],
        ["exp", "log", "sqrt", "cbrt", "erf", "erfc"],
    )
    for name in names
} | {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x**2,
    "pow": lambda x, y: x**y,
    "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    "exp2": lambda x: 2**x,
    "expm1": lambda x: sympy.exp(x) - 1,
    "log1p": lambda x: sympy.log(1 + x),
    "log2": lambda x: sympy.log(x) / sympy.log(2),
    "log10": lambda x: sympy.log(x) / sympy.log(10),
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "logaddexp": lambda x, y: sympy.log(sympy.exp(x) + sympy.exp(y)),
}


@pytest.mark.parametrize("op", [op for op in SMOOTH if op.name in SYMPY], ids=ids)
def test_partials_are_sympys(op: Elementwise) -> None:
    symbols = sympy.symbols("x y", real=True)[: op.arity]
    points = sample(op, "float64", 4)
    inputs = [ga.input(f"x{i}", (4,), "float64") for i in range(op.arity)]
    at = dict(zip(inputs, points, strict=True))
    for i, x in enumerate(inputs):
        derivative = sympy.diff(SYMPY[op.name](*symbols), symbols[i])
        expected = [
            float(derivative.subs(list(zip(symbols, p, strict=True))).evalf(30)) for p in zip(*points, strict=True)
        ]
        found = ga.evaluate(ga.vjp(op(*inputs), x, np.ones(4)), at)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def slope(f: Any, *points: float) -> list[float]:
    inputs = [ga.input(f"x{i}", (), "float64") for i in range(len(points))]
    at = dict(zip(inputs, points, strict=True))
    found = ga.evaluate(ga.grad(f(*inputs), inputs), at)
    forward = [ga.evaluate(ga.jvp(f(*inputs), x, 1.0), at) for x in inputs]
    np.testing.assert_array_equal(found, forward)
    return [float(v) for v in found]


def test_conventions_at_kinks() -> None:
    assert slope(ga.relu, 0.0) == [0.0]
    assert slope(ga.relu, -0.0) == [0.0]
    assert slope(ga.abs, 0.0) == [0.0]
    assert slope(ga.sign, 0.3) == [0.0]
    assert slope(ga.maximum, 2.0, 2.0) == [0.5, 0.5]
    assert slope(ga.minimum, 2.0, 2.0) == [0.5, 0.5]
    assert slope(ga.maximum, 2.0, 3.0) == [0.0, 1.0]
    assert slope(lambda x: ga.clip(x, 0.0, 1.0), 0.0) == [1.0]
    assert slope(lambda x: ga.clip(x, 0.0, 1.0), 1.0) == [1.0]
    assert slope(lambda x: ga.clip(x, 0.0, 1.0), 1.1) == [0.0]
    assert slope(ga.power, 0.0, 0.0) == [0.0, 0.0]
    assert slope(ga.power, 0.0, 2.0) == [0.0, 0.0]
    assert slope(ga.logaddexp, -np.inf, -np.inf) == [0.5, 0.5]
    assert slope(ga.logaddexp, -np.inf, 0.0) == [0.0, 1.0]


def test_a_choice_hides_an_infinite_slope() -> None:
    """A select, not a product with a mask: 0 * inf would be NaN. 1/0 comes back from log, or goes into the choice."""
    x = ga.input("x", (), "float64")
    for y in (ga.log(ga.where(x > 0, x, 0)), ga.log(ga.maximum(x, 0)), ga.sqrt(ga.relu(x)), ga.log(ga.clip(x, 0, 1))):
        assert ga.evaluate(ga.grad(y, x), {x: -1.0}) == 0
    for y in (ga.where(x > 0, ga.log(x), x), ga.maximum(ga.log(x), 0), ga.relu(ga.log(x))):
        assert not np.isnan(ga.evaluate(ga.jvp(y, x, 1.0), {x: 0.0}))


def test_stable_far_from_zero() -> None:
    assert slope(ga.sigmoid, -800.0) == [0.0]
    assert slope(ga.softplus, 800.0) == [1.0]
    assert slope(ga.softplus, -800.0) == [0.0]
    assert slope(ga.tanh, 800.0) == [0.0]
    assert slope(ga.logaddexp, 1000.0, 0.0) == [1.0, 0.0]
    assert slope(ga.asinh, 1e200)[0] == pytest.approx(1e-200)


def test_constant_exponents_are_cheap() -> None:
    x = ga.input("x", (3,))
    assert (x**2).op.name == "square"
    assert (x**1) is x
    assert (x**0.5).op.name == "sqrt"
    assert (x**-1).op.name == "reciprocal"
    for exponent in (3, 2.5, -2, 0):
        y = x**exponent
        node = ga.vjp(y, x, ga.ones_like(y))
        names = {n.op.name for n in ancestors(node)}
        assert not names & {"where", "equal", "log", "greater"}, exponent


def ancestors(node: Any) -> list[Any]:
    found, stack = [], [node]
    while stack:
        found.append(stack.pop())
        stack.extend(found[-1].operands)
    return found


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2, 0.5, -0.5, 1.7, 2.0])
def test_constant_exponents_differentiate(exponent: float) -> None:
    x = ga.input("x", (3,), "float64")
    at = {x: [0.4, 1.0, 2.3]}
    np.testing.assert_allclose(ga.evaluate(x**exponent, at), np.array(at[x]) ** exponent, rtol=1e-15)
    ga.check_grads(x**exponent, at, order=3)


@pytest.mark.parametrize("exponent", [2, 3, 1, 2.0, 3.0])
def test_powers_at_zero_and_below_differentiate(exponent: float) -> None:
    x = ga.input("x", (2,), "float64")
    ga.check_grads(x**exponent, {x: [0.0, -1.5]}, order=2)
