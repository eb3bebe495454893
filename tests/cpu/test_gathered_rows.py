"""Rows looked up and rows added into place: NumPy's numbers, checked indices, the same bits for any threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphad as ga
from tests.cpu.oracle import agree

WIDTHS = (1, 2, 3, 16, 37, 64)


def added(rows: ga.Tensor, places: ga.Tensor, count: int) -> ga.Tensor:
    """Rows added up by their places: how a lookup's gradient does it."""
    table = ga.zeros((count, rows.shape[1]))
    return ga.vjp(ga.take(table, places, axis=0), table, rows)


def rows(dtype: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(shape[0]).integers(-99, 99, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_rows_of_any_width(dtype: str) -> None:
    i = ga.input("i", ("N",), "int64")
    tables = [ga.input(f"x{w}", (11, w), dtype) for w in WIDTHS]
    f = ga.compile([i, *tables], [ga.take(t, i, axis=0) for t in tables], threads=2)
    for n in (0, 1, 2, 3, 5, 16, 37, 300):
        at = np.random.default_rng(n).integers(-11, 11, n)
        data = [rows(dtype, 11, w) for w in WIDTHS]
        for have, table in zip(f(at, *data), data, strict=True):
            np.testing.assert_array_equal(have, np.take(table, at, axis=0))


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_along_any_axis(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.sampled_from([1, 2, 5, 16, 33]), min_size=1, max_size=3))
    axis = data.draw(st.integers(0, len(shape) - 1))
    x = ga.input("x", tuple(shape), "float64")
    at = np.array(data.draw(st.lists(st.integers(-shape[axis], shape[axis] - 1), min_size=1, max_size=20)))
    i = ga.input("i", ("N",), "int64")
    c = ga.input("c", (*shape[:axis], "N", *shape[axis + 1 :]), "float64")
    f = ga.compile([x, i, c], [ga.take(x, i, axis=axis), ga.vjp(ga.take(x, i, axis=axis), x, c)], threads=2)
    v = rows("float64", *shape)
    wanted = np.take(v, at, axis=axis)
    have, gradient = f(v, at, wanted + 1)
    np.testing.assert_array_equal(have, wanted)
    folded = np.zeros([*shape[:axis], *shape[axis:]])
    np.add.at(folded, (*([slice(None)] * axis), at), wanted + 1)
    np.testing.assert_array_equal(gradient, folded)


def test_between_maps() -> None:
    """Gathers read by maps, reductions and other gathers, of what is computed, by indices that are computed."""
    x, y = ga.input("x", (20, 24), "float64"), ga.input("y", (30, 24), "float64")
    i, j = ga.input("i", (40,), "int64"), ga.input("j", (2, 20), "int32")
    a, b = ga.take(x, i, axis=0), ga.take(y, i // 2, axis=0)
    loss = ga.mean(ga.sum(a * b, axis=1) ** 2)
    outputs = {
        "product": ga.exp(a / 99) * b + 1,
        "sums": ga.sum(a * b, axis=1),
        "columns": ga.sum(a * b, axis=0),
        "of a map": ga.take(x * 2, i, axis=0),
        "transposed": ga.take(x, i, axis=0).T,
        "of a transpose": ga.take(y.T, i - 12, axis=0),
        "matrix of indices": ga.take(x, j, axis=0) * 3,
        "behind": ga.take(ga.take(x, i, axis=0), j, axis=0),
        "table": ga.grad(loss, x),
        "other table": ga.grad(loss, y),
    }
    rng = np.random.default_rng(0)
    agree(
        [x, y, i, j],
        outputs,
        [
            rows("float64", 20, 24),
            rows("float64", 30, 24),
            rng.integers(0, 20, 40),
            rng.integers(0, 20, (2, 20)).astype("int32"),
        ],
    )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("wrong", [-8, 7, 1 << 40])
def test_indices_are_checked_once_a_row(threads: int, wrong: int) -> None:
    """Of a lookup and of an addition; none where there are no rows, and no columns change nothing."""
    x, i = ga.input("x", (7, 32)), ga.input("i", ("N",), "int64")
    c = ga.input("c", ("N", 32))
    f = ga.compile([x, i], ga.take(x, i, axis=0) + 1, threads=threads)
    g = ga.compile([i, c], added(c, i, 7), threads=threads)
    v, at = rows("float32", 7, 32), np.arange(-7, 7)
    np.testing.assert_array_equal(f(v, at), np.take(v, at, axis=0) + 1)
    assert f(v, at[:0]).shape == (0, 32)
    at[9] = wrong
    with pytest.raises(ga.IndexRangeError, match="out of range"):
        f(v, at)
    with pytest.raises(ga.IndexRangeError, match="out of range"):
        g(np.abs(at) if wrong > 0 else at, rows("float32", 14, 32))
    text = f.show()
    assert text.index("fail(") < text.index("for i1")  # a row's index is checked before its columns are gone through


@pytest.mark.parametrize("width", [2, 16, 1500])
def test_additions_keep_their_order(width: int) -> None:
    """The same bits for any number of threads, also where all go to one row: one after the other."""
    i, c = ga.input("i", ("N",), "int64"), ga.input("c", ("N", width))
    functions = [ga.compile([i, c], added(c, i, 13), threads=t) for t in (1, 2, 3)]
    for at in (np.random.default_rng(1).integers(0, 13, 500), np.full(500, 12)):
        v = np.random.default_rng(2).normal(size=(500, width)).astype(np.float32)
        wanted = np.zeros((13, width), np.float32)
        np.add.at(wanted, at, v)
        for f in functions:
            np.testing.assert_array_equal(f(at, v), wanted)


def test_large_rows_do_not_lose_what_was_added() -> None:
    """A result past the caches that is read again."""
    i, c, x = ga.input("i", (3000,), "int64"), ga.input("c", (3000, 128)), ga.input("x", (20000, 128))
    f = ga.compile([i, c, x], [added(c, i, 20000), ga.take(x, i, axis=0)], threads=2)
    at = np.random.default_rng(1).integers(0, 20000, 3000)
    v, table = rows("float32", 3000, 128), rows("float32", 20000, 128)
    wanted = np.zeros((20000, 128), np.float32)
    np.add.at(wanted, at, v)
    have, taken = f(at, v, table)
    np.testing.assert_array_equal(have, wanted)
    np.testing.assert_array_equal(taken, table[at])
