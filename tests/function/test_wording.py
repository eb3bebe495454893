"""Errors that speak of what was written: the size that does not fit, the option, the function that was called."""

import re
from collections.abc import Callable

import numpy as np
import pytest

import graphad as ga


@pytest.mark.parametrize(
    ("size", "count", "text"),
    [
        ("2*N", 3, "2*N, which needs a multiple of 2, got 3: float32[2*N], got [3]"),
        ("2*N+1", 4, "2*N+1, which needs a multiple of 2 plus 1, got 4: float32[2*N+1], got [4]"),
        ("3*N-1", 4, "3*N-1, which needs a multiple of 3 minus 1, got 4: float32[3*N-1], got [4]"),
        ("2*N+3", 1, "2*N+3, which needs at least 3, got 1: float32[2*N+3], got [1]"),
        ("N+3", 2, "N+3, which needs at least 3, got 2: float32[N+3], got [2]"),
        ("5-N", 7, "-N+5, which needs at most 5, got 7: float32[-N+5], got [7]"),
        ("N*M", 3, "M*N, which does not follow from its 3 elements; pass an argument with an axis M or N before"),
    ],
)
def test_a_size_that_does_not_fit_says_what_does(size: str, count: int, text: str) -> None:
    x = ga.input("x", (size,))
    f = ga.compile([x], x + 1, target="numpy")
    with pytest.raises(ga.ShapeError, match=re.escape(f"argument 'x': axis 0 is {text} [declared ")):
        f(np.ones(count, np.float32))


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("fastmath", "did you mean fast_math=?"),
        (
            "zzz",
            "the options are precision, nan_guard, fast_math, convolution, batch, tune, isa, disable",
        ),
    ],
)
def test_an_unknown_option(option: str, hint: str) -> None:
    text = f"Options({option}=True): there is no option {option!r}; {hint}"
    with pytest.raises(ga.GraphError, match=f"^{re.escape(text)}$"):
        ga.Options(**{option: True})  # type: ignore[arg-type]


X, N = ga.input("x", (2,)), ga.input("n", (), "int64")
WRONG: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: ga.hessian(X * X, X), ga.ShapeError,
     "hessian(float32[2]): takes a scalar; use ga.sum(y), or ga.jacobian twice ["),
    (lambda: ga.hessian(N, X), ga.DTypeError, "hessian(int64[]): int64 has no derivative ["),
    (lambda: ga.hessian(ga.sum(X), ga.input("t", (2,))), ga.GraphError,
     "hessian(float32[]): does not depend on <input 't': float32[2]> ("),
    (lambda: ga.hessian(3, X), ga.GraphError, "hessian(3): the first argument is a scalar tensor ["),  # type: ignore[arg-type]
    (lambda: ga.hessian(ga.sum(X), 3), ga.GraphError,
     "hessian(): expected a tensor, or a list, tuple or dict of tensors, got 3 ["),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "text"), WRONG)
def test_hessian_speaks_of_itself(call: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(text)}"):
        call()
