"""Products against NumPy: every combination of ranks, broadcasting, diagonals, and derivatives of both orders."""

import string
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphad as ga


def leaf(name: str, shape: Any, values: np.ndarray) -> ga.Tensor:
    return ga.input(name, shape, values.dtype)


def agree(ours: Any, numpys: Any, *values: np.ndarray, order: int = 2) -> None:
    inputs = [ga.input(f"x{i}", v.shape, v.dtype) for i, v in enumerate(values)]
    y, expected = ours(*inputs), numpys(*values)
    at = dict(zip(inputs, values, strict=True))
    assert y.shape == np.shape(expected)
    np.testing.assert_allclose(ga.evaluate(y, at), expected, rtol=1e-12, atol=1e-12)
    if order and y.size:
        ga.check_grads(y, at, order=order)


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


SHAPES = [
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 2)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (1, 3, 4)),
    ((1, 2, 3), (1, 3, 4)),
    ((2, 1, 2, 3), (5, 3, 4)),
    ((2, 5, 2, 3), (5, 3, 1)),
    ((2, 1, 1, 3), (1, 5, 3, 1)),
    ((2, 0), (0, 4)),
    ((3, 2, 0), (3, 0, 4)),
    ((0, 3), (3, 2)),
]


@pytest.mark.parametrize(("left", "right"), SHAPES, ids=str)
def test_matmul(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    agree(ga.matmul, np.matmul, normal(*left), normal(*right))


def test_matmul_with_symbolic_sizes() -> None:
    x, w = ga.input("x", ("N", "T", 3), "float64"), ga.input("w", (3, "M"), "float64")
    y = x @ w
    assert str(y.type) == "float64[N,T,M]"
    at = {x: normal(2, 4, 3), w: normal(3, 2)}
    np.testing.assert_allclose(ga.evaluate(y, at), at[x] @ at[w])
    ga.check_grads(y, at)


@pytest.mark.parametrize("axes", [0, 1, 2, ([0], [1]), ([0, 2], [2, 1]), ((1, 0), (0, 2)), (-1, 0)])
def test_tensordot(axes: Any) -> None:
    agree(
        lambda a, b: ga.tensordot(a, b, axes), lambda a, b: np.tensordot(a, b, axes), normal(2, 2, 2), normal(2, 2, 2)
    )


def test_vecdot_and_outer() -> None:
    a, b = normal(2, 3), normal(1, 3)
    agree(ga.vecdot, lambda x, y: (x * y).sum(-1), a, b)
    agree(lambda x, y: ga.vecdot(x, y, axis=0), lambda x, y: (x * y).sum(0), a, normal(2, 1))
    for y, axis in ((normal(2, 1), -1), (b, 0), (normal(3), 0)):
        with pytest.raises(ga.ShapeError, match=rf"^vecdot\(.*: axis {axis} is .*; it is summed over, so both have"):
            ga.vecdot(a, y, axis)
    agree(ga.outer, np.outer, normal(2), normal(3))


CASES = [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("ij,jk", [(2, 3), (3, 4)]),
    ("ji", [(2, 3)]),
    ("ii", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iij->j", [(3, 3, 2)]),
    ("iji,j->i", [(3, 2, 3), (2,)]),
    ("iii->i", [(2, 2, 2)]),
    ("ij->", [(2, 3)]),
    ("ij->j", [(2, 3)]),
    (",i->i", [(), (3,)]),
    ("i,j,k->kij", [(2,), (3,), (4,)]),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
    ("ij,ij,ij->i", [(2, 3)] * 3),
    ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
    ("...ij,...jk->...ik", [(5, 1, 2, 3), (1, 6, 3, 4)]),
    ("...i,...i->...", [(4, 1, 3), (2, 3)]),
    ("i...,i...", [(3, 1, 2), (3, 4, 1)]),
    ("...ii->...i", [(2, 3, 3)]),
    ("... , ...", [(2, 1), (1, 3)]),
    ("a b, b c -> a c", [(2, 3), (3, 4)]),
    ("ij,k->ij", [(2, 3), (4,)]),
]


@pytest.mark.parametrize(("text", "shapes"), CASES, ids=str)
def test_einsum(text: str, shapes: list[tuple[int, ...]]) -> None:
    values = [normal(*s) for s in shapes]
    agree(lambda *x: ga.einsum(text, *x), lambda *x: np.einsum(text, *x), *values)


@st.composite
def subscripts(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    """One to three operands over four letters, repeated letters and dots among them."""
    size = {c: draw(st.integers(1, 3)) for c in "abcd"}
    dots = [draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, 2)))]
    words, shapes = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.text(list(size), max_size=3))
        shape = [size[c] for c in letters]
        if dots and draw(st.booleans()):
            at = draw(st.integers(0, len(letters)))
            width = draw(st.integers(0, len(dots)))
            lead = [draw(st.sampled_from([1, d])) for d in dots[len(dots) - width :]]
            letters, shape = letters[:at] + "..." + letters[at:], shape[:at] + lead + shape[at:]
        words.append(letters)
        shapes.append(tuple(shape))
    text = ",".join(words)
    if draw(st.booleans()):
        used = sorted(set(text) & set(size))
        out = "".join(draw(st.permutations(used)))[: draw(st.integers(0, len(used)))]
        text += "->" + ("..." if "..." in text else "") + out
    return text, shapes


@settings(max_examples=80)
@given(subscripts())
def test_einsum_of_random_subscripts(case: tuple[str, list[tuple[int, ...]]]) -> None:
    text, shapes = case
    values = [normal(*s) for s in shapes]
    agree(lambda *x: ga.einsum(text, *x), lambda *x: np.einsum(text, *x), *values, order=1)


def test_einsum_keeps_symbolic_sizes_and_many_letters() -> None:
    x = ga.input("x", ("N", "N"))
    assert str(ga.einsum("ii->i", x).type) == "float32[N]"
    wide = ga.input("y", (1,) * 20)
    assert ga.einsum(string.ascii_letters[:20], wide).shape == (1,) * 20


def test_integers_multiply_as_integers() -> None:
    a = np.arange(6, dtype="int32").reshape(2, 3)
    agree(ga.matmul, np.matmul, a, a.T.copy(), order=0)
    x, y = ga.input("x", (2, 3), "int64"), ga.input("y", (3, 2))
    assert (x @ y).dtype == "float32"
