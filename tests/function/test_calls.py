"""Every way to call a function wrongly has its own error, which says what to write instead."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import graphad as ga


@pytest.fixture(scope="module")
def f() -> ga.Function:
    x = ga.input("x", ("N", 3))
    k = ga.input("k", ("N",), dtype="int64")
    return ga.compile([x, k], (x * 2, k + 1))


X = np.ones((2, 3), np.float32)
K = np.arange(2)
WRONG: list[tuple[str, Callable[[ga.Function], Any], type[Exception], str]] = [
    ("shape", lambda f: f(X[:, :2], K), ga.ShapeError,
     "argument 'x': axis 1 has 2 elements, expected 3: float32[N,3], got [2, 2] [declared "),
    ("symbolic size", lambda f: f(X, np.arange(3)), ga.ShapeError,
     "argument 'k': axis 0 has 3 elements, expected 2 (N is 2 by the arguments before): int64[N], got [3] [declared "),
    ("rank", lambda f: f(X[0], K), ga.ShapeError,
     "argument 'x': expected 2 dimensions, float32[N,3], got 1, [3] [declared "),
    ("dtype", lambda f: f(X.astype(np.float64), K), ga.DTypeError,
     "argument 'x': expected float32, got float64; write x.astype('float32') [declared "),
    ("no dtype of ours", lambda f: f(X.astype(np.complex64), K), ga.DTypeError,
     "argument 'x': expected float32, got complex64; one of bool, int32, int64, float32, float64 is possible ["),
    ("fraction", lambda f: f(X, [0.5, 1.0]), ga.DTypeError,
     "argument 'k': list does not convert to int64[N]: would lose the fraction [declared "),
    ("no array", lambda f: f("abc", K), ga.DTypeError,
     "argument 'x': str does not convert to float32[N,3]: dtype <U3 is not supported; write one of bool, int32, "),
    ("tensor", lambda f: f(ga.input("y", (2, 3)), K), ga.GraphError,
     "argument 'x': expected numbers, got the tensor <input 'y': float32[2,3]>; call with arrays"),
    ("missing", lambda f: f(X), ga.GraphError, "'k' is missing; call f(x, k), with x: float32[N,3], k: int64[N]"),
    ("all missing", lambda f: f(), ga.GraphError,
     "'x', 'k' are missing; call f(x, k), with x: float32[N,3], k: int64[N]"),
    ("extra", lambda f: f(X, K, K), ga.GraphError,
     "expected 2 arguments, got 3; call f(x, k), with x: float32[N,3], k: int64[N]"),
    ("unknown", lambda f: f(X, K, y=K), ga.GraphError,
     "'y' is no argument; call f(x, k), with x: float32[N,3], k: int64[N]"),
    ("close", lambda f: f(X, kk=K), ga.GraphError,
     "'kk' is no argument; did you mean 'k'? call f(x, k), with x: float32[N,3], k: int64[N]"),
    ("twice", lambda f: f(X, K, x=X), ga.GraphError,
     "'x' is given twice, by position and by name; call f(x, k), with x: float32[N,3], k: int64[N]"),
    ("out, kind", lambda f: f(X, K, out=np.empty_like(X)), ga.GraphError,
     "out: expected a tuple of 2, one for each output, got ndarray"),
    ("out, count", lambda f: f(X, K, out=[np.empty_like(X)]), ga.GraphError,
     "out: expected 2, one for each output, got 1"),
    ("out, no array", lambda f: f(X, K, out=(0.0, K)), ga.GraphError,
     "out: output 0 is a float, expected an array; pass np.empty((2, 3), 'float32')"),
    ("out, dtype", lambda f: f(X, K, out=(np.empty((2, 3)), K.copy())), ga.DTypeError,
     "out: output 0 is float64, expected float32; pass np.empty((2, 3), 'float32')"),
    ("out, shape", lambda f: f(X, K, out=(np.empty((3, 2), np.float32), K.copy())), ga.ShapeError,
     "out: output 0 has shape [3, 2], expected [2, 3]; pass np.empty((2, 3), 'float32')"),
    ("out, strides", lambda f: f(X, K, out=(np.empty((3, 2), np.float32).T, K.copy())), ga.ShapeError,
     "out: output 0 has to be C-contiguous, aligned and writable; pass np.empty((2, 3), 'float32')"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "text"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
@pytest.mark.parametrize("target", ["cpu", "numpy"])
def test_errors(
    f: ga.Function, target: str, call: Callable[[ga.Function], Any], error: type[Exception], text: str
) -> None:
    one = f if target == "cpu" else ga.Function(f.graph, f.variables, f._outputs, target, None, f.options)
    with pytest.raises(error, match=re.escape(text)):
        call(one)


def test_arguments_by_name_and_position_are_one(f: ga.Function) -> None:
    for got in (f(X, K), f(X, k=K), f(k=K, x=X)):
        np.testing.assert_array_equal(got[0], 2 * X)
        np.testing.assert_array_equal(got[1], K + 1)


def test_arrays_of_any_layout_are_taken(f: ga.Function) -> None:
    big = np.arange(24, dtype=np.float32).reshape(4, 6)
    np.testing.assert_array_equal(f(big[::2, ::2], K)[0], 2 * big[::2, ::2])
    np.testing.assert_array_equal(f(np.asfortranarray(X), K)[0], 2 * X)


def test_out_is_filled_and_answered_in_kind(f: ga.Function) -> None:
    out = (np.empty((2, 3), np.float32), np.empty(2, np.int64))
    got = f(X, K, out=out)
    assert got[0] is out[0]
    np.testing.assert_array_equal(out[0], 2 * X)


def test_out_may_be_an_argument(f: ga.Function) -> None:
    x, k = X.copy(), K.copy()
    f(x, k, out=(x, k))
    np.testing.assert_array_equal(x, 2 * X)
    np.testing.assert_array_equal(k, K + 1)


@pytest.mark.parametrize("layout", ["read-only", "subclass", "unaligned"])
def test_arrays_that_need_a_closer_look(f: ga.Function, layout: str) -> None:
    x = X.copy()
    if layout == "read-only":
        x.flags.writeable = False
    elif layout == "subclass":
        x = x.view(type("Sub", (np.ndarray,), {}))
    else:
        x = np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view(np.float32).reshape(X.shape)
    assert type(f(x, K)[0]) is np.ndarray
    np.testing.assert_array_equal(f(x, K)[0], 2 * X)


def test_threads_may_call_one_function_with_sizes_of_their_own(f: ga.Function) -> None:
    def call(n: int) -> bool:
        x, k = np.full((n, 3), n, np.float32), np.arange(n)
        return all((f(x, k)[0] == 2 * n).all() for _ in range(100))

    with ThreadPoolExecutor(4) as workers:
        assert all(workers.map(call, (1, 5, 9, 13)))


@pytest.fixture(scope="module")
def scalar() -> ga.Function:
    x = ga.input("x", (), dtype="float64")
    return ga.compile([x], ga.sin(x) * 2)


@pytest.mark.parametrize("value", [0.5, np.float64(0.5), np.array(0.5)])
def test_a_scalar_is_taken_as_number_and_as_array(scalar: ga.Function, value: Any) -> None:
    assert scalar(value) == pytest.approx(2 * np.sin(0.5))


def test_numbers_are_checked_though_they_are_quick(scalar: ga.Function) -> None:
    scalar(0.5)
    with pytest.raises(ga.DTypeError, match=r"write x\.astype"):
        scalar(np.float32(0.5))
    assert scalar(1) == pytest.approx(2 * np.sin(1.0))


def test_little_work_runs_on_one_thread_and_much_on_all(scalar: ga.Function) -> None:
    scalar(0.5)
    assert "1 thread:" in scalar.explain().splitlines()[0]
    x = ga.input("x", ("N",))
    f = ga.compile([x], ga.exp(x), threads=None).specialize(N=10)
    assert f._last is not None
    assert f._last.threads == 1
    asked = ga.compile([x], ga.exp(x), threads=2).specialize(N=10)
    assert asked._last is not None
    assert asked._last.threads == 2


def test_a_masked_array_is_refused() -> None:
    x = ga.input("x", ("N",))
    f = ga.compile([x], x * 2, target="numpy")
    with pytest.raises(ga.DTypeError, match=r"argument 'x': a mask would be lost; write x\.filled\(value\)"):
        f(np.ma.masked_array(np.ones(2, np.float32), [True, False]))


def test_updates_are_a_dict() -> None:
    w = ga.parameter("w", [1.0])
    with pytest.raises(ga.GraphError, match=r"updates is a dict, \{leaf: new value\}, got list"):
        ga.compile([], w, updates=[(w, w * 2)], target="numpy")  # type: ignore[arg-type]


def test_minimize_says_its_order() -> None:
    w = ga.parameter("w", [1.0])
    with pytest.raises(ga.GraphError, match=r"minimize takes the loss, then the parameters"):
        ga.optim.SGD(lr=0.1).minimize([w], ga.sum(w))  # type: ignore[arg-type]
