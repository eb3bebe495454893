"""Every registered elementwise op, at special values and between them, in one kernel a dtype."""

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.ir.op import registered
from graphad.ops.record import Elementwise
from tests.cpu.oracle import agree

TINY = {"float32": (1e-40, -1e-40), "float64": (1e-310, -1e-310)}
SPECIAL = (
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 2.5, -1.5, 3.0, 20.5, -20.5, 88.8, -88.8, 100.0, 1e5, 7e8, 1e30, -1e30,
    np.inf, -np.inf, np.nan,
)  # fmt: skip
WHOLE = (-(2**31), -100, -7, -2, -1, 0, 1, 2, 5, 7, 2**31 - 1)
OPS = [op for op in registered() if isinstance(op, Elementwise) and op.name != "in_range"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_at_special_values(dtype: str) -> None:
    values = np.array([*SPECIAL, *TINY[dtype]], dtype)
    x, y = ga.input("x", ("N",), dtype), ga.input("y", ("N",), dtype)
    ops = [op for op in OPS if op.takes != "bool"]
    found = {op.name: op(x > y, x, y) if op.name == "where" else op(*(x, y)[: op.arity]) for op in ops}
    assert len(found) > 50
    agree([x, y], found, [a.ravel() for a in np.meshgrid(values, values)])


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool"])
def test_of_whole_numbers(dtype: str) -> None:
    values = np.array([False, True] if dtype == "bool" else WHOLE, dtype)
    x, y = ga.input("x", ("N",), dtype), ga.input("y", ("N",), dtype)
    found = {}
    for op in OPS:
        divisor = ga.where(y == 0, ga.astype(2, dtype), y) if op.divides else y
        operands = (x != y, x, y) if op.name == "where" else (x, divisor)[: op.arity]
        if op.takes in ("any", "bool" if dtype == "bool" else "number") and op is not ga.power:
            found[op.name] = op(*operands)
    agree([x, y], found, [a.ravel() for a in np.meshgrid(values, values)])


def test_zeros_keep_their_sign() -> None:
    x = ga.input("x", (2,))
    ops = (ga.negative, ga.abs, ga.sqrt, ga.sin, ga.tanh, ga.round, ga.floor, ga.trunc)
    found = ga.compile([x], [op(x) for op in ops])(np.array([0.0, -0.0], np.float32))
    wanted = ga.compile([x], [op(x) for op in ops], target="numpy")(np.array([0.0, -0.0], np.float32))
    for op, a, b in zip(ops, found, wanted, strict=True):
        assert list(np.signbit(a)) == list(np.signbit(b)), op.name


def test_a_scalar_of_python_is_weak_and_one_of_numpy_is_not() -> None:
    x = ga.input("x", (3,))
    found = {"weak": x * 2 + 0.5, "strong": x * np.float64(2), "constant": x + ga.constant(np.arange(3.0))}
    agree([x], found, [np.arange(3, dtype=np.float32)])


def test_casts_between_all_dtypes() -> None:
    dtypes = ("bool", "int32", "int64", "float32", "float64")
    inputs = [ga.input(d, (4,), d) for d in dtypes]
    found = {f"{x.dtype} to {d}": ga.astype(x, d) for x in inputs for d in dtypes}
    agree(inputs, found, [np.array([0, 1, 2.5, -3.5], d) for d in dtypes])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neighbours_in_loops_whose_points_do_not_fill_the_lanes(dtype: str) -> None:
    x = ga.input("x", ("N",), dtype)
    steps = {
        "neighbour": ga.exp(x[1:] - x[:-1]) * ga.sin(x[:-1]),
        "far": ga.exp(x[6:]) - ga.cos(x[:-6]) + x[2:-4],
        "both": ga.exp(x[1:-6]) + ga.exp(x[7:]),
    }
    rng = np.random.default_rng(0)
    agree([x], steps, *([rng.normal(size=n).astype(dtype)] for n in range(8, 42)))
