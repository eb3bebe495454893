"""Running sums and products along every axis: NumPy's numbers, the same bits for any number of threads."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphad as ga
from tests.cpu.oracle import agree

SIZES = (0, 1, 2, 3, 4, 5, 16, 37)


def values(dtype: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(-9, 9, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_along_every_axis_of_a_batch(dtype: str) -> None:
    x = ga.input("x", ("N", 5, 37), dtype)
    f = ga.compile([x], [ga.cumulative_sum(x, axis=a) for a in range(3)], threads=2)
    for n in SIZES:
        v = values(dtype, n, 5, 37)
        for axis, have in enumerate(f(v)):
            np.testing.assert_array_equal(have, np.cumsum(v, axis=axis, dtype=have.dtype))


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_of_any_shape(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.sampled_from([1, 2, 3, 7, 70, 130]), min_size=1, max_size=3)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    x, c = ga.input("x", shape, "float64"), ga.input("c", shape, "float64")
    total = ga.cumulative_sum(x, axis=axis)
    f = ga.compile([x, c], [total, ga.vjp(total, x, c)], threads=2)
    v, w = values("float64", *shape), values("float64", *shape) + 1
    have, gradient = f(v, w)
    np.testing.assert_array_equal(have, np.cumsum(v, axis=axis))
    np.testing.assert_array_equal(gradient, np.flip(np.cumsum(np.flip(w, axis), axis=axis), axis))


@pytest.mark.parametrize("shape", [(6, 70), (3, 40, 9), (5, 4, 3, 8), (70, 3)])
def test_among_maps(shape: Any) -> None:
    """What is scanned is computed, turned, spread; what becomes of it is computed further."""
    x, y = ga.input("x", shape, "float64"), ga.input("y", shape, "float64")
    row = ga.input("row", shape[-1:], "float64")
    last = len(shape) - 1
    outputs = {}
    for axis in {0, last // 2, last}:
        outputs |= {
            f"maps {axis}": ga.exp(ga.cumulative_sum(ga.sin(x) * y + row, axis=axis) / 9) - y,
            f"product {axis}": ga.cumulative_prod(x, axis=axis),
            f"gradient {axis}": ga.grad(ga.sum(ga.cumulative_sum(x, axis=axis) ** 2 * y), x),
            f"of a product {axis}": ga.grad(ga.sum(ga.cumulative_prod(x, axis=axis) * y), x),
            f"turned {axis}": ga.cumulative_sum(ga.flip(x, axis=axis), axis=axis) + ga.flip(y, axis=last),
        }
    rng = np.random.default_rng(0)
    data = [rng.normal(size=s) for s in (shape, shape, shape[-1:])]
    agree([x, y, row], outputs, data, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("shape", "axis"), [((300, 1500), 0), ((1500, 301), 1), ((3, 200, 700), 1), ((100_003,), 0)])
def test_of_large_results(shape: Any, axis: int) -> None:
    """Past the caches, from any address; the same bits for any number of threads."""
    v = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    x = ga.input("x", shape)
    total = ga.cumulative_sum(x, axis=axis)
    outputs = [total, ga.vjp(total, x, x)]
    found = []
    for threads in (1, 2, 3):
        out = [np.empty(v.size + 1, np.float32)[1:].reshape(shape) for _ in outputs]
        ga.compile([x], outputs, threads=threads)(v, out=out)
        found.append(out)
    wanted = np.cumsum(v, axis=axis, dtype=np.float64)
    back = np.flip(np.cumsum(np.flip(v, axis), axis=axis, dtype=np.float64), axis)
    for have, want in zip(found[0], (wanted, back), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-5, atol=5e-3)
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_of_one_long_vector() -> None:
    """In chunks; whole numbers are exact, what is not finite stays where it is, products keep to their order."""
    n = 65_536 + 7
    v = np.random.default_rng(0).integers(-99, 99, n)
    x, y, z = ga.input("x", (n,), "int64"), ga.input("y", (1, n), "float64"), ga.input("z", (n, 1), "float64")
    functions = [
        ga.compile(
            [x, y, z],
            [
                ga.cumulative_sum(x),
                ga.cumulative_sum(y * 2, axis=1),
                ga.cumulative_sum(z, axis=0),
                ga.cumulative_prod(y, axis=1),
            ],
            threads=t,
        )
        for t in (1, 2)
    ]
    w = np.ones((1, n))
    w[0, 3000:3100], w[0, 50_000:50_090], w[0, 60_000], w[0, 60_100] = 1e-3, 1e3, np.inf, np.nan
    for f in functions:
        a, b, c, d = f(v, w, w.T)
        np.testing.assert_array_equal(a, np.cumsum(v))
        np.testing.assert_allclose(b, np.cumsum(w * 2, axis=1))
        np.testing.assert_allclose(c, np.cumsum(w.T, axis=0))
        np.testing.assert_array_equal(d, np.cumprod(w, axis=1))
