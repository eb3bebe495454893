"""Reductions of small windows in the lanes of vectors: the reference's numbers, and nothing read beyond the end."""

import ctypes
import mmap
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphad as ga
from graphad import nn
from graphad.compiler.lower.windows import NEAR

F = nn.functional
POOLS = {1: (F.max_pool1d, F.avg_pool1d), 2: (F.max_pool2d, F.avg_pool2d)}


@st.composite
def pools(draw: st.DrawFn) -> tuple[ga.Tensor, ga.Tensor, np.ndarray]:
    """Pools of lines or images, with bias and relu before and a map behind."""
    dtype, axes = draw(st.sampled_from(["float32", "float64"])), draw(st.integers(1, 2))
    kernel = [draw(st.integers(1, 4)) for _ in range(axes)]
    stride = [draw(st.integers(1, 5)) for _ in range(axes)]
    counts = [draw(st.integers(1, 4)) for _ in range(axes - 1)] + [draw(st.integers(2, 40))]
    extents = [k + s * (n - 1) for k, s, n in zip(kernel, stride, counts, strict=True)]
    x = ga.input("x", (draw(st.sampled_from([1, 3, 70])), 2, *extents), dtype)
    numbers = [(a[0] if axes == 1 else tuple(a)) for a in (kernel, stride)]
    bias = ga.constant(np.array([0.5, -1.5], dtype)).reshape((2, *[1] * axes))
    pool = draw(st.sampled_from(POOLS[axes]))
    y = pool(F.relu(x + bias), *numbers) * 2 - bias
    value = np.random.default_rng(draw(st.integers(0, 9))).normal(size=x.shape).astype(dtype)
    value.flat[draw(st.integers(0, value.size - 1))] = draw(st.sampled_from([0.0, np.nan, np.inf, -np.inf]))
    return x, y, value


@settings(max_examples=15, deadline=None)
@given(pools(), st.sampled_from(["native", "avx2"]))
def test_pools(case: tuple[ga.Tensor, ga.Tensor, np.ndarray], isa: str) -> None:
    x, y, value = case
    f = ga.compile([x], y, threads=2, options=ga.Options(isa=isa))
    with np.errstate(invalid="ignore"):
        expected = ga.evaluate(y, {x: value})
    np.testing.assert_allclose(f(value), expected, rtol=1e-5 if x.dtype == "float32" else 1e-13, atol=1e-6)


@pytest.mark.parametrize(("stride", "isa"), [(2, "avx2"), (4, "avx512"), (5, "avx512"), (2, "sse")])
def test_which_kernels_are_of_windows(stride: int, isa: str) -> None:
    """Where vectors are long, and lanes' elements near."""
    x = ga.input("x", ("N", 6, 28, 28))
    f = ga.compile([x], F.max_pool2d(F.relu(x), 2, stride), options=ga.Options(isa=isa))
    f(np.zeros((1, 6, 28, 28), "f"))
    assert ("_windows_max(" in str(f.show())) == (stride <= NEAR and isa != "sse")


@pytest.mark.skipif(sys.platform != "linux", reason="pages are locked by a call of Linux")
@pytest.mark.parametrize("isa", ["avx2", "avx512"])
@pytest.mark.parametrize("stride", [2, 3, 4])
def test_nothing_is_read_beyond_the_end(stride: int, isa: str) -> None:
    """An array that ends where a page begins that nobody may read."""
    page, width = mmap.PAGESIZE, 2 + stride * 18
    room = mmap.mmap(-1, 4 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    end = start + 3 * page
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(end), ctypes.c_size_t(page), 0) == 0
    value = np.frombuffer(room, np.float32, 5 * width, 3 * page - 20 * width).reshape(1, 5, width)
    value[:] = np.random.default_rng(0).normal(size=value.shape)
    x = ga.input("x", value.shape)
    y = F.max_pool1d(x, 2, stride)
    np.testing.assert_array_equal(ga.compile([x], y, options=ga.Options(isa=isa))(value), ga.evaluate(y, {x: value}))
