"""Indexing with arrays against NumPy: the place of the result's axes, negative indices, derivatives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphad as ga

VALUES = np.random.default_rng(11).normal(size=(3, 4, 5))
I = np.array([2, 0, 0, -1])  # noqa: E741 (as in the formulas)
J = np.array([[1], [2]])

KEYS: list[tuple[str, Any]] = [
    ("one array", (I,)),
    ("list", ([0, 2],)),
    ("second axis", (slice(None), I)),
    ("last axis", (..., I)),
    ("matrix of indices", (slice(None), J)),
    ("two arrays", (I, I)),
    ("broadcast", (J, I)),
    ("apart", (I, slice(None), I)),
    ("three", (I, I, I)),
    ("array and slice", (I, slice(1, 3), slice(None, None, -2))),
    ("array and number", (0, I)),
    ("number apart", (0, slice(None), I)),
    ("number behind", (I, slice(None), 0)),
    ("number between", (I, 1, I)),
    ("middle then number", (slice(None), I, 2)),
    ("with None", (None, I)),
    ("None between", (I, None, I)),
    ("None behind number", (1, None, I)),
    ("dots between", (I, ..., I)),
    ("scalar array", (np.array(1),)),
    ("empty", (np.array([], int),)),
]


@pytest.mark.parametrize("known", [True, False], ids=["known", "input"])
@pytest.mark.parametrize("shape", [(3, 4, 5), ("N", 4, "M")], ids=str)
@pytest.mark.parametrize(("name", "key"), KEYS, ids=[k[0] for k in KEYS])
def test_arrays_index_as_numpys(name: str, key: Any, shape: Any, known: bool) -> None:
    x = ga.input("x", shape, "float64")
    at: dict[ga.Tensor, Any] = {x: VALUES}
    ours = []
    for k in key:
        if isinstance(k, np.ndarray) and not known:
            place = ga.input("k", k.shape, "int64")
            at[place] = k
            k = place
        ours.append(k)
    y = x[tuple(ours)]
    expected = VALUES[key]
    np.testing.assert_array_equal(ga.evaluate(y, at), expected)
    if expected.size:
        ga.check_grads(y * y, at)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_take(axis: int) -> None:
    x, i = ga.input("x", (3, 4, 5), "float64"), ga.input("i", (2, 2), "int32")
    at = {x: VALUES, i: np.array([[0, -1], [2, 2]], "int32")}
    np.testing.assert_array_equal(ga.evaluate(ga.take(x, i, axis), at), np.take(VALUES, at[i], axis))
    ga.check_grads(ga.take(x, i, axis) * ga.take(x, i, axis), at)
    with pytest.raises(ga.GraphadError, match="out of range"):
        ga.evaluate(ga.take(x, i, axis), {x: VALUES, i: np.full((2, 2), -7, "int32")})


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_take_along_axis(axis: int) -> None:
    order = np.argsort(VALUES, axis)
    x, i = ga.input("x", ("N", 4, 5), "float64"), ga.input("i", ("N", 4, 5), "int64")
    at = {x: VALUES, i: order}
    np.testing.assert_array_equal(ga.evaluate(ga.take_along_axis(x, i, axis), at), np.sort(VALUES, axis))
    ga.check_grads(ga.take_along_axis(x, i, axis) ** 2, at)


def test_one_hot() -> None:
    i = ga.input("i", ("N", 2), "int64")
    at = {i: np.array([[0, 2], [1, 1]])}
    np.testing.assert_array_equal(ga.evaluate(ga.one_hot(i, 3), at), np.eye(3)[at[i]])
    for wrong in (-1, 3):
        with pytest.raises(
            IndexError, match=rf"in_range.*index or label {wrong} is out of range 0 to 2 .*test_indexing.py"
        ):
            ga.evaluate(ga.one_hot(i, 3), {i: np.full((1, 2), wrong)})


Bad = tuple[Callable[[Any], Any], str]


@pytest.mark.parametrize("index", [[5, 0], [-4, 0], [0, -7]])
def test_a_wrong_index_stops_the_run(index: list[int]) -> None:
    """Also in a part that the flat index of several axes would forgive."""
    x, i, j = ga.input("x", (3, 4)), ga.input("i", (), "int64"), ga.input("j", (), "int64")
    at = {x: np.zeros((3, 4), "float32"), i: index[0], j: index[1]}
    with pytest.raises(ga.GraphadError, match=r"out of range .*test_indexing\.py:\d+"):
        ga.evaluate(x[i, j], at)


def test_creation() -> None:
    n = ga.input("x", ("N",)).shape[0]
    x = ga.input("x", ("N",))
    at = {x: np.zeros(3, "float32")}
    np.testing.assert_array_equal(ga.evaluate(x + ga.eye(n), at), np.eye(3))
    np.testing.assert_array_equal(ga.evaluate(ga.eye(2, 3)), np.eye(2, 3))
    np.testing.assert_array_equal(ga.evaluate(ga.arange(4, "float64")), np.arange(4.0))
    np.testing.assert_array_equal(ga.evaluate(ga.full((2, 2), 7)), np.full((2, 2), 7))
    assert ga.zeros((2, "N")).type == ga.ones((2, n)).type
    assert ga.full_like(x, 2).dtype == "float32"


def test_nothing_at_all() -> None:
    """Empty batches, empty indices and empty parts go through, forward and back."""
    x, i = ga.input("x", ("N", 3), "float64"), ga.input("i", ("M",), "int64")
    none = np.zeros((0, 3))
    for y in (ga.sum(x**2, axis=0), ga.prod(x, axis=0), x[:, 1:], ga.take(x, [0, 2], 1), ga.concat([x, x])):
        found = ga.evaluate([y, ga.grad(ga.sum(y), x)], {x: none})
        assert found[1].shape == (0, 3)
    found = ga.evaluate(ga.grad(ga.sum(x[i]), x), {x: np.ones((2, 3)), i: np.zeros(0, int)})
    np.testing.assert_array_equal(found, np.zeros((2, 3)))
    empty = ga.input("e", (0, 3), "float64")
    np.testing.assert_array_equal(
        ga.evaluate(ga.concat([empty, x]), {empty: none, x: np.ones((2, 3))}), np.ones((2, 3))
    )
