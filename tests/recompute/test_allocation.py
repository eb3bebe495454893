"""What compiled programs allocate: as ``cost`` says, and for gradients within a limit no more than that."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest

import graphad as ga
from graphad import nn, optim
from graphad.compiler.ir.text import to_text
from graphad.recompute import plan

RNG = np.random.default_rng(12)

Asked: TypeAlias = tuple[ga.Tensor, list[ga.Tensor], ga.Tensor, np.ndarray]
"""A loss, its parameters, its input, and a value for that."""


def convolutions(layers: int, batch: Any = "N", examples: int = 64, pools: bool = False, size: int = 12) -> Asked:
    x = ga.input("x", (batch, 4, size, size))
    stack = [m for _ in range(layers) for m in (nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())]
    model = nn.Sequential(*stack, *([nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()] if pools else []))
    y = ga.mean(model(x) ** 2)
    return y, list(model.parameters()), x, RNG.normal(size=(examples, 4, size, size)).astype("f")


def perceptron(layers: int = 8, batch: Any = "N", examples: int = 64) -> Asked:
    x = ga.input("x", (batch, 24))
    model = nn.Sequential(*(m for _ in range(layers) for m in (nn.Linear(24, 24), nn.Tanh())))
    return ga.mean(model(x) ** 2), list(model.parameters()), x, RNG.normal(size=(examples, 24)).astype("f")


def recurrence(steps: int = 10) -> Asked:
    x = ga.input("x", (steps, 32, 16))
    u, w = (ga.parameter(n, RNG.normal(size=(16, 16)).astype("f") / 4) for n in "uw")
    h = ga.zeros((32, 16))
    for t in range(steps):
        h = ga.tanh(h @ u + x[t] @ w)
    return ga.mean(h * h), [u, w], x, RNG.normal(size=(steps, 32, 16)).astype("f")


def attention(blocks: int = 4) -> Asked:
    x = h = ga.input("x", (24, 16))
    weights = []
    for i in range(blocks):
        own = [ga.parameter(f"w{i}{k}", RNG.normal(size=(16, 16)).astype("f") / 4) for k in range(3)]
        q, k, v = (h @ w for w in own)
        h = h + nn.functional.softmax(q @ k.T / 4, 1) @ v
        weights += own
    return ga.mean(h * h), weights, x, RNG.normal(size=(24, 16)).astype("f")


NETS: dict[str, Callable[[], Asked]] = {
    "convolutions": lambda: convolutions(8),
    "one image": lambda: convolutions(6, 1, 1, size=24),
    "three images": lambda: convolutions(6, 3, 3, pools=True, size=24),
    "pooling": lambda: convolutions(6, pools=True),
    "perceptron": perceptron,
    "recurrence": recurrence,
    "attention": attention,
}


def allocated(f: ga.Function, value: np.ndarray) -> int:
    """Bytes of the arena in which a call ran."""
    f(value)
    assert f._last is not None
    (frame,) = f._last.instance._free
    assert 0 <= frame._raw.nbytes - f._last.instance.bytes < 3 << 20  # addresses and the room to begin at a page
    return f._last.instance.bytes


@pytest.mark.parametrize("name", NETS)
def test_gradients_keep_within_a_part_of_what_they_use(name: str) -> None:
    """At 100, 80, 60 and 40 % of the arena of storing all: unchanged, and within, or refused with the true least."""
    y, wrt, x, value = NETS[name]()
    f = ga.compile([x], ga.grad(y, wrt))
    used, want, flops = allocated(f, value), f(value), f.cost.flops
    assert to_text(ga.compile([x], ga.grad(y, wrt, memory_limit=used)).graph) == to_text(f.graph)
    least = plan(y, wrt).least
    assert least <= used
    for part, growth in ((0.8, 1.5), (0.6, 2.0), (0.4, 4.0)):
        limit = int(part * used)
        if limit < least:
            with pytest.raises(ga.GraphError, match=f"below the least possible, {least:,} bytes"):
                ga.grad(y, wrt, memory_limit=limit)
            break
        gradient = ga.grad(y, wrt, memory_limit=limit)
        g = ga.compile([x], gradient)
        assert allocated(g, value) <= limit
        assert g.cost.flops <= growth * flops
        for have, right in zip(g(value), want, strict=True):
            np.testing.assert_allclose(have, right, rtol=2e-4, atol=1e-6 * float(np.abs(right).max()))


@pytest.mark.parametrize("name", ["convolutions", "perceptron", "recurrence"])
def test_the_least_is_possible_and_a_byte_less_is_refused(name: str) -> None:
    y, wrt, x, value = NETS[name]()
    least = plan(y, wrt).least
    gradient = ga.grad(y, wrt, memory_limit=least)
    assert allocated(ga.compile([x], gradient), value) <= least
    assert allocated(ga.compile([x], [y, gradient]), value) <= least  # the loss is computed beside it
    with pytest.raises(ga.GraphError, match=f"below the least possible, {least:,} bytes"):
        ga.grad(y, wrt, memory_limit=least - 1)


def test_windows_that_are_never_stored_are_not_counted() -> None:
    """An input's gradient is folded back block by block: what storing all takes is a few images a layer, not nine."""
    layers, image = 10, 64 * 4 * 12 * 12 * 4
    y, wrt, _, _ = convolutions(layers)
    found = plan(y, wrt)
    assert found.peak_of_storing < 3 * layers * image
    assert found.sizes == {"N": 64}
    assert "counted at           N = 64" in str(found)


@pytest.mark.parametrize("name", NETS)
def test_the_cost_is_what_a_call_allocates(name: str) -> None:
    y, wrt, x, value = NETS[name]()
    steps = optim.SGD(lr=0.01).minimize(y, wrt)
    for threads in (1, 2, None):
        for f in (ga.compile([x], ga.grad(y, wrt), threads=threads), ga.compile([x], y, steps, threads=threads)):
            arena = allocated(f, value)
            assert f._last is not None
            assert (f.cost.arena, f.cost.threads) == (arena, f._last.threads)
            assert f.cost_at(**{n: len(value) for n in f.sizes}) == f.cost
            kept = sum(a.nbytes for a in (*f._last.storages, *f._last.compiled.built.program.constants))
            assert f.cost.peak_memory == arena + kept


def test_two_threads_have_two_blocks_of_examples() -> None:
    y, wrt, x, _ = convolutions(6)
    one, two = (ga.compile([x], ga.grad(y, wrt), threads=k).cost_at(N=64) for k in (1, 2))
    assert one.arena < two.arena <= 2 * one.arena + 4096
