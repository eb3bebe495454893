"""argmax and argmin by blocks: NumPy's places, whatever the length, the dtype, the order, NaNs and infinities."""

from typing import Any

import numpy as np
import pytest

import graphad as ga

LENGTHS = (1, 3, 63, 64, 65, 1023, 1024, 1025, 2500, 70_000, 200_001)
X = {d: ga.input("x", ("N",), d) for d in ("float32", "float64", "int32", "int64")}
FLAT = {d: ga.compile([x], [ga.argmax(x), ga.argmin(x), ga.max(x), ga.argmax(x + x)]) for d, x in X.items()}


def values(dtype: str, count: int, seed: int) -> np.ndarray:
    """Few different ones, so that the first of several counts; in order; with what is not finite."""
    rng = np.random.default_rng(seed)
    found = rng.integers(-9, 9, count).astype(dtype)
    if seed == 1:
        found.sort()
    if seed == 2:
        found[:] = found[0]
    if 3 <= seed <= 5 and dtype.startswith("float"):
        marks = {3: [np.nan], 4: [np.inf, -np.inf], 5: [np.nan, np.inf, -np.inf]}[seed]
        found[rng.integers(0, count, 5)] = rng.choice(marks, 5)
    if seed == 6 and dtype.startswith("float"):
        found[:] = -np.inf
    return found


@pytest.mark.parametrize("count", LENGTHS)
@pytest.mark.parametrize("dtype", X)
def test_of_a_whole_array(dtype: str, count: int) -> None:
    for seed in range(7):
        v = values(dtype, count, seed)
        place, least, best, twice = FLAT[dtype](v)
        assert (place, least, twice) == (v.argmax(), v.argmin(), (v + v).argmax())
        np.testing.assert_array_equal(best, v.max())


@pytest.mark.parametrize("fill", [-np.inf, np.inf, np.nan, 0.0])
def test_where_all_are_alike(fill: float) -> None:
    v = np.full(3000, fill)
    place, least, _, twice = FLAT["float64"](v)
    assert place == least == twice == 0


@pytest.mark.parametrize("shape", [(5, 100), (3, 4, 2000), (7, 64), ("N", 1500), (2, "N"), (100, 3)])
def test_along_axes(shape: Any) -> None:
    x = ga.input("x", shape, "float64")
    axes = [0, len(shape) - 1]
    f = ga.compile([x], [ga.argmax(g, axis=a) for a in axes for g in (x, ga.sin(x))])
    for n in (1, 2, 70, 1100):
        v = np.random.default_rng(n).normal(size=[n if d == "N" else d for d in shape])
        want = [np.argmax(g, axis=a) for a in axes for g in (v, np.sin(v))]
        for have, expected in zip(f(v), want, strict=True):
            np.testing.assert_array_equal(have, expected)


def test_the_same_for_any_number_of_threads() -> None:
    x = ga.input("x", ("N",))
    v = np.random.default_rng(0).integers(0, 5, 1_000_000).astype("f")
    for threads in (1, 2, 3):
        assert ga.compile([x], ga.argmax(x), threads=threads)(v) == v.argmax()


def test_of_transposed_and_shifted_values() -> None:
    x = ga.input("x", (130, 90))
    v = np.random.default_rng(0).normal(size=(130, 90)).astype("f")
    f = ga.compile([x], [ga.argmax(x.T, axis=1), ga.argmin(x[:, ::-1], axis=1), ga.argmax(x[3:], axis=1)])
    for have, want in zip(f(v), (v.T.argmax(1), v[:, ::-1].argmin(1), v[3:].argmax(1)), strict=True):
        np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize("dtype", X)
def test_of_columns(dtype: str) -> None:
    """The first of several, NaNs and infinities, along the first axis and one in the middle, few columns and many."""
    for shape, axis in ((("N", 70), 0), (("N", 9, 5), 1), (("N", 1300), 0), ((2, 50, 4), 1), (("N", 3, 4, 6), 2)):
        x = ga.input("x", shape, dtype)
        f = ga.compile([x], [ga.argmax(x, axis=axis), ga.argmin(x + x, axis=axis) * 2, ga.max(x, axis=axis)], threads=2)
        for n, seed in ((1, 0), (2, 3), (3, 2), (37, 4), (200, 5), (64, 6)):
            sizes = [n if d == "N" else d for d in shape]
            v = values(dtype, int(np.prod(sizes)), seed).reshape(sizes)
            place, least, best = f(v)
            np.testing.assert_array_equal(place, v.argmax(axis))
            np.testing.assert_array_equal(least, (v + v).argmin(axis) * 2)
            np.testing.assert_array_equal(best, v.max(axis))
