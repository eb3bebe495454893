"""Padded operands: the middle without masks, margins apart, and what is around them; NumPy's numbers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphad as ga
from tests.cpu.oracle import agree


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_of_any_widths(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.sampled_from([0, 1, 2, 5, 17, 40]), min_size=1, max_size=4))
    widths = [tuple(data.draw(st.sampled_from([0, 1, 3])) for _ in range(2)) for _ in shape]
    fill = data.draw(st.sampled_from([0.0, -1.5, np.inf, np.nan]))
    x = ga.input("x", tuple(shape), "float64")
    padded = ga.pad(x, widths, fill)
    f = ga.compile([x], [padded, ga.exp(padded) * 2 + 1], threads=2)
    v = values(*shape)
    wanted = np.pad(v, widths, constant_values=fill)
    have, further = f(v)
    np.testing.assert_array_equal(have, wanted)
    np.testing.assert_allclose(further, np.exp(wanted) * 2 + 1, rtol=1e-12)


@pytest.mark.parametrize(("dtype", "fill"), [("float32", -np.inf), ("int32", 7), ("int64", -1), ("bool", 1)])
def test_of_every_dtype(dtype: str, fill: Any) -> None:
    x = ga.input("x", ("N", 3, 20), dtype)
    f = ga.compile([x], ga.pad(x, ((0, 0), (1, 0), (2, 3)), fill), threads=2)
    for n in (0, 1, 2, 3, 5, 16, 37):
        v = np.random.default_rng(n).integers(0, 2, (n, 3, 20)).astype(dtype)
        np.testing.assert_array_equal(f(v), np.pad(v, ((0, 0), (1, 0), (2, 3)), constant_values=fill))


def test_among_others() -> None:
    """Several margins in one loop; flips, strides, crops, dilations, transposes; more copies than are worth it."""
    x, y = ga.input("x", (30, 41), "float64"), ga.input("y", (32, 43), "float64")
    one = ga.pad(x, 1)
    crop = one[2:-5, 3:40]
    shifts = [ga.pad(y, ((a, 0), (b, 0)))[:32, :43] for a in range(3) for b in range(4)]
    around = [ga.pad(x, ((a, 2 - a), (b, 2 - b))) for a, b in ((0, 1), (2, 1), (1, 0), (1, 2))]
    outputs = {
        "laplacian": around[0] + around[1] + around[2] + around[3] - 4 * one,
        "beside": one * y + ga.sin(y),
        "crop": crop * 2,
        "strided": ga.pad(x, 3)[::2, ::3],
        "flipped": ga.flip(one, axis=1) + y,
        "transposed": one.T + y.T,
        "many": sum(shifts[1:], shifts[0]),
        "twice": ga.pad(ga.pad(x, 1, 2.0), ((0, 0), (1, 2)), 3.0),
        "gradient": ga.grad(ga.sum(ga.sin(one) * y), x),
        "second": ga.grad(ga.sum(ga.pad(y, 2)[1:35, 4:] ** 2), y),
        "dilated": ga.grad(ga.sum(x[::3, ::2] ** 2), x),
        "joined": ga.concat([one, y], axis=0),
        "sums": ga.sum(one, axis=0),
        "compared": one > 0,
    }
    agree([x, y], outputs, [values(30, 41), values(32, 43)])
    assert "select" not in ga.compile([x], ga.pad(x, 1)).show()


def test_of_large_results() -> None:
    x = ga.input("x", (5, 40, 90, 91))
    v = values(5, 40, 90, 91).astype(np.float32)
    wanted = np.pad(v, ((0, 0), (0, 0), (1, 1), (2, 1)))
    functions = [ga.compile([x], ga.pad(x, ((0, 0), (0, 0), (1, 1), (2, 1))), threads=t) for t in (1, 2)]
    for f in functions:
        out = np.empty(wanted.size + 1, np.float32)[1:].reshape(wanted.shape)
        f(v, out=out)
        np.testing.assert_array_equal(out, wanted)


def test_a_state_that_is_shifted() -> None:
    """Read before it is overwritten."""
    p = ga.parameter("p", values(40, 30))
    shifted = ga.pad(p, ((1, 0), (0, 2)))[:40, 2:]
    step = ga.compile([], [], updates={p: p + shifted}, threads=2)
    wanted = p.value
    for _ in range(2):
        step()
        wanted = wanted + np.pad(wanted, ((1, 0), (0, 2)))[:40, 2:]
    np.testing.assert_allclose(p.value, wanted, rtol=1e-14)
