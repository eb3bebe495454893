"""Symbolic sizes in arithmetic: weak numbers beside tensors, and errors with what to write where a number is needed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphad as ga

X = ga.input("x", ("N", 3))
N = X.shape[0]
VALUE = np.arange(1, 16, dtype=np.float32).reshape(5, 3)

FORMS: dict[str, Callable[[Any, Any], Any]] = {
    "n * x": lambda n, x: n * x,
    "x * n": lambda n, x: x * n,
    "x / n": lambda n, x: x / n,
    "n / x": lambda n, x: n / x,
    "n - x": lambda n, x: n - x,
    "x - n": lambda n, x: x - n,
    "n + x": lambda n, x: n + x,
    "x // n": lambda n, x: x // n,
    "x % n": lambda n, x: x % n,
    "n // x": lambda n, x: n // x,
    "1 / n * x": lambda n, x: 1 / n * x,
    "x * (n / 2)": lambda n, x: x * (n / 2),
    "x / n**0.5": lambda n, x: x / n**0.5,
    "2.5 * n * x": lambda n, x: 2.5 * n * x,
    "x * (1 / (n - 1) + 0.5)": lambda n, x: x * (1 / (n - 1) + 0.5),
    "x - (-n)": lambda n, x: x - (-n),
    "2**n * x": lambda n, x: 2**n * x,
    "n**2 * x": lambda n, x: n**2 * x,
    "n % 2 * x": lambda n, x: n % 2 * x,
    "divmod(n, 2)[0] * x": lambda n, x: divmod(n, 2)[0] * x,
    "7 // n * x": lambda n, x: 7 // n * x,
    "np.float64(3) * n * x": lambda n, x: np.float64(3) * n * x,
    "n * np.float64(3) * x": lambda n, x: n * np.float64(3) * x,
    "np.int64(3) * n * x": lambda n, x: np.int64(3) * n * x,
    "abs(1 / n) * x": lambda n, x: abs(1 / n) * x,
    "-(1 / n) * x": lambda n, x: -(1 / n) * x,
    "n > x": lambda n, x: x < n,
}


@pytest.mark.parametrize("target", ["cpu", "numpy"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_size_is_a_weak_number(dtype: str, target: str) -> None:
    x = ga.input("x", ("N", 3), dtype)
    value = VALUE.astype(dtype)
    found = ga.compile([x], {name: form(x.shape[0], x) for name, form in FORMS.items()}, target=target)(value)
    for name, form in FORMS.items():
        wanted = np.asarray(form(5, value))
        assert found[name].dtype in (np.dtype(dtype), np.dtype(bool)), name
        np.testing.assert_allclose(found[name], wanted, rtol=1e-6 if dtype == "float32" else 1e-14, err_msg=name)


@pytest.mark.parametrize(
    ("value", "dtype", "wanted"),
    [
        (1 / N, "float32", 0.2),
        (N / 2, "float32", 2.5),
        (N * 1.5, "float32", 7.5),
        (N / N, "float32", 1),
        (2**N, "int64", 32),
        (np.float64(2) * N, "float64", 10),
        (np.float32(2) * N, "float32", 10),
        (N * np.array([1.0, 2.0]), "float64", [5, 10]),
        (np.array([1, 2], np.int32) * N, "int32", [5, 10]),
        (ga.constant(N), "int64", 5),
        (ga.constant(N, "float32"), "float32", 5),
        (ga.full((2,), N, "float64"), "float64", [5, 5]),
        (X.astype("int32")[0, 0] * N, "int32", 5),
        (ga.maximum(X, N)[4, 2], "float32", 15),
        (ga.where(ga.constant(N) > 3, 1.0, 2.0), "float32", 1),
        (ga.sum(X) / N, "float32", 24),
    ],
)
def test_values(value: ga.Tensor, dtype: str, wanted: Any) -> None:
    assert value.dtype == dtype
    np.testing.assert_allclose(ga.evaluate([value, X], {X: VALUE})[0], wanted, rtol=1e-6)


def test_float64_sees_a_quotient_in_float64() -> None:
    d = ga.input("d", ("N",), "float64")
    third = 1 / d.shape[0]
    assert (ga.evaluate(d * third, {d: np.ones(3)}) == 1 / 3).all()
    assert (ga.evaluate(d * (third + 0.1), {d: np.ones(3)}) == 1 / 3 + 0.1).all()


def test_gradients_pass() -> None:
    gradient = ga.evaluate(ga.grad(ga.sum(X * X) / N, X), {X: VALUE})
    np.testing.assert_allclose(gradient, 2 * VALUE / 5, rtol=1e-6)


def test_what_divides_a_size_stays_a_size() -> None:
    assert str(N // 2) == "((N)//2)"
    assert (N % 2).at({"N": 7}) == 1  # type: ignore[union-attr]
    assert N**2 == N * N
    assert np.int64(2) * N == 2 * N == N * np.int64(2)
    assert ga.reshape(X, (np.int32(3) * N,)).shape == (3 * N,)


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda: float(N), "float(N) is not known while the graph is written: each call brings its size; write N * x"),
        (lambda: int(N), "int(N) is not known while the graph is written: each call brings its size; write N * x or"),
        (lambda: range(N), "as in range(N), is not known while the graph is written: each call brings its size; write"),
        (lambda: [1, 2][N], "write x[:N], x[-1] or ga.arange(N), or, for a loop of Python's, declare the size as a"),
        (lambda: np.zeros(N), "write x[:N], x[-1] or ga.arange(N)"),
        (lambda: N > 3, "N > 3 is not known while the graph is written: each call brings its size; write ga.where("),
        (lambda: N >= 3, "N >= 3 is not known"),
        (lambda: max(N, 3), "N < 3 is not known"),
        (
            lambda: bool(N),
            "bool(N) is not known while the graph is written: each call brings its size; write ga.where(",
        ),
        (lambda: not N - 1, "bool(N-1) is not known"),
    ],
)
def test_a_size_has_no_number_yet(ask: Callable[[], object], text: str) -> None:
    with pytest.raises(ga.GraphError) as caught:
        ask()
    assert text in str(caught.value)
    assert f"[{__file__}:" in str(caught.value)


def test_what_is_no_number_is_pythons_error() -> None:
    with pytest.raises(TypeError):
        N * None  # type: ignore[operator]
    with pytest.raises(TypeError):
        "a" + N  # type: ignore[operator]
