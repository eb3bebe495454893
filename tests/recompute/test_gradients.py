"""Gradients within a limit are the plain ones to the bit: on chains, graphs with skips, images, random graphs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphad as ga
from graphad import nn
from graphad.compiler.ir.graph import topological
from graphad.compiler.ir.kinds import After, View
from graphad.compiler.ir.text import parse, to_text
from graphad.recompute import plan

RNG = np.random.default_rng(6)


def recurrence(steps: int, size: int = 16, batch: int = 8) -> tuple[ga.Tensor, list[ga.Tensor], ga.Tensor]:
    x = ga.input("x", (steps, batch, size))
    u, w = (ga.parameter(n, RNG.normal(size=(size, size)).astype("f") / size**0.5) for n in "uw")
    h = ga.zeros((batch, size))
    for t in range(steps):
        h = ga.tanh(h @ u + x[t] @ w)
    return ga.mean(h * h), [u, w], x


def skips() -> tuple[ga.Tensor, list[ga.Tensor], ga.Tensor]:
    """Down and up again, each level added to its partner."""
    x = h = ga.input("x", (16, 12))
    weights, left = [], []
    for i in range(6):
        w = ga.parameter(f"w{i}", RNG.normal(size=(12, 12)).astype("f") / 4)
        h = ga.tanh(h @ w) if i < 3 else ga.tanh(h @ w) + left.pop()
        if i < 3:
            left.append(h)
        weights.append(w)
    return ga.sum(h * h), weights, x


def images() -> tuple[ga.Tensor, list[ga.Tensor], ga.Tensor]:
    x = ga.input("x", (2, 1, 12, 12))
    stack = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 3),
    )  # fmt: skip
    return nn.functional.cross_entropy(stack(x), ga.constant([0, 2])), list(stack.parameters()), x


def agree(have: np.ndarray, want: np.ndarray, target: str = "cpu") -> None:
    """To the bit on "numpy"; on "cpu" sums may be taken in another order where other ops are fused into a kernel."""
    if target == "numpy":
        np.testing.assert_array_equal(have, want)
    else:
        np.testing.assert_allclose(have, want, rtol=0, atol=16 * np.finfo(want.dtype).eps * abs(want).max())


GRAPHS = {"recurrence": lambda: recurrence(8), "skips": skips, "images": images}


def limits(y: ga.Tensor, wrt: Any) -> list[int]:
    """From what storing takes down to the least."""
    found = plan(y, wrt)
    return [found.least + (found.peak_of_storing - found.least) * k // 3 for k in (3, 2, 1, 0)]


@pytest.mark.parametrize("target", ["numpy", "cpu"])
@pytest.mark.parametrize("name", GRAPHS)
def test_the_same_numbers_in_less_memory(name: str, target: str) -> None:
    y, wrt, x = GRAPHS[name]()
    value = RNG.normal(size=x.shape).astype("f")
    expected = ga.compile([x], ga.grad(y, wrt), target=target)(value)
    for limit in limits(y, wrt)[1:] if target == "numpy" else limits(y, wrt)[2:3]:  # compiling takes long
        gradient = ga.compile([x], ga.grad(y, wrt, memory_limit=limit), target=target)
        for have, want in zip(gradient(value), expected, strict=True):
            agree(have, want, target)


@st.composite
def tangles(draw: Any) -> tuple[ga.Tensor, list[ga.Tensor]]:
    """Random graphs on 4 x 4 values, where anything may be read again much later."""
    pool = [ga.input(f"x{i}", (4, 4), "float64") for i in range(2)]
    leaves = list(pool)
    for _ in range(draw(st.integers(3, 14))):
        a, b = (draw(st.sampled_from(pool[-5:] if draw(st.booleans()) else pool)) for _ in range(2))
        pool.append(draw(st.sampled_from(STEPS))(a, b))
    pool.append(pool[-1] + leaves[0] * leaves[1])
    return ga.sum(ga.sin(pool[-1])), leaves


STEPS = (
    lambda a, b: a @ b,
    lambda a, b: ga.tanh(a) * b,
    lambda a, b: ga.sin(a @ b.T),
    lambda a, b: a / (1 + b * b),
    lambda a, b: ga.exp(-a * a) + ga.sum(b, axis=0),
    lambda a, b: ga.cumulative_sum(a, axis=1) - b,
    lambda a, b: nn.functional.softmax(a, 1) * ga.max(b, axis=1)[:, None],
    lambda a, b: ga.concat([a[2:], b[:2]]),
    lambda a, b: ga.stop_gradient(a) * b,
    lambda a, b: ga.where(a > b, a, ga.cos(b)),
)


@settings(max_examples=20, deadline=None)
@given(tangles(), st.integers(0, 4), st.integers(0, 2**31))
def test_random_graphs_give_the_same_bits(made: tuple[ga.Tensor, list[ga.Tensor]], quarter: int, seed: int) -> None:
    y, wrt = made
    found = plan(y, wrt)
    limit = found.least + (found.peak_of_storing - found.least) * quarter // 4
    rng = np.random.default_rng(seed)
    values = {x: rng.normal(size=(4, 4)) for x in wrt}
    limited = ga.grad(y, wrt, memory_limit=limit)
    for have, want in zip(ga.evaluate(limited, values), ga.evaluate(ga.grad(y, wrt), values), strict=True):
        np.testing.assert_array_equal(have, want)


def test_copies_are_compared_with_extremes_of_their_own() -> None:
    """A copy may be rounded otherwise than what it is a copy of: no element would be equal to that one's greatest."""
    x, y = (ga.input(n, (4, 4), "float64") for n in "xy")
    s = ga.sin(x @ x.T)
    h = ga.tanh(nn.functional.softmax(x, 1) * ga.max(x @ s, axis=1)[:, None]) * (x @ s)
    loss = ga.sum(ga.sin(x @ h + x * y))
    gradient = ga.grad(loss, [x, y], memory_limit=plan(loss, [x, y]).least)
    compared = [n for n in topological(gradient) if n.op.name in ("equal", "less")]
    assert compared
    for node in compared:
        extreme = node.operands[1]
        while isinstance(extreme.kind, View):
            extreme = extreme.operands[0]
        assert extreme.operands[0] is node.operands[0]


@settings(max_examples=6, deadline=None)
@given(st.lists(tangles(), min_size=2, max_size=2), st.integers(0, 2**31))
def test_random_graphs_on_the_cpu(made: Sequence[tuple[ga.Tensor, list[ga.Tensor]]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = [x for _, leaves in made for x in leaves]
    named = {x: ga.input(f"a{i}", (4, 4), "float64") for i, x in enumerate(inputs)}
    gradients = []
    for y, wrt in made:
        (moved,) = ga.vectorize([y], {x: named[x][None] for x in wrt})
        own = [named[x] for x in wrt]
        gradients.append((ga.grad(moved[0], own), ga.grad(moved[0], own, memory_limit=plan(moved[0], own).least)))
    f = ga.compile(list(named.values()), gradients)
    for plain, limited in f(*(rng.normal(size=(4, 4)) for _ in inputs)):
        for want, have in zip(plain, limited, strict=True):
            np.testing.assert_allclose(have, want, rtol=1e-9, atol=1e-9)


LAYERS = {
    "log of sum": lambda h: ga.log(ga.sum(ga.exp(300 * h), axis=1))[:, None] / 300 + ga.sin(h),
    "softmax": lambda h: ga.exp(300 * h) / ga.sum(ga.exp(300 * h), axis=1)[:, None] + ga.sin(h),
    "weighted": lambda h: ga.sum(ga.exp(300 * h) * h, axis=1)[:, None] / ga.sum(ga.exp(300 * h), axis=1)[:, None] - h,
}


@pytest.mark.parametrize("name", LAYERS)
def test_exponentials_are_stable_in_the_copies_too(name: str) -> None:
    """A kept value may lie within what is to be stabilised."""
    x = h = ga.input("x", (6, 3), "float64")
    for _ in range(3):
        h = LAYERS[name](h)
    y = ga.sum(h * h)
    gradients = [ga.grad(y, x), *(ga.grad(y, x, memory_limit=limit) for limit in limits(y, x)[1:])]
    want, *have = ga.compile([x], gradients)(RNG.normal(size=(6, 3)) * 3)
    assert np.isfinite(want).all()
    for found in have:
        np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-12)


def test_it_differentiates_again_forward_and_reverse() -> None:
    x = h = ga.input("x", (3, 3), "float64")
    for _ in range(5):
        h = ga.tanh(h @ h.T) + ga.sin(h)
    y = ga.sum(h)
    value = {x: RNG.normal(size=(3, 3))}
    least = plan(y, x).least
    plain, limited = ga.grad(y, x), ga.grad(y, x, memory_limit=least)
    ga.check_grads(limited, value, order=1)
    v = ga.constant(RNG.normal(size=(3, 3)))
    for make in (
        lambda g: ga.grad(ga.sum(g * v), x),
        lambda g: ga.jvp(g, x, v),
        lambda g: ga.jacobian(g, x, "reverse"),
    ):
        np.testing.assert_allclose(ga.evaluate(make(limited), value), ga.evaluate(make(plain), value), rtol=1e-9)
    twice = ga.grad(ga.sum(limited * v), x, memory_limit=plan(ga.sum(limited * v), x).least)
    np.testing.assert_array_equal(ga.evaluate(twice, value), ga.evaluate(ga.grad(ga.sum(limited * v), x), value))


def test_vjp_of_several_outputs() -> None:
    x = ga.input("x", (8, 8), "float64")
    a = ga.tanh(x @ x)
    b = ga.sin(a @ x)
    cotangents = [ga.constant(RNG.normal(size=(8, 8))), ga.cos(x)]
    plain, limited = (ga.vjp([a, b], x, cotangents, memory_limit=m) for m in (None, 8 * 64 * 5))
    value = {x: RNG.normal(size=(8, 8))}
    np.testing.assert_array_equal(ga.evaluate(limited, value), ga.evaluate(plain, value))


def test_custom_rules_keep_their_meaning() -> None:
    x = h = ga.input("x", (5,), "float64")
    for _ in range(4):
        rounded = ga.custom_derivative(ga.floor(4 * h) / 4, [h], jvp=lambda t: t, vjp=lambda c: [c])
        h = ga.cumulative_sum(ga.sin(rounded)) * h
    y = ga.sum(h)
    value = {x: RNG.normal(size=5)}
    limited = ga.grad(y, x, memory_limit=plan(y, x).least)
    np.testing.assert_array_equal(ga.evaluate(limited, value), ga.evaluate(ga.grad(y, x), value))


def test_a_batch_of_any_size() -> None:
    x = h = ga.input("x", ("N", 8))
    weights = [ga.parameter(f"w{i}", RNG.normal(size=(8, 8)).astype("f")) for i in range(6)]
    for w in weights:
        h = ga.tanh(h @ w)
    y = ga.mean(h)
    f = ga.compile([x], ga.grad(y, weights, memory_limit=plan(y, weights).least))
    g = ga.compile([x], ga.grad(y, weights))
    for n in (1, 7):
        value = RNG.normal(size=(n, 8)).astype("f")
        for have, want in zip(f(value), g(value), strict=True):
            agree(have, want)


def test_a_limit_that_plain_reverse_mode_keeps_changes_nothing() -> None:
    y, wrt, x = recurrence(4)
    text = [to_text(ga.compile([x], ga.grad(y, wrt, memory_limit=m)).graph) for m in (None, 10**9)]
    assert text[0] == text[1]


def test_waiting_nodes_print_parse_and_are_gone_from_the_kernels() -> None:
    y, wrt, x = recurrence(6)
    f = ga.compile([x], ga.grad(y, wrt, memory_limit=plan(y, wrt).least))
    text = to_text(f.graph)
    assert " = after(" in text
    assert to_text(parse(text)) == text
    assert " = after(" in f.show("cse")
    assert " = after(" not in f.show("fuse")
    assert any(isinstance(n.kind, After) for n in f.graph.nodes)


def test_a_long_chain_is_planned_without_recursion() -> None:
    x = h = ga.input("x", (50,))
    for _ in range(1200):
        h = ga.cumulative_sum(ga.sin(h))
    found = ga.grad(ga.sum(h), x, memory_limit=120_000)
    assert any(isinstance(n.kind, After) for n in topological([found]))


def test_a_gradient_that_takes_no_memory_has_no_less() -> None:
    x = ga.input("x", (4,))
    found = plan(ga.sum(3 * x), x)
    assert found.least == found.peak_of_storing == 0
    gradient = ga.grad(ga.sum(3 * x), x, memory_limit=0)
    np.testing.assert_array_equal(ga.evaluate(gradient, {x: np.ones(4, "f")}), np.full(4, 3))
