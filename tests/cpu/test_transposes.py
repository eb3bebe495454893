"""Maps that read crosswise go in tiles: NumPy's numbers for any permutation, sizes, dtype, whatever is around."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphad as ga
from tests.cpu.oracle import agree

DTYPES = ("float32", "float64", "int32", "int64", "bool")


def values(dtype: str, *shape: int) -> np.ndarray:
    found = np.random.default_rng(sum(shape)).integers(-99, 99, shape)
    return found > 0 if dtype == "bool" else found.astype(dtype)


def turned(dtype: str, *axes: int) -> ga.Function:
    names = [f"N{i}" for i in range(len(axes))]
    x = ga.input("x", tuple(names), dtype)
    return ga.compile([x], ga.permute_dims(x, axes), threads=2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_every_dtype(dtype: str) -> None:
    f = turned(dtype, 1, 0)
    for shape in ((70, 130), (64, 64), (300, 33), (8, 200)):
        x = values(dtype, *shape)
        np.testing.assert_array_equal(f(x), x.T)


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_of_any_permutation(data: st.DataObject) -> None:
    axes = data.draw(st.sampled_from([p for n in (2, 3, 4) for p in permutations(range(n))]))
    sizes = st.sampled_from([1, 3, 8, 9, 17] if len(axes) > 2 else [1, 7, 8, 31, 64, 65, 100, 129])
    x = values("float32", *(data.draw(sizes) for _ in axes))
    np.testing.assert_array_equal(turned("float32", *axes)(x), np.transpose(x, axes))


@pytest.mark.parametrize("n", [37, 64, 200])
def test_with_what_is_around(n: int) -> None:
    """Beside operands that lie along, that lie across too, or further on; with functions, broadcasts and flips."""
    x, y = (ga.input(name, (n, n), "float64") for name in "xy")
    z = ga.input("z", (n,), "float64")
    rng = np.random.default_rng(n)
    outputs = {
        "sum": x + x.T,
        "both": ga.exp(x.T) * y.T,
        "scaled": y * x.T * 2,
        "broadcast": x.T + z,
        "column": x.T + z[:, None],
        "flipped": y + ga.flip(x.T, axis=1),
        "gradient": ga.grad(ga.sum(ga.sin(x.T) * y), x),
        "compared": y < x.T,
        "counted": x.T * ga.astype(ga.arange(n), "float64"),
        "joined": ga.concat([x.T, y], axis=1),
        "part": x.T[3:, 5:] - 1,
    }
    agree([x, y, z], outputs, [rng.normal(size=s) for s in ((n, n), (n, n), (n,))])


def test_a_batch_with_a_name_may_have_few_points() -> None:
    """The batch is an axis of the tile, and known at the call only."""
    x, y = ga.input("x", ("N", 3, 40), "float32"), ga.input("y", ("N", 48), "float32")
    z = ga.input("z", (48, 48))
    f = agree(
        [x, y, z],
        {"x": ga.permute_dims(x, (0, 2, 1)) * 2, "y": y + (y @ z)[:, ::-1]},
        (values("float32", 5, 3, 40), values("float32", 5, 48), values("float32", 48, 48)),
    )
    assert "def " in f.show()
    g = ga.compile([y], ga.permute_dims(ga.exp(y / 99), (1, 0)), threads=2)
    for n in (0, 1, 2, 3, 5, 16, 37, 63, 64, 65, 200):
        v = values("float32", n, 48)
        np.testing.assert_allclose(g(v), np.exp(v / np.float32(99)).T, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "axes"), [((1500, 1400), (1, 0)), ((128, 96, 130), (2, 1, 0)), ((1024, 1024), (1, 0))]
)
def test_of_large_results(shape: Any, axes: Any) -> None:
    """Past the caches, from any address."""
    x = ga.input("x", shape, "float32")
    f = [ga.compile([x], [ga.permute_dims(x, axes), ga.exp(ga.permute_dims(x, axes) / 99)], threads=t) for t in (1, 2)]
    v = values("float32", *shape)
    outs = [
        [np.empty(v.size + 3, v.dtype)[k:][: v.size].reshape(np.transpose(v, axes).shape) for k in (1, 3)] for _ in f
    ]
    one, two = (g(v, out=out) for g, out in zip(f, outs, strict=True))
    np.testing.assert_array_equal(one[0], np.transpose(v, axes))
    np.testing.assert_allclose(one[1], np.exp(np.transpose(v, axes) / np.float32(99)), rtol=1e-6)
    np.testing.assert_array_equal(one[1], two[1])


def test_in_place() -> None:
    """What is overwritten is read once: a point at the edge of a tile is not computed twice."""
    p = ga.parameter("p", np.ones((100, 70)))
    x = ga.input("x", (70, 100), "float64")
    step = ga.compile([x], [], updates={p: p + x.T}, threads=2)
    v = np.random.default_rng(0).normal(size=(70, 100))
    step(v)
    step(v)
    np.testing.assert_allclose(p.value, 1 + v.T + v.T)


def test_what_is_read_across_is_transposed_in_registers() -> None:
    x = ga.input("x", (40, 70), "float32")
    assert "transpose_panel" in ga.compile([x], ga.tanh(x.T) + 1).show()
    assert "transpose_panel" not in ga.compile([x], ga.tanh(x) + 1).show()
