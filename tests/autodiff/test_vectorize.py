"""vectorize(f)(xs)[i] == f(xs[i]), for every kind, with one, the other or both operands batched."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.ops.indexing import gather, scatter_add
from graphad.ops.shape import fold, window

RNG = np.random.default_rng(6)


def float64(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def places(*shape: int) -> np.ndarray:
    return RNG.integers(0, 3, shape)


def straight_through(x: ga.Tensor, y: ga.Tensor) -> ga.Tensor:
    """A rule that also reads a tensor around it."""
    return ga.custom_derivative(ga.floor(x) * y, [x], lambda t: t * y, lambda c: [c * y])


Case = tuple[str, Callable[..., Any], list[np.ndarray]]
CASES: list[Case] = [
    ("map", lambda x, y: ga.where(x > y, x * y, ga.sin(x)), [float64(3), float64(3)]),
    ("broadcast", lambda x, y: x + y, [float64(2, 3), float64(3)]),
    ("reduce", lambda x, y: ga.sum(x, 0) + ga.max(y), [float64(2, 3), float64(2, 2)]),
    ("argmax", lambda x: ga.argmax(x, 1), [float64(2, 3)]),
    ("scan", lambda x: ga.cumulative_prod(x, 1, reverse=True), [float64(2, 3)]),
    ("view", lambda x: ga.pad(x[::-1, 1:], 1), [float64(3, 4)]),
    ("reshape", lambda x: x.reshape(-1, 2), [float64(3, 4)]),
    ("window", lambda x: window(x, [2], [1], [2], [(1, 0)]), [float64(2, 5)]),
    ("fold", lambda x: fold(x, Affine((2, 3), (AxisMap(0, ((0, 1), (1, 1))),)), (4,)), [float64(2, 3)]),
    ("contract", lambda x, y: ga.einsum("ij,jk->ki", x, y), [float64(2, 3), float64(3, 2)]),
    ("matmul", lambda x, y: x @ y, [float64(4, 2, 3), float64(3, 2)]),
    ("gather", lambda x, i: gather(x, i, 1), [float64(2, 3, 2), places(2, 2)]),
    ("gather first", lambda x, i: gather(x, i, 0), [float64(3, 2), places(4)]),
    ("gather one", lambda x, i: gather(x, i, 1), [float64(2, 3), places()]),
    ("scatter", lambda i, v: scatter_add(i, v, 1, 3), [places(2, 2), float64(2, 2, 2, 4)]),
    ("scatter first", lambda i, v: scatter_add(i, v, 0, 3), [places(4), float64(4, 2)]),
    ("index", lambda x, i, j: x[i, :, j], [float64(3, 2, 3), places(2), places(2)]),
    ("along axis", lambda x, i: ga.take_along_axis(x, i, 1), [float64(2, 3), places(2, 3)]),
    ("one_hot", lambda i, x: ga.one_hot(i, 3) * x, [places(2), float64(3)]),
    ("stop", lambda x, y: ga.stop_gradient(x) * y, [float64(3), float64(3)]),
    ("custom", straight_through, [float64(3), float64(3)]),
    ("concat", lambda x, y: ga.concat([x, y], 1), [float64(2, 1), float64(2, 2)]),
    ("constant", lambda x: ga.ones((2,)), [float64(3)]),
]


def subsets(count: int) -> list[set[int]]:
    return [{i for i in range(count) if mask >> i & 1} for mask in range(1, 2**count)]


@pytest.mark.parametrize("extent", [3, "B"])
@pytest.mark.parametrize(("name", "f", "values"), CASES, ids=[c[0] for c in CASES])
def test_it_is_the_function_at_every_element(name: str, f: Any, values: list[np.ndarray], extent: Any) -> None:
    inputs = [ga.input(f"x{i}", v.shape, v.dtype) for i, v in enumerate(values)]
    y = f(*inputs)
    for batched in subsets(len(values)):
        more = {i: ga.input(f"xs{i}", (extent, *values[i].shape), values[i].dtype) for i in batched}
        data = {
            i: np.stack([RNG.permutation(values[i]) if values[i].ndim else values[i] for _ in range(3)])
            for i in batched
        }
        ys = ga.vectorize(y, {inputs[i]: xs for i, xs in more.items()})
        fixed = {x: v for i, (x, v) in enumerate(zip(inputs, values, strict=True)) if i not in batched}
        at = {more[i]: data[i] for i in batched} | fixed
        single = [ga.evaluate(y, fixed | {inputs[i]: data[i][k] for i in batched}) for k in range(3)]
        at[ga.input("extent", (extent,))] = np.zeros(3, "float32")
        np.testing.assert_allclose(ga.evaluate(ys, at), np.stack(single), rtol=1e-13)


def test_custom_rules_are_vectorised_too() -> None:
    x, y = ga.input("x", (3,), "float64"), ga.input("y", (3,), "float64")
    xs, ys = ga.input("xs", ("B", 3), "float64"), ga.input("ys", ("B", 3), "float64")
    at = {xs: float64(2, 3), ys: float64(2, 3)}
    z = ga.vectorize(straight_through(x, y), {x: xs, y: ys})
    c = ga.input("c", ("B", 3), "float64")
    np.testing.assert_allclose(ga.evaluate(ga.vjp(z, xs, c), at | {c: np.ones((2, 3))}), at[ys])
    np.testing.assert_allclose(ga.evaluate(ga.jvp(z, xs, c), at | {c: np.ones((2, 3))}), at[ys])


def test_derivatives_of_one_example_over_many() -> None:
    x, xs = ga.input("x", (3,), "float64"), ga.input("xs", ("B", 3), "float64")
    w = ga.input("w", (3,), "float64")
    each = ga.vectorize(ga.grad(ga.sin(ga.sum(w * x)), w), {x: xs})
    at = {xs: float64(4, 3), w: float64(3)}
    np.testing.assert_allclose(ga.evaluate(each, at), np.cos(at[xs] @ at[w])[:, None] * at[xs])
    ga.check_grads(each, at)


def test_nested() -> None:
    x, xs, xss = (ga.input("x", s, "float64") for s in ((3,), (2, 3), (4, 2, 3)))
    y = ga.vectorize(ga.vectorize(ga.sum(x) * x, {x: xs}), {xs: xss})
    a = float64(4, 2, 3)
    np.testing.assert_allclose(ga.evaluate(y, {xss: a}), a.sum(-1, keepdims=True) * a)


def test_an_inner_tensor_is_replaced() -> None:
    x = ga.input("x", (2,), "float64")
    h = ga.exp(x)
    hs = ga.input("hs", (3, 2), "float64")
    a = float64(3, 2)
    np.testing.assert_allclose(ga.evaluate(ga.vectorize(h * x, {h: hs}), {hs: a, x: [1.0, 2.0]}), a * [1, 2])


def test_a_wrong_shape_is_refused() -> None:
    x = ga.input("x", (3,))
    with pytest.raises(ga.ShapeError, match=r"vectorize\(float32\[3\], float32\[4\]\): expected shape"):
        ga.vectorize(x * x, {x: ga.input("xs", (4,))})
    with pytest.raises(ga.ShapeError, match="names no tensor to replace"):
        ga.vectorize(x * x, {})


def test_what_is_no_dict_of_tensors_is_refused() -> None:
    x = ga.input("x", (3,))
    start = r"^vectorize\(float32\[\]\): batched: expected "
    end = r"; write vectorize\(y, \{x: xs\}\) \[.*test_vectorize\.py:\d+\]$"
    dictionary = start + r"a dict \{tensor: its values\}, got "
    with pytest.raises(ga.GraphError, match=rf"{dictionary}<input 'x': float32\[3\]>{end}"):
        ga.vectorize(ga.sum(x), x)
    with pytest.raises(ga.GraphError, match=rf"{dictionary}list{end}"):
        ga.vectorize(ga.sum(x), [x])
    with pytest.raises(ga.GraphError, match=rf"{start}tensors as keys, got 'x'{end}"):
        ga.vectorize(ga.sum(x), {"x": np.zeros((2, 3))})
