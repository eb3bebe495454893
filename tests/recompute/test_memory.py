"""What compiled gradients take: peak memory falls with the limit, and plans say what it will be."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad import nn, optim
from graphad.compiler.ir.text import parse
from graphad.compiler.passes.cse import cse
from graphad.compiler.passes.fuse import fuse
from graphad.recompute import extra_steps, plan

RNG = np.random.default_rng(8)


def recurrence(steps: int) -> tuple[ga.Tensor, list[ga.Tensor], ga.Tensor]:
    """A step with a gate: its tape is several times its state."""
    x = ga.input("x", (steps, 32, 8))
    weights = [ga.parameter(f"w{i}", RNG.normal(size=(8, 8)).astype("f")) for i in range(3)]
    h = ga.zeros((32, 8))
    for t in range(steps):
        gate = ga.sigmoid(h @ weights[0] + x[t] @ weights[1])
        h = gate * ga.tanh(h @ weights[2]) + (1 - gate) * h
    return ga.mean(h * h), list(weights), x


def layers(depth: int) -> tuple[ga.Tensor, list[ga.Tensor], ga.Tensor]:
    x = ga.input("x", (64, 32))
    model = nn.Sequential(*(m for _ in range(depth) for m in (nn.Linear(32, 32), nn.Tanh())))
    return ga.mean(model(x) ** 2), list(model.parameters()), x


def images() -> tuple[ga.Tensor, list[ga.Tensor], ga.Tensor]:
    """Many convolutions of few channels: what is kept is more than what one of them works with."""
    x = ga.input("x", (2, 2, 16, 16))
    stack = [m for _ in range(12) for m in (nn.Conv2d(2, 2, 3, padding=1), nn.Tanh())]
    model = nn.Sequential(*stack, nn.MaxPool2d(4), nn.Flatten(), nn.Linear(32, 3))
    return nn.functional.cross_entropy(model(x), ga.constant([0, 2])), list(model.parameters()), x


@pytest.mark.parametrize("make", [lambda: recurrence(12), lambda: layers(16), images])
def test_the_peak_of_compiled_gradients_falls_with_the_limit(make: Any) -> None:
    y, wrt, x = make()
    whole = plan(y, wrt)
    assert ga.compile([x], ga.grad(y, wrt)).cost.arena == whole.peak_of_storing
    rows = []
    for part in (1.0, 0.7, 0.5):
        limit = max(int(whole.peak_of_storing * part), whole.least)
        found = plan(y, wrt, memory_limit=limit)
        arena = ga.compile([x], ga.grad(y, wrt, memory_limit=limit)).cost.arena
        assert arena <= found.peak <= limit
        rows.append((arena, -found.extra_flops))
    assert rows == sorted(rows, reverse=True)
    assert rows[-1][0] < 0.8 * rows[0][0]


def test_equal_steps() -> None:
    """Algorithm 799's count, and dynamic programming no worse."""
    steps = 40
    x = ga.input("x", (steps, 8, 8), "float64")
    u, w = (ga.parameter(n, RNG.normal(size=(8, 8))) for n in "uw")
    h = ga.zeros((8, 8), "float64")
    for t in range(steps):
        h = ga.tanh(h @ u + x[t] @ w)
    y = ga.mean(h * h)
    whole = plan(y, [u, w])
    counts = [extra_steps(whole.stages, k) for k in range(1, whole.stages + 1)]
    for part in (0.3, 0.5):
        limit = int(part * whole.peak_of_storing)
        found = plan(y, [u, w], memory_limit=limit, method="revolve")
        assert found.stages in (2 * steps, 2 * steps + 1)  # tanh, and its operand, which its derivative reads
        assert found.extra_steps in counts
        assert plan(y, [u, w], memory_limit=limit).extra_flops <= found.extra_flops


def test_a_training_step_keeps_within_the_limit_too() -> None:
    x = ga.input("x", (256, 16))
    model = nn.Sequential(*(m for _ in range(12) for m in (nn.Linear(16, 16), nn.Tanh())))
    loss = ga.mean(model(x) ** 2)
    weights = list(model.parameters())
    steps = []
    for limit in (None, plan(loss, weights).least):
        found = ga.grad(loss, weights, memory_limit=limit)
        updates = {w: w - 0.1 * g for w, g in zip(weights, found, strict=True)}
        steps.append(ga.compile([x], loss, updates=updates).cost.arena)
    assert steps[1] < 0.7 * steps[0]


def test_the_kernels_of_a_training_step_end_in_their_updates() -> None:
    """Each weight's gradient goes with its update, so equal layers need no memory for all gradients at once."""
    x = ga.input("x", (4, 64))
    model = nn.Sequential(*(m for _ in range(8) for m in (nn.Linear(64, 64, bias=False), nn.Tanh())))
    loss = ga.mean(model(x) ** 2)
    updates = optim.SGD(lr=0.1).minimize(loss, model.parameters())
    step = ga.compile([x], loss, updates=updates, threads=1)  # threads have scratch memory of their own
    weights = 8 * 64 * 64 * 4
    assert step.cost.peak_memory < 1.5 * weights


WAITS = """
    %0: float32[1000] = input "x"
    %1: float32[1000] = exp(%0)
    %2: float32[] = sum(%1) axes=[0]
    %3: float32[1000] = view(%2)[]
    %4: float32[1000] = after(%0, %2)
    %5: float32[1000] = exp(%4)
    %6: float32[1000] = multiply(%3, %5)
    return %6"""


def test_a_copy_that_waits_is_a_value_of_its_own_and_comes_late() -> None:
    graph = fuse(parse(WAITS))
    assert graph.kernels is not None
    assert [[n.op.name for n in k.stores] for k in graph.kernels] == [["sum"], ["multiply"]]
    assert all(n.op.name != "after" for n in graph.nodes)
    assert sum(n.op.name == "exp" for n in cse(parse(WAITS)).nodes) == 2


def test_orders_by_need_beat_the_order_as_written() -> None:
    """Weight gradients are computed when their operands are there, which may then go."""
    y, wrt, x = layers(12)
    graph = ga.compile([x], ga.grad(y, wrt)).graph
    fused = fuse(graph)
    assert fused.kernels is not None
    stores = [n for k in fused.kernels for n in k.stores]
    weights = [i for i, n in enumerate(stores) if n.type.shape == (32, 32)]
    assert len(weights) == 12
    assert np.diff(weights).min() > 1  # among the cotangents, not behind them all
