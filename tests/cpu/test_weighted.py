"""A vector times a matrix where the matrix lies: numbers, letters, epilogues, and the same bits for all threads."""

from typing import Any

import numpy as np
import pytest

import graphad as ga

RNG = np.random.default_rng(4)
DONE = "rows of the matrix, weighted and added"

CASES: dict[str, tuple[str, tuple[Any, ...], tuple[Any, ...]]] = {
    "v M": ("k,kj->j", (70,), (70, 40)),
    "transposed": ("ki,kj->ij", (2000, 50), (2000, 1)),
    "one row": ("ik,kj->ij", (1, 300), (300, 1030)),
    "three rows": ("ik,kj->ij", (3, 300), (300, 2100)),
    "three columns": ("ki,kj->ij", (2000, 50), (2000, 3)),
    "deep": ("k,kj->j", (5001,), (5001, 20)),
    "wide": ("k,kj->j", (9,), (9, 3001)),
    "groups of letters": ("kl,klij->ij", (6, 7), (6, 7, 4, 5)),
    "outer": ("bk,bkj->bj", (3, 50), (3, 50, 33)),
    "outer, one row": ("bhik,bhkj->bhij", (2, 3, 1, 20), (2, 3, 20, 8)),
    "left": ("kj,k->j", (70, 40), (70,)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_numbers(name: str, dtype: str) -> None:
    letters, left, right = CASES[name]
    a, b = ga.input("a", left, dtype), ga.input("b", right, dtype)
    f = ga.compile([a, b], ga.tanh(ga.einsum(letters, a, b)) + 1)
    u, w = (RNG.normal(size=s).astype(dtype) / 10 for s in (left, right))
    want = np.tanh(np.einsum(letters, u.astype("d"), w.astype("d"))) + 1
    np.testing.assert_allclose(f(u, w), want, rtol=1e-4 if dtype == "float32" else 1e-12)
    assert DONE in str(f.explain())


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 511, 512, 513, 4000])
def test_named_sizes(n: int) -> None:
    x, r = ga.input("x", ("N", 50), "float64"), ga.input("r", ("N",), "float64")
    v, m = ga.input("v", (30,), "float64"), ga.input("m", (30, "N"), "float64")
    f = ga.compile([x, r, v, m], [r @ x, v @ m])
    a, b, c, d = RNG.normal(size=(n, 50)), RNG.normal(size=n), RNG.normal(size=30), RNG.normal(size=(30, n))
    for have, want in zip(f(a, b, c, d), (b @ a, c @ d), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-12, atol=1e-12)
    assert n <= 8 or str(f.explain()).count(DONE) == 2  # of a handful, other ways are as good


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
def test_a_handful_of_examples(n: int) -> None:
    x, w = ga.input("x", ("N", 300)), ga.parameter("w", RNG.normal(size=(300, 70)).astype("f"))
    f = ga.compile([x], ga.tanh(x @ w))
    value = RNG.normal(size=(n, 300)).astype("f")
    want = np.tanh(value.astype("d") @ w.value)
    np.testing.assert_allclose(f(value), want, rtol=1e-4, atol=1e-5)
    assert (DONE in str(f.explain())) == (n < 4)
    number = ga.input("x", (n, 300))
    np.testing.assert_array_equal(ga.compile([number], ga.tanh(number @ w))(value), f(value))


def test_views_that_lie_in_memory_are_read_there() -> None:
    x, v = ga.input("x", (64, 100), "float64"), ga.input("v", (200,), "float64")
    f = ga.compile([x, v], v[10:138:2] @ x[:, 20:90])
    a, b = RNG.normal(size=(64, 100)), RNG.normal(size=200)
    np.testing.assert_allclose(f(a, b), b[10:138:2] @ a[:, 20:90], rtol=1e-12)
    assert DONE in str(f.explain())


def test_the_same_bits_for_any_number_of_threads() -> None:
    x, r, w = ga.input("x", ("N", 50)), ga.input("r", ("N",)), ga.input("w", (50, 3000))
    a, b, c = (RNG.normal(size=s).astype("f") for s in ((20_000, 50), (20_000,), (50, 3000)))
    found = [ga.compile([x, r, w], [r @ x, (r @ x) @ w], threads=t)(a, b, c) for t in (1, 2, 3)]
    for other in found[1:]:
        for have, want in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(have, want)


def test_rounding_errors_stay_small_however_deep() -> None:
    x, r = ga.input("x", ("N", 8)), ga.input("r", ("N",))
    a, b = RNG.random((300_000, 8)).astype("f"), RNG.random(300_000).astype("f")
    have = ga.compile([x, r], r @ x)(a, b)
    np.testing.assert_allclose(have, b.astype("d") @ a.astype("d"), rtol=1e-6)
