"""What a compilation does grows with the graph, not with its square: counted, not timed."""

from collections.abc import Sequence

import numpy as np
import pytest

import graphad as ga
from graphad import nn, optim
from graphad.compiler.build import Built, build
from graphad.compiler.ir.node import Node
from graphad.compiler.lower.examples import one
from graphad.compiler.packing import Packing
from graphad.runtime.entry import entry_unit
from graphad.runtime.units import Units
from tests.cpu.oracle import agree, plain


def kernels(built: Built) -> int:
    """Texts that have to be compiled."""
    return built.program.source.count("\n@kernel")


def recurrence(x: ga.Tensor, steps: int) -> list[ga.Tensor]:
    """The sum of squares of the last state, and its gradients."""
    w = ga.parameter("w", np.linspace(-1, 1, 60).reshape(5, 12).astype(x.dtype))
    u = ga.parameter("u", np.linspace(-1, 1, 144).reshape(12, 12).astype(x.dtype) / 3)
    h = x[:, 0] @ w
    for t in range(1, steps):
        h = ga.tanh(x[:, t] @ w + h @ u)
    loss = ga.sum(h * h)
    return [loss, *ga.grad(loss, [w, u])]


def net(blocks: int) -> tuple[list[ga.Tensor], ga.Tensor, dict[ga.Tensor, ga.Tensor]]:
    """Convolutions, each behind a normalisation over the batch: a region for each."""
    x = ga.input("x", ("N", 3, 8, 8))
    layers = [nn.Conv2d(3, 3, 3, padding=1) for _ in range(blocks)]
    y = x
    for layer in layers:
        h = layer(y)
        y = y + ga.tanh(h - ga.mean(h, axis=(0, 2, 3), keepdims=True))
    loss = ga.mean(y * y)
    parameters = [p for layer in layers for p in layer.parameters()]
    return [x], loss, optim.SGD(lr=0.1).minimize(loss, parameters)


@pytest.mark.parametrize("batch", ["N", 4])
def test_unrolled_steps_share_code(batch: str | int) -> None:
    x = ga.input("x", (batch, 30, 5))
    built = [build(plain([x], recurrence(x, steps)), ga.Options(isa="avx2")) for steps in (8, 30)]
    assert kernels(built[0]) == kernels(built[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_unrolled_steps_are_right(dtype: str) -> None:
    draw = np.random.default_rng(0)
    x = ga.input("x", ("N", "T", 5), dtype)
    values = [draw.standard_normal((n, 12, 5)).astype(dtype) for n in (0, 1, 3, 37)]
    outputs = {str(k): y for k, y in enumerate([*recurrence(x, 7), x[:, -1] * x[:, 2], x[:, 3:5, ::-2]])}
    agree([x], outputs, *([v] for v in values), rtol=1e-4 if dtype == "float32" else 1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_results_of_one_form_share_code(dtype: str) -> None:
    x = ga.input("x", (70,), dtype)

    def results(count: int) -> list[ga.Tensor]:
        """Numbers that vary, that do not, that are divided by, and exponents."""
        return [ga.sum(ga.sin(x * (0.1 * i)) / (3 + i % 2) + x ** (2 + i % 2) * 1.5) for i in range(count)]

    few, many = (build(plain([x], results(count)), ga.Options(isa="avx2")) for count in (40, 80))
    assert kernels(few) == kernels(many) < 40
    value = np.random.default_rng(0).standard_normal(70).astype(dtype)
    agree([x], {str(i): y for i, y in enumerate(results(20))}, [value], rtol=1e-3 if dtype == "float32" else 1e-10)


def test_a_long_run_is_data() -> None:
    x = ga.input("x", ("N", 30, 5))
    texts = []
    for steps in (20, 30):
        program = build(plain([x], recurrence(x, steps)), ga.Options(isa="avx2")).program
        texts.append(entry_unit(Units(program.source), 4, False).text)
    assert texts[0].count("define") == texts[1].count("define") > 10
    assert texts[0].count("\n") == texts[1].count("\n")


def test_regions_walk_the_graph_once(monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[int] = []
    plainly = one.topological

    def counted(roots: Sequence[Node], known: dict[Node, Node]) -> list[Node]:
        found = plainly(roots, known)
        walked[-1] += len(found)
        return found

    monkeypatch.setattr(one, "topological", counted)
    for blocks in (3, 6):
        walked.append(0)
        inputs, loss, updates = net(blocks)
        step = ga.compile(inputs, loss, updates=updates, options=ga.Options(batch="lanes"))
        step.show()
    assert 0 < walked[1] < 2.2 * walked[0]


def test_room_is_the_lowest_that_is_free() -> None:
    """By looking at all units at all moments."""
    draw = np.random.default_rng(0)
    packing, taken = Packing(), np.zeros((400, 12), bool)
    for size in sorted(draw.integers(0, 9, 60), reverse=True):
        first, last = sorted(draw.integers(0, 12, 2))
        busy = taken[:, first : last + 1].any(axis=1)
        low = next(at for at in range(400) if not busy[at : at + size].any())
        assert packing.place(int(size), int(first), int(last)) == low
        taken[low : low + size, first : last + 1] = True
    assert packing.most == np.flatnonzero(taken.any(axis=1))[-1] + 1
