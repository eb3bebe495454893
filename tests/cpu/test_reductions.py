"""Reductions over every subset of axes, at every size of loop, and scans."""

import itertools

import numpy as np
import pytest

import graphad as ga
from tests.cpu.oracle import agree

SHAPES = ((3, 4, 5), (1, 7, 1), (2, 0, 3), (0,), (1,), (6000,), (3, 5000), (5000, 3), (2, 3, 1500))
NUMBER = (ga.sum, ga.prod, ga.max, ga.min, ga.argmax, ga.argmin)
RNG = np.random.default_rng(0)


def subsets(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [axes for n in range(1, len(shape) + 1) for axes in itertools.combinations(range(len(shape)), n)]


def reductions(x: ga.Tensor) -> dict[str, ga.Tensor]:
    found = {}
    for axes in subsets(x.shape):
        empty = any(x.shape[a] == 0 for a in axes)
        ops = (ga.any, ga.all) if x.dtype == "bool" else NUMBER[:2] if empty else NUMBER
        for op in ops:
            is_arg = op in (ga.argmax, ga.argmin)
            if not is_arg or len(axes) == 1:
                found[f"{op.name} of {x.shape} over {axes}"] = op(x, axis=axes[0] if is_arg else axes)
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
def test_over_every_subset_of_axes(dtype: str) -> None:
    inputs = [ga.input(f"x{i}", shape, dtype) for i, shape in enumerate(SHAPES)]
    found = {name: y for x in inputs for name, y in reductions(x).items()}
    values = [RNG.normal(size=shape) for shape in SHAPES]
    args = [v > 0.5 if dtype == "bool" else (v * 3).astype(dtype) for v in values]
    agree(inputs, found, args, rtol=3e-4 if dtype == "float32" else None, atol=1e-3 if dtype == "float32" else None)


def test_nan_wins_and_of_ties_the_first() -> None:
    nan = np.nan
    x, y = ga.input("x", ("N", 4)), ga.input("y", ("M",))
    found = {f"{op.name} {axis}": op(x, axis=axis) for op in NUMBER[2:] for axis in (0, 1)}
    found |= {op.name: op(y) for op in NUMBER[2:]}
    rows = np.array([[1, 3, 3, 1], [nan, 1, nan, 2], [0, 0, 0, 0], [-1, nan, 5, 5], [np.inf, np.inf, -np.inf, -np.inf]])
    agree([x, y], found, [rows.astype(np.float32), np.array([1, nan, 7, nan], np.float32)])


def test_a_sum_is_nearly_as_accurate_as_pairwise_summation() -> None:
    values = RNG.random(1_000_000).astype(np.float32)
    exact = values.astype(np.float64)
    flat, square, tall = ga.input("x", ("N",)), ga.input("y", ("M", 1000)), ga.input("z", ("L", 10))
    f = ga.compile(
        [flat, square, tall], [ga.sum(flat), ga.sum(square, axis=0), ga.sum(square, axis=1), ga.sum(tall, axis=0)]
    )
    total, down, across, narrow = f(values, values.reshape(-1, 1000), values.reshape(-1, 10))
    np.testing.assert_allclose(total, exact.sum(), rtol=2e-7)
    np.testing.assert_allclose(down, exact.reshape(-1, 1000).sum(0), rtol=5e-7)
    np.testing.assert_allclose(across, exact.reshape(-1, 1000).sum(1), rtol=5e-7)
    np.testing.assert_allclose(narrow, exact.reshape(-1, 10).sum(0), rtol=1e-6)


def test_scans_in_both_directions_and_their_gradients() -> None:
    inputs, args, found = [], [], {}
    for i, shape in enumerate(((3, 4, 5), (1,), (0,), (4, 0, 2), (2, 700))):
        for dtype in ("float64", "int64"):
            x = ga.input(f"x{i}{dtype}", shape, dtype)
            inputs.append(x)
            args.append(RNG.integers(1, 3, size=shape).astype(dtype))
            for axis in range(len(shape)):
                for op in (ga.cumulative_sum, ga.cumulative_prod):
                    y = op(x, axis=axis)
                    found[f"{op.name} {shape} {axis}"] = y
                    found[f"{op.name} {shape} {axis} reversed"] = ga.flip(
                        op(ga.flip(x, axis=axis), axis=axis), axis=axis
                    )
                    if dtype == "float64" and op is ga.cumulative_sum:
                        found[f"gradient {shape} {axis}"] = ga.grad(ga.sum(ga.sin(y)), x)
    agree(inputs, found, args)


def test_reductions_of_one_operand_share_a_kernel_with_what_follows() -> None:
    x = ga.input("x", ("N", 300), "float64")
    mean, least = ga.mean(x, axis=1, keepdims=True), ga.min(x, axis=1, keepdims=True)
    found = {"spread": (x - mean) * least, "both": ga.sum(mean) + ga.sum(least), "norm": ga.sqrt(ga.sum(x * x, axis=0))}
    agree([x], found, *([RNG.normal(size=(n, 300))] for n in (1, 37)))


def test_a_constant_array_in_a_sum_in_chunks() -> None:
    """The names of buffers and of loops do not meet."""
    table = np.arange(10_000, dtype=np.float32) / 10_000
    x = ga.input("x", (10_000,))
    agree([x], {"sum": ga.sum(x * ga.constant(table))}, [np.ones(10_000, np.float32)])
