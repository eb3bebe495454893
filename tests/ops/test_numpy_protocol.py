"""NumPy's functions on tensors give NumPy's numbers; what they cannot do is refused with what to write."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.numpy_protocol import FUNCTIONS, UFUNCS

A = np.random.default_rng(8).uniform(0.1, 0.9, (2, 3))
I = np.array([[1, 0, 1]])  # noqa: E741

CALLS: list[Callable[[Any], Any]] = [
    np.sum, lambda x: np.sum(x, 0), lambda x: np.sum(x, axis=1, keepdims=True), lambda x: np.prod(x, axis=0),
    lambda x: np.mean(x, axis=-1), lambda x: np.var(x, axis=0, ddof=1), lambda x: np.std(x), np.max, np.min,
    lambda x: np.amax(x, axis=1), lambda x: np.any(x > 0.5), lambda x: np.all(x > 0.5, axis=0),
    lambda x: np.argmax(x, 1), lambda x: np.argmin(x), lambda x: np.count_nonzero(x > 0.5),
    lambda x: np.cumsum(x), lambda x: np.cumsum(x, 1), lambda x: np.cumprod(x, axis=0),
    lambda x: np.concatenate([x, x], axis=1), lambda x: np.concatenate((x, A)), lambda x: np.stack([x, 2 * x], -1),
    lambda x: np.where(x > 0.5, x, 0.0), lambda x: np.dot(x, x.T), lambda x: np.matmul(x, x.T), lambda x: x @ A.T,
    lambda x: np.tensordot(x, x, axes=([0], [0])), lambda x: np.outer(x, x), lambda x: np.einsum("ij,kj->ik", x, x),
    lambda x: np.transpose(x), lambda x: np.transpose(x, (1, 0)), lambda x: np.swapaxes(x, 0, -1),
    lambda x: np.moveaxis(x, 0, 1), lambda x: np.reshape(x, (3, 2)), lambda x: np.reshape(x, -1), np.ravel,
    lambda x: np.expand_dims(x, 1), lambda x: np.squeeze(x[:1]), lambda x: np.squeeze(x[:1], axis=0),
    lambda x: np.broadcast_to(x, (4, 2, 3)), lambda x: np.broadcast_arrays(x, x[:1])[1], np.flip,
    lambda x: np.flip(x, 0), lambda x: np.pad(x, 1), lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=2.0),
    lambda x: np.take(x, [1, 0], axis=1), lambda x: np.take(x, [4, 0]), lambda x: np.take_along_axis(x, I, axis=0),
    lambda x: np.clip(x, 0.2, 0.5), lambda x: np.clip(x, None, 0.5), lambda x: np.tril(x), lambda x: np.triu(x, k=1),
    lambda x: np.round(x), lambda x: np.round(x, 1), np.zeros_like, np.ones_like, lambda x: np.full_like(x, 3.0),
    lambda x: np.trace(x[:, :2]), lambda x: np.add(A, x), lambda x: A + x, lambda x: A[0] * x, lambda x: A / x,
    lambda x: A - x, lambda x: A**x, lambda x: x < A, lambda x: x == A, lambda x: np.float64(2) * x,
    lambda x: np.sin(x) + np.exp(x), lambda x: np.arctan2(x, A), lambda x: np.power(x, 2), lambda x: np.absolute(-x),
    lambda x: np.logical_and(x > 0.2, x < 0.7), lambda x: ~(x > 0.5), lambda x: np.maximum(x, 0.5),
    lambda x: np.divmod(x, 0.3)[0] if isinstance(x, np.ndarray) else x // 0.3, lambda x: A @ np.transpose(x),
]  # fmt: skip


@pytest.mark.parametrize("f", CALLS)
def test_they_give_numpys_numbers(f: Any) -> None:
    x = ga.input("x", (2, 3), "float64")
    y = f(x)
    assert isinstance(y, ga.Tensor)
    expected = f(A)
    found = ga.evaluate(y, {x: A})
    assert found.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_every_ufunc_of_the_table_is_what_it_says(ufunc: Any) -> None:
    dtype = "bool" if ufunc.__name__.startswith(("logical", "bitwise", "invert")) else "float64"
    inputs = [ga.input(f"x{i}", (2, 2), dtype) for i in range(ufunc.nin)]
    values = [np.asarray([[0.3, 0.5], [0.7, 0.2]]) + (ufunc is np.arccosh) for _ in inputs]
    values = [v > 0.4 for v in values] if dtype == "bool" else values
    y = ufunc(*inputs)
    np.testing.assert_allclose(ga.evaluate(y, dict(zip(inputs, values, strict=True))), ufunc(*values), rtol=1e-14)


def test_shapes() -> None:
    x = ga.input("x", ("N", 3))
    assert np.shape(x) == x.shape
    assert np.ndim(x) == 2
    assert str(np.size(x)) == "3*N"


def test_the_table_holds_what_numpy_dispatches() -> None:
    assert len(FUNCTIONS) > 35
    assert np.sum in FUNCTIONS


REFUSED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: np.add.reduce(x), r"np.add.reduce\(float64\[2,3\]\): not possible on tensors; write ga.sum"),
    (lambda x: np.add.outer(x, x), r"np.add.outer"),
    (lambda x: np.add(x, 1, out=np.zeros((2, 3))), r"out= is not possible on tensors; a tensor cannot be written to"),
    (lambda x: np.add(x, 1, where=A > 0), r"np.add\(.*where= is not possible on tensors; write ga.where"),
    (lambda x: np.sum(x, where=A > 0), r"np.sum\(float64\[2,3\]\): where= is not possible on tensors; it takes"),
    (lambda x: np.sum(x, out=np.zeros(())), r"np.sum.*out= is not possible"),
    (lambda x: np.sum(x, dtype="float32"), r"np.sum.*dtype= is not possible on tensors; it takes a, axis, keepdims"),
    (lambda x: np.nextafter(x, 1), r"np.nextafter.*not known for tensors"),
    (lambda x: np.linalg.inv(x), r"np.linalg.inv\(float64\[2,3\]\): NumPy's function is not known for tensors"),
    (lambda x: np.median(x), r"np.median"),
    (lambda x: np.cumulative_sum(x) if hasattr(np, "cumulative_sum") else np.median(x), r"np.cumulative_sum|np.median"),
    (lambda x: np.pad(x, 1, mode="edge"), r"only mode 'constant' is possible on tensors, got 'edge'"),
    (lambda x: np.asarray(x), r"a tensor has no numbers yet \(<input 'x': float64\[2,3\]>\); use ga.evaluate"),
    (lambda x: np.array([x, x]), r"a tensor has no numbers yet"),
    (lambda x: np.einsum("ij->ji", x, out=np.zeros((3, 2))), r"np.einsum.*out= is not possible"),
]  # fmt: skip


@pytest.mark.parametrize(("f", "text"), REFUSED, ids=[t for _, t in REFUSED])
def test_what_cannot_be_done_is_refused(f: Any, text: str) -> None:
    with pytest.raises(ga.GraphadError, match=text):
        f(ga.input("x", (2, 3), "float64"))


def test_a_wrong_call_names_the_users_line() -> None:
    with pytest.raises(ga.GraphError, match=r"test_numpy_protocol\.py:\d+"):
        np.median(ga.input("x", (2,)))
