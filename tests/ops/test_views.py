"""Views against NumPy: values, differences in both modes, and the law of the transpose."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphad as ga
from graphad.autodiff.transpose import transpose_view
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.ops.shape import affine, dilated_pad, window

VALUES = np.random.default_rng(7).normal(size=(3, 4, 5))
WIDTHS = ((1, 2), (0, 0), (0, 1))

Case = tuple[str, Callable[[Any], Any], Callable[[np.ndarray], Any]]
CASES: list[Case] = [
    ("permute", lambda x: ga.permute_dims(x, (2, 0, 1)), lambda a: a.transpose(2, 0, 1)),
    ("permute negative", lambda x: ga.permute_dims(x, (-1, 1, 0)), lambda a: a.transpose(2, 1, 0)),
    ("moveaxis", lambda x: ga.moveaxis(x, 0, -1), lambda a: np.moveaxis(a, 0, -1)),
    ("matrix_transpose", lambda x: x.mT, lambda a: a.swapaxes(1, 2)),
    ("reshape", lambda x: x.reshape(-1, 10), lambda a: a.reshape(-1, 10)),
    ("flatten", lambda x: ga.flatten(x, 1), lambda a: a.reshape(3, -1)),
    ("expand", lambda x: ga.expand_dims(x, (0, -1)), lambda a: a[None, ..., None]),
    ("squeeze", lambda x: ga.squeeze(x[:1, :, 2:3], (0, -1)), lambda a: a[:1, :, 2:3].squeeze((0, 2))),
    ("broadcast", lambda x: ga.broadcast_to(x[:, :1], (2, 3, 4, 5)), lambda a: np.broadcast_to(a[:, :1], (2, 3, 4, 5))),
    ("flip", lambda x: ga.flip(x, (0, 2)), lambda a: np.flip(a, (0, 2))),
    ("flip all", ga.flip, np.flip),
    ("slice", lambda x: x[1:, :2, 1:4], lambda a: a[1:, :2, 1:4]),
    ("slice step", lambda x: x[::2, 1::3, ::-1], lambda a: a[::2, 1::3, ::-1]),
    ("slice backwards", lambda x: x[::-2, 3:0:-2, -2::-2], lambda a: a[::-2, 3:0:-2, -2::-2]),
    ("slice empty", lambda x: x[2:1], lambda a: a[2:1]),
    ("integers", lambda x: x[1, :, -2], lambda a: a[1, :, -2]),
    ("ellipsis", lambda x: x[..., 0], lambda a: a[..., 0]),
    ("new axes", lambda x: x[None, :, None, 1:3], lambda a: a[None, :, None, 1:3]),
    ("pad", lambda x: ga.pad(x, WIDTHS, 0.5), lambda a: np.pad(a, WIDTHS, constant_values=0.5)),
    ("pad all", lambda x: ga.pad(x, 1), lambda a: np.pad(a, 1)),
    ("concat", lambda x: ga.concat([x, x[:1], 2 * x[1:]]), lambda a: np.concatenate([a, a[:1], 2 * a[1:]])),
    ("concat last", lambda x: ga.concat([x, x * x], -1), lambda a: np.concatenate([a, a * a], -1)),
    ("concat one", lambda x: ga.concat([x]), lambda a: a),
    ("stack", lambda x: ga.stack([x, -x, x * x], 1), lambda a: np.stack([a, -a, a * a], 1)),
    ("stack last", lambda x: ga.stack([x, -x], -1), lambda a: np.stack([a, -a], -1)),
    ("unstack", lambda x: ga.unstack(x, 1)[2], lambda a: a[:, 2]),
    ("tril", lambda x: ga.tril(x, -1), lambda a: np.tril(a, -1)),
    ("triu", lambda x: ga.triu(x, 1), lambda a: np.triu(a, 1)),
    ("diagonal", lambda x: ga.einsum("ijj->ij", x[:, :, :4]), lambda a: np.einsum("ijj->ij", a[:, :, :4])),
    ("trace", lambda x: ga.trace(x[:, :, :4]), lambda a: np.einsum("ijj->i", a[:, :, :4])),
]  # fmt: skip


@pytest.mark.parametrize("shape", [(3, 4, 5), ("N", 4, 5)], ids=str)
@pytest.mark.parametrize(("name", "ours", "numpys"), CASES, ids=[c[0] for c in CASES])
def test_views_are_numpys(name: str, ours: Any, numpys: Any, shape: Any) -> None:
    x = ga.input("x", shape, "float64")
    if shape[0] == "N" and name in ("broadcast", "squeeze"):
        pytest.skip("a symbolic size is never 1")
    y = ours(x)
    expected = numpys(VALUES)
    np.testing.assert_array_equal(ga.evaluate(y, {x: VALUES}), expected)
    assert y.type.at({"N": 3}).shape == expected.shape
    if y.size != 0:
        ga.check_grads(y, {x: VALUES}, order=1)
        ga.check_grads(y * y, {x: VALUES}, order=2)


def test_joining_keeps_minus_zero_and_not_a_number() -> None:
    a = np.array([-0.0, np.nan])
    x = ga.input("x", (2,), "float64")
    found = ga.evaluate(ga.concat([x, x]), {x: a})
    np.testing.assert_array_equal(found, [-0.0, np.nan] * 2)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(np.tile(a, 2)))


def test_joining_symbolic_sizes() -> None:
    x, y = ga.input("x", ("N", 2), "float64"), ga.input("y", ("M", 2), "float64")
    z = ga.concat([x, y, x])
    assert str(z.type) == "float64[M+2*N,2]" or str(z.type) == "float64[2*N+M,2]"
    at = {x: np.ones((3, 2)), y: np.full((1, 2), 2.0)}
    np.testing.assert_array_equal(ga.evaluate(z, at), np.concatenate([at[x], at[y], at[x]]))
    ga.check_grads(z * z, at)


@st.composite
def windows(draw: st.DrawFn) -> Any:
    rank = draw(st.integers(1, 3))
    sizes = [draw(st.integers(1, 3)) for _ in range(rank)]
    strides = [draw(st.integers(1, 3)) for _ in range(rank)]
    dilations = [draw(st.integers(1, 2)) for _ in range(rank)]
    padding = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(rank)]
    extents = [draw(st.integers((k - 1) * d + 1, 6)) for k, d in zip(sizes, dilations, strict=True)]
    return extents, sizes, strides, dilations, padding


@given(windows())
def test_windows(case: Any) -> None:
    extents, sizes, strides, dilations, padding = case
    a = np.random.default_rng(0).normal(size=(2, *extents))
    x = ga.input("x", a.shape, "float64")
    y = window(x, sizes, strides, dilations, padding)
    rank = len(sizes)
    padded = np.pad(a, ((0, 0), *padding))
    reach = [(k - 1) * d + 1 for k, d in zip(sizes, dilations, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(padded, reach, tuple(range(1, rank + 1)))
    pick = (slice(None), *(slice(None, None, s) for s in strides), *(slice(None, None, d) for d in dilations))
    np.testing.assert_array_equal(ga.evaluate(y, {x: a}), view[pick])
    adjoint(y, x, a)


def adjoint(y: ga.Tensor, x: ga.Tensor, a: np.ndarray) -> None:
    """<y(x), c> = <x, y^T(c)> for a linear y, and forward mode is y itself."""
    c = np.random.default_rng(1).normal(size=y.shape)
    back = ga.evaluate(ga.vjp(y, x, c), {x: a})
    np.testing.assert_allclose(np.vdot(ga.evaluate(y, {x: a}), c), np.vdot(a, back), rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(ga.evaluate(ga.jvp(y, x, a), {x: a}), ga.evaluate(y, {x: a}))


@given(st.integers(1, 4), st.integers(1, 3), st.integers(-2, 3), st.integers(-2, 3))
def test_dilating_padding_and_cropping(extent: int, step: int, before: int, after: int) -> None:
    total = (extent - 1) * step + 1 + before + after
    if total < 0:
        return
    a = np.arange(1.0, extent + 1)
    x = ga.input("x", (extent,), "float64")
    y = dilated_pad(x, [(before, after)], [step])
    line = np.zeros(40)
    line[8 : 8 + (extent - 1) * step + 1 : step] = a
    np.testing.assert_array_equal(ga.evaluate(y, {x: a}), line[8 - before : 8 - before + total])
    if total:
        adjoint(y, x, a)


@st.composite
def affine_maps(draw: st.DrawFn) -> tuple[Affine, tuple[int, ...]]:
    """Maps of every form, guarded, so that nothing has to stay inside; duplicates, gaps and divisors included."""
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
    operand = tuple(draw(st.lists(st.integers(1, 5), max_size=3)))
    axes = []
    for _ in operand:
        used = draw(st.lists(st.integers(0, len(shape) - 1), max_size=2, unique=True)) if shape else []
        terms = tuple((j, draw(st.sampled_from([-2, -1, 1, 2, 3]))) for j in sorted(used))
        axes.append(AxisMap(draw(st.integers(-3, 6)), terms, draw(st.sampled_from([1, 1, 2, 3])), True))
    return Affine(shape, tuple(axes), 0.0), operand


@given(affine_maps())
def test_the_transpose_of_any_affine_map(case: tuple[Affine, tuple[int, ...]]) -> None:
    found, operand = case
    rng = np.random.default_rng(0)
    a, c = rng.normal(size=operand), rng.normal(size=found.shape)
    x, cotangent = ga.input("x", operand, "float64"), ga.input("c", found.shape, "float64")
    y = affine(x, found.shape, found.axes)
    expected = np.zeros(found.shape)
    for i in np.ndindex(*found.shape):
        top = [(m.offset + sum(k * i[j] for j, k in m.terms), m.divisor) for m in found.axes]
        if all(t % d == 0 and 0 <= t // d < n for (t, d), n in zip(top, operand, strict=True)):
            expected[i] = a[tuple(t // d for t, d in top)]
    np.testing.assert_array_equal(ga.evaluate(y, {x: a}), expected)
    back = ga.evaluate(transpose_view(cotangent, found, operand), {cotangent: c})
    np.testing.assert_allclose(np.vdot(expected, c), np.vdot(a, back), atol=1e-10)
    twice = ga.vjp(transpose_view(cotangent, found, operand), cotangent, a)  # and back again
    np.testing.assert_allclose(ga.evaluate(twice, {cotangent: c}), expected)


def test_symbolic_slices_and_sizes_that_come_too_small() -> None:
    x = ga.input("x", ("N",), "float64")
    a = np.arange(5.0)
    for key in (slice(1, None), slice(None, -1), slice(-3, None), slice(None, None, 2), slice(None, None, -1), slice(3),
                slice(3, 1), slice(-2, None, -2), slice(1, -1, 2)):  # fmt: skip
        np.testing.assert_array_equal(ga.evaluate(x[key], {x: a}), a[key])
    with pytest.raises(ga.ShapeError, match=r"view\(float64\[2\]\): axis 0 of extent 2 would be read from 0 to 2"):
        ga.evaluate(x[:3], {x: a[:2]})


def test_reshape_with_symbolic_sizes() -> None:
    x = ga.input("x", ("N", 16, 5, 5))
    assert str(x.reshape(-1, 400).type) == "float32[N,400]"
    assert str(x.reshape("N*16", 25).type) == "float32[16*N,25]"
    assert str(ga.reshape(x, (np.int64(-1), np.int64(25))).type) == "float32[16*N,25]"
    assert all(isinstance(d, int) for d in ga.reshape(ga.input("y", (4,)), (np.int64(2), 2)).shape)
    z = ga.concat([ga.input("z", ("N", 4)), ga.input("w", (1, 4))])
    assert str(z.reshape(4, z.shape[0]).type) == "float32[4,N+1]"
    assert str(z.reshape(z.shape[0], -1).type) == "float32[N+1,4]"
