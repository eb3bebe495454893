"""Patterns: exact for structure, equal to what dense Jacobians at random points show."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import graphad as ga
from graphad.sparse import hessian_pattern, pattern
from graphad.tensor import Tensor
from tests.sparse.functions import arrowhead, band, tridiagonal

RNG = np.random.default_rng(7)
ZEROS = np.array([[1.0, 0.0, 2.0, 0.0], [0.0, 0.0, 3.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
T = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])


def straight_through(x: Tensor) -> Tensor:
    """A rule that moves elements: the derivative of the value's reversal."""
    return ga.custom_derivative(ga.floor(x), [x], jvp=lambda t: t[::-1], vjp=lambda c: [c[::-1]])


def two_inputs(x: Tensor) -> Tensor:
    h = ga.sin(x)
    rule = ga.custom_derivative(
        h * x, [h, x], jvp=lambda s, t: s * x + ga.sum(t), vjp=lambda c: [c * x, ga.broadcast_to(ga.sum(c), x.shape)]
    )
    return ga.pad(rule[1:], (1, 0))


def windows(x: Tensor) -> Tensor:
    """Sums of three neighbours, at every other place."""
    kernel = ga.constant(np.ones((1, 1, 3)))
    return ga.nn.functional.conv1d(ga.reshape(x, (1, 1, 6)), kernel, stride=2, padding=1)


EXACT: dict[str, Callable[[Tensor], Any]] = {
    "elementwise": lambda x: ga.exp(x) * x + 1,
    "tridiagonal": tridiagonal,
    "arrowhead": arrowhead,
    "band": lambda x: band(x, 3),
    "slice": lambda x: ga.sin(x[4:0:-2]),
    "pad": lambda x: ga.pad(x, (2, 1), 3.0) ** 2,
    "permuted": lambda x: ga.sin(ga.permute_dims(ga.reshape(x, (2, 3)), (1, 0))),
    "broadcast": lambda x: ga.sin(x)[:, None] * ga.cos(x)[None, :2],
    "sum of some": lambda x: ga.sum(ga.reshape(x, (2, 3)) ** 2, axis=0),
    "product": lambda x: ga.prod(ga.reshape(x, (3, 2)), axis=1),
    "max": lambda x: ga.sum(ga.reshape(x, (3, 2)), axis=1) * ga.max(x[:2]),
    "prefix sums": lambda x: ga.cumulative_sum(ga.reshape(x, (2, 3)), axis=1),
    "suffix products": lambda x: ga.cumulative_prod(ga.reshape(x, (2, 3)), axis=1, reverse=True),
    "constant with zeros": lambda x: ga.constant(ZEROS) @ ga.sin(x[1:5]),
    "batch by constant with zeros": lambda x: ga.reshape(ga.sin(x), (2, 3)) @ ga.constant(T),
    "scaled by zeros": lambda x: ga.sin(x) * ga.constant([1.0, 0.0, 2.0, 0.0, 0.0, 1.0]).astype("float64"),
    "product of two": lambda x: ga.reshape(x, (2, 3)) @ ga.sin(ga.reshape(x, (3, 2))),
    "convolution": lambda x: ga.nn.functional.conv1d(
        ga.reshape(x, (1, 1, 6)), ga.constant([[[1.0, 0.0, 2.0]]]).astype("float64"), padding=1
    ),
    "windows folded": lambda x: ga.grad(ga.sum(windows(x) ** 3), x),
    "constant gather": lambda x: ga.sin(x)[ga.constant([5, 5, 0])],
    "constant scatter": lambda x: ga.grad(ga.sum(x[ga.constant([5, 5, 0])] ** 3), x),
    "concat": lambda x: ga.concat([ga.sin(x[3:]), x[:2] * x[1:3], ga.ones((2,), "float64")]),
    "stack": lambda x: ga.stack([ga.sin(x[:3]), ga.ones((3,), "float64"), x[3:] * 2], axis=1),
    "joined zeros": lambda x: ga.concat([x[:2], ga.zeros((4,), "float64")]) * ga.sin(x),
    "lower triangle": lambda x: ga.tril(ga.sin(x)[:, None] * ga.cos(x)[None, :]),
    "known choice": lambda x: ga.where(ga.constant([True, False] * 3), ga.sin(x), x[0] * x[::-1]),
    "stopped": lambda x: ga.sin(x[:3]) * ga.stop_gradient(x[3:]),
    "custom rule": straight_through,
    "custom rule of two": two_inputs,
    "linear": lambda x: 3 * x[1:] - x[:-1] / 2,
    "scalar": lambda x: ga.sum(x[2:4] ** 2),
    "cast": lambda x: ga.astype(ga.astype(x, "float32"), "float64") * x[::-1],
}


def shown(y: Tensor, x: Tensor, mode: str = "reverse") -> np.ndarray:
    """Where the dense Jacobian differs from zero at one of a few random points."""
    size = int(y.size), int(x.size)
    seen = np.zeros(size, bool)
    dense = ga.jacobian(y, x, mode=mode)  # type: ignore[arg-type]
    for _ in range(8):
        seen |= ga.evaluate(dense, {x: RNG.uniform(0.5, 1.5, x.shape)}).reshape(size) != 0
    return seen


@pytest.mark.parametrize("name", EXACT)
def test_structure_is_exact(name: str) -> None:
    x = ga.input("x", (6,), "float64")
    y = EXACT[name](x)
    found = pattern(y, x)
    assert isinstance(found, sp.csr_array)
    assert found.dtype == bool
    assert found.has_sorted_indices
    np.testing.assert_array_equal(found.toarray(), shown(y, x, "forward"))


def test_indices_of_run_time_may_be_any() -> None:
    x, i = ga.input("x", (2, 3), "float64"), ga.input("i", (2,), "int64")
    rows = np.repeat(np.arange(2), 3)
    taken = pattern(ga.take(x, i, axis=1), x).toarray()
    np.testing.assert_array_equal(taken, rows[[0, 0, 3, 3], None] == rows[None, :])
    spread = pattern(ga.grad(ga.sum(ga.take(x, i, axis=1) ** 3), x), x).toarray()
    np.testing.assert_array_equal(spread, rows[:, None] == rows[None, :])


def test_a_choice_of_run_time_takes_both_sides() -> None:
    x = ga.input("x", (4,), "float64")
    both = pattern(ga.where(x > 1, x, x[::-1]), x).toarray()
    np.testing.assert_array_equal(both, np.eye(4, dtype=bool) | np.eye(4, dtype=bool)[::-1])


def test_with_respect_to_what_is_computed() -> None:
    x = ga.input("x", (4,), "float64")
    h = ga.sin(x)
    np.testing.assert_array_equal(pattern(h[1:] * h[:-1] * x[0], h).toarray(), pattern(x[1:] * x[:-1], x).toarray())
    assert (pattern(h, h) != sp.eye_array(4, dtype=bool)).nnz == 0


def test_nothing_behind_stop_gradient() -> None:
    x = ga.input("x", (3,), "float64")
    assert pattern(ga.stop_gradient(x) * 2, x).nnz == 0
    assert pattern(ga.floor(x), x).nnz == 0


HESSIANS: dict[str, Callable[[Tensor], Tensor]] = {
    "tridiagonal": lambda x: ga.sum(tridiagonal(x)),
    "arrowhead": lambda x: x[0] * ga.sum(ga.sin(x)),
    "separable": lambda x: ga.sum(ga.exp(x)),
    "quadratic": lambda x: x @ (ga.constant(np.eye(6) + np.eye(6, k=2)) @ x),
    "rosenbrock": lambda x: ga.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "dense": lambda x: ga.exp(ga.sum(x)),
    "relu": lambda x: ga.sum(ga.relu(x) * x[::-1]),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_hessians(name: str) -> None:
    x = ga.input("x", (6,), "float64")
    y = HESSIANS[name](x)
    found = hessian_pattern(y, x).toarray()
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(found, shown(ga.grad(y, x), x))


def test_the_hessian_of_a_linear_function_is_empty() -> None:
    x = ga.input("x", (3,), "float64")
    assert hessian_pattern(ga.sum(2 * x), x).shape == (3, 3)
    assert hessian_pattern(ga.sum(2 * x), x).nnz == 0


def test_a_long_graph() -> None:
    x = ga.input("x", (3,), "float64")
    y = x
    for _ in range(20_000):
        y = y + x
    assert pattern(ga.sin(y), x).nnz == 3
