"""Rows of a few columns, a row a lane: against the interpreter, in any number, order in memory, reduction."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.nn import functional

RNG = np.random.default_rng(3)


def softmax(x: Any) -> Any:
    return functional.softmax(x, -1)


def several(x: Any) -> Any:
    low, high = ga.min(x, axis=-1, keepdims=True), ga.max(x, axis=-1, keepdims=True)
    return [(x - low) / (high - low + 1), ga.sum(x * x, axis=-1), ga.prod(x, axis=-1), ga.logsumexp(x, axis=-1)]


def logical(x: Any) -> Any:
    return [ga.any(x > 1, axis=-1), ga.all(x > -2, axis=-1), ga.argmax(x, axis=-1), ga.argmin(x * x, axis=-1)]


def slope(x: Any) -> Any:
    return ga.grad(ga.sum(softmax(x) * ga.sin(x)), x)


CASES = {"softmax": softmax, "several": several, "logical": logical, "slope": slope}


def check(shape: Any, make: Any, value: np.ndarray, dtype: str = "float32") -> None:
    x = ga.input("x", shape, dtype)
    found, wanted = (ga.compile([x], make(x), target=t)(value) for t in ("cpu", "numpy"))
    for have, want in zip(*((f if isinstance(f, list) else [f]) for f in (found, wanted)), strict=True):
        if have.dtype.kind == "f":
            np.testing.assert_allclose(have, want, rtol=2e-5 if dtype == "float32" else 1e-12, atol=1e-6)
        else:
            np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize("width", [2, 10, 31])
@pytest.mark.parametrize("name", CASES)
def test_random_rows(name: str, width: int) -> None:
    for count in (0, 1, 2, 3, 5, 16, 37) if width == 10 else (70,):
        check(("N", width), CASES[name], RNG.normal(size=(count, width)).astype("f"))


@pytest.mark.parametrize("name", CASES)
def test_of_doubles_and_rows_of_several_axes(name: str) -> None:
    check((3, 7, 5), CASES[name], RNG.normal(size=(3, 7, 5)), "float64")
    check(("N", 1, 4), CASES[name], RNG.normal(size=(9, 1, 4)), "float64")


@pytest.mark.parametrize("view", [lambda x: x[:, ::2], lambda x: x[:, ::-1], lambda x: x.T, lambda x: x[2:, 1:]])
def test_of_views(view: Any) -> None:
    value = RNG.normal(size=(20, 12)).astype("f")
    for make in CASES.values():
        check((20, 12), lambda x, make=make: make(view(x)), value)


def test_nans_and_infinities() -> None:
    value = RNG.normal(size=(40, 6)).astype("f")
    value[RNG.integers(0, 40, 30), RNG.integers(0, 6, 30)] = RNG.choice([np.nan, np.inf, -np.inf], 30)
    check(("N", 6), lambda x: [ga.max(x, axis=1), ga.min(x, axis=1), ga.argmax(x, axis=1), ga.sum(x, axis=1)], value)


def test_integers() -> None:
    value = RNG.integers(-5, 5, (50, 7))
    check(("N", 7), lambda x: [ga.sum(x, axis=1), ga.max(x, axis=1), ga.argmin(x, axis=1)], value, "int64")


def test_cross_entropy_and_its_gradient() -> None:
    x, y = ga.input("x", ("N", 10)), ga.input("y", ("N",), "int64")
    outputs = [functional.cross_entropy(x, y), ga.grad(functional.cross_entropy(x, y), x)]
    for n in (1, 3, 37, 200):
        v, k = RNG.normal(size=(n, 10)).astype("f"), RNG.integers(0, 10, n)
        found, wanted = (ga.compile([x, y], outputs, target=t)(v, k) for t in ("cpu", "numpy"))
        for have, want in zip(found, wanted, strict=True):
            np.testing.assert_allclose(have, want, rtol=1e-5, atol=1e-7)


def test_one_kernel_and_the_same_bits_for_all_threads() -> None:
    x = ga.input("x", ("N", 10))
    value = RNG.normal(size=(1001, 10)).astype("f")
    found = [ga.compile([x], [softmax(x), slope(x)], threads=t) for t in (1, 2, 3)]
    results = [f(value) for f in found]
    for other in results[1:]:
        for have, want in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(have, want)
    assert found[0].show().count("@kernel") == 1
