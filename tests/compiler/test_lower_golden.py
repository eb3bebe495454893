"""The kernels' text, frozen: a change of the compiler shows what it changes. ``pytest --renew`` writes it anew."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import graphad as ga
from graphad import nn
from graphad.compiler.build import build
from graphad.compiler.ir.text import to_text
from tests.cpu.oracle import plain

GOLDEN = Path(__file__).parents[1] / "golden"
Case = tuple[list[ga.Tensor], list[ga.Tensor]]


def chain() -> Case:
    x, y = ga.input("x", ("N", 4)), ga.input("y", ("N", 4))
    return [x, y], [ga.tanh(x * y + 0.5) - y]


def row_sum() -> Case:
    x = ga.input("x", ("N", 40))
    return [x], [ga.sum(x * x, axis=1)]


def column_sum() -> Case:
    x = ga.input("x", ("N", 40))
    return [x], [ga.sum(x, axis=0)]


def softmax() -> Case:
    x = ga.input("x", ("N", 10))
    return [x], [nn.functional.softmax(x, 1)]


def dense_layer() -> Case:
    x, w, b = ga.input("x", ("N", 20)), ga.input("w", (10, 20)), ga.input("b", (10,))
    return [x, w, b], [ga.tanh(nn.functional.linear(x, w, b))]


def conv2d() -> Case:
    x, w, b = ga.input("x", ("N", 2, 8, 8)), ga.input("w", (4, 2, 3, 3)), ga.input("b", (4,))
    return [x, w, b], [nn.functional.relu(nn.functional.conv2d(x, w, b, padding=1))]


def max_pool_backward() -> Case:
    x, g = ga.input("x", ("N", 2, 6, 6)), ga.input("g", ("N", 2, 3, 3))
    return [x, g], [ga.vjp(nn.functional.max_pool2d(x, 2), x, g)]


def cumulative_sum() -> Case:
    x = ga.input("x", ("N", 5))
    return [x], [ga.cumulative_sum(x, axis=1), ga.cumulative_sum(x, axis=0)]


def joined_rows() -> Case:
    x = ga.input("x", ("N", 3), "float64")
    a, b, c = ga.unstack(x, 1)
    s = ga.sin(a)
    return [x], [
        ga.stack([s * b, s + c], 1),
        ga.reshape(ga.stack([ga.cos(a) * b, s, ga.cos(a), ga.ones_like(c)], 1), ("N", 2, 2)),
    ]


def joined_unevenly() -> Case:
    x, y = ga.input("x", ("N", 4)), ga.input("y", ("N", 1))
    return [x, y], [ga.concat([ga.exp(x), y, x], 1)]


CASES = (
    joined_rows,
    joined_unevenly,
    chain,
    row_sum,
    column_sum,
    softmax,
    dense_layer,
    conv2d,
    max_pool_backward,
    cumulative_sum,
)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.__name__)
def test_text(case: Callable[[], Case], renew: bool) -> None:
    built = build(plain(*case()), ga.Options(isa="avx2"))
    fused = to_text(built.stages[-1].graph)
    kernels = re.sub(r"^# \S+:\d+.*\n", "", built.program.source, flags=re.MULTILINE)  # the lines of this very file
    text = f'"""\n{fused.strip()}\n"""\n\n{kernels.partition("import *")[2].strip()}\n'
    path = GOLDEN / f"{case.__name__}.txt"
    if renew:
        path.write_text(text)
    assert path.read_text() == text, "the kernels changed; if they are meant to, run pytest --renew and read the diff"
