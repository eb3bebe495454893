"""Forward against reverse against differences, nested, with respect to leaves and to what is computed from them."""

from typing import Any

import numpy as np
import pytest

import graphad as ga

RNG = np.random.default_rng(4)
X = RNG.uniform(0.3, 1.2, 4)


def network(x: ga.Tensor) -> ga.Tensor:
    """A bit of every kind."""
    w = ga.constant(RNG.normal(size=(4, 4)))
    h = ga.tanh(w @ x) * ga.cumulative_sum(x)
    g = ga.concat([h[::-1], ga.pad(x, (1, 0))])[ga.constant([0, 3, 3, 5])]
    return g * ga.prod(x) + ga.max(h) + ga.where(x > 0.7, x * x, ga.sin(x))


@pytest.fixture
def x() -> ga.Tensor:
    return ga.input("x", (4,), "float64")


def test_jacobian_forward_is_reverse_is_differences(x: ga.Tensor) -> None:
    y = network(x)
    forward, reverse = (ga.evaluate(ga.jacobian(y, x, mode=m), {x: X}) for m in ("forward", "reverse"))
    np.testing.assert_allclose(forward, reverse, rtol=1e-13)
    h = 1e-6
    columns = [(ga.evaluate(y, {x: X + h * e}) - ga.evaluate(y, {x: X - h * e})) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(forward, np.stack(columns, 1), rtol=1e-7, atol=1e-8)


def test_nesting_to_order_four(x: ga.Tensor) -> None:
    ga.check_grads(ga.sum(ga.sin(x) * x), {x: X}, order=4)
    scalar = ga.input("s", (), "float64")
    y = ga.exp(2 * scalar) * scalar**3
    for _ in range(4):
        y = ga.grad(y, scalar)
    s = 0.4
    expected = 16 * np.exp(2 * s) * s**3 + 4 * 8 * np.exp(2 * s) * 3 * s**2 + 6 * 4 * np.exp(2 * s) * 6 * s
    assert ga.evaluate(y, {scalar: s}) == pytest.approx(expected + 4 * 2 * np.exp(2 * s) * 6)


def test_hessian_is_symmetric_and_hvp_is_its_product(x: ga.Tensor) -> None:
    y = ga.sum(network(x) ** 2)
    v = RNG.normal(size=4)
    full, product = ga.evaluate([ga.hessian(y, x), ga.hvp(y, x, v)], {x: X})
    np.testing.assert_allclose(full, full.T, rtol=1e-10)
    np.testing.assert_allclose(product, full @ v, rtol=1e-10)
    rows = ga.evaluate(ga.jacobian(ga.grad(y, x), x, mode="reverse"), {x: X})
    np.testing.assert_allclose(rows, full, rtol=1e-10)


@pytest.mark.parametrize("f", [ga.sum, lambda x: ga.sum(ga.relu(x)), ga.max, lambda x: ga.sum(ga.maximum(x, 0.5))])
def test_the_hessian_of_what_is_linear_in_pieces_is_zero(f: Any, x: ga.Tensor) -> None:
    assert not ga.evaluate(ga.hessian(f(x), x), {x: X}).any()


def test_a_gradient_penalty_of_a_relu_network(x: ga.Tensor) -> None:
    w = ga.input("w", (3, 4), "float64")
    slope = ga.grad(ga.sum(ga.relu(w @ x)), x)
    ga.check_grads(ga.sum(slope * slope), {x: X, w: RNG.normal(size=(3, 4))}, order=1)
    twice = ga.grad(ga.sum(ga.grad(ga.sum(ga.relu(x)), x)), x)
    assert not ga.evaluate(twice, {x: X}).any()


def test_symbolic_sizes(x: ga.Tensor) -> None:
    n = ga.input("n", ("N",), "float64")
    y = ga.sin(n) * ga.sum(n * n)
    found = ga.evaluate([ga.jacobian(y, n, mode=m) for m in ("forward", "reverse")], {n: X[:3]})
    np.testing.assert_allclose(found[0], found[1])
    assert str(ga.hessian(ga.sum(y), n).type) == "float64[N,N]"


def test_a_tensor_computed_from_another_moves_with_it() -> None:
    """jvp is the transpose of vjp: both count every way from x, also the one through h."""
    x = ga.input("x", (), "float64")
    h = ga.sin(x)
    y = h * x
    at = {x: 0.7}
    cx, ch = ga.evaluate(ga.grad(y, [x, h]), at)
    t = ga.evaluate(ga.jvp(y, [x, h], [2.0, 3.0]), at)
    assert cx == pytest.approx(np.cos(0.7) * 0.7 + np.sin(0.7))
    assert ch == pytest.approx(0.7)
    assert t == pytest.approx(2 * cx + 3 * ch)


def test_a_tensor_named_twice_and_an_output_that_is_an_input() -> None:
    x = ga.input("x", (), "float64")
    assert ga.evaluate(ga.jvp(x * x, [x, x], [1.0, 2.0]), {x: 3.0}) == 18
    assert ga.evaluate(ga.grad(x * x, [x, x]), {x: 3.0}) == [6, 6]
    assert ga.evaluate(ga.grad(x, x), {x: 3.0}) == 1
    assert ga.evaluate(ga.jvp([x, x * x], x, 1.0), {x: 3.0}) == [1, 6]
    assert ga.evaluate(ga.vjp([x, x * x], x, [1.0, 1.0]), {x: 3.0}) == 7


def test_answers_come_in_kind_and_directions_by_key() -> None:
    a, b = ga.input("a", (), "float64"), ga.input("b", (), "float64")
    at = {a: 2.0, b: 5.0}
    assert ga.evaluate(ga.grad(a * b, {"a": a, "b": b}), at) == {"a": 5, "b": 2}
    assert ga.evaluate(ga.grad(a * b, (a, [b])), at) == (5, [2])
    assert ga.evaluate(ga.jvp(a * b, {"a": a, "b": b}, {"b": 10.0, "a": 1.0}), at) == 25
    assert ga.evaluate(ga.hvp(a * b, {"a": a, "b": b}, {"b": 10.0, "a": 1.0}), at) == {"a": 10, "b": 1}


def test_mixed_precision_comes_back_in_each_inputs_dtype() -> None:
    x, y = ga.input("x", (), "float32"), ga.input("y", (), "float64")
    found = ga.grad(x * y, [x, y])
    assert [g.dtype for g in found] == ["float32", "float64"]
    assert ga.jvp(x * y, x, 1.0).dtype == "float64"
    assert ga.evaluate(found, {x: 2.0, y: 3.0}) == [3, 2]


def test_stop_gradient_and_steps_have_slope_zero() -> None:
    x = ga.input("x", (), "float64")
    at = {x: 1.3}
    assert ga.evaluate(ga.grad(ga.stop_gradient(x), x), at) == 0
    assert ga.evaluate(ga.grad(x * ga.stop_gradient(x), x), at) == 1.3
    assert ga.evaluate(ga.grad(ga.floor(x) * x, x), at) == 1
    assert ga.evaluate(ga.jvp(ga.stop_gradient(x) + ga.round(x), x, 1.0), at) == 0


def test_a_chain_of_20000_nodes_does_not_recurse() -> None:
    x = ga.input("x", ())
    y = x
    for _ in range(10_000):
        y = ga.sin(y) * 1.0001
    assert np.isfinite(ga.evaluate([ga.grad(y, x), ga.jvp(y, x, 1.0)], {x: 0.5})).all()


def test_the_derivative_belongs_to_the_line_of_its_primal() -> None:
    x = ga.input("x", (3,))
    y = ga.exp(x)
    assert ga.vjp(y, x, ga.ones((3,))).site == y.site
    assert y.site.file.endswith("test_modes.py")


def test_what_nobody_asks_for_is_not_written() -> None:
    x, w = ga.input("x", (2, 3)), ga.input("w", (3, 2))
    grad = ga.grad(ga.sum(x @ w), w)
    stack, names = [grad], []
    while stack:
        names.append(stack.pop())
        stack.extend(names[-1].operands)  # type: ignore[arg-type]
    assert w not in set(names)
