"""Batches written as numbers: found by what axes do, and then the same program as with a name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import graphad as ga
from graphad import optim
from graphad.compiler.batch import find_batch
from graphad.compiler.build import allocated
from graphad.nn import functional
from graphad.runtime import units
from graphad.runtime.objects import Unit
from tests.networks import random_program

Case: TypeAlias = tuple[list[ga.Tensor], Any]


@pytest.fixture
def quickly(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels as they are written, without LLVM's passes, which take most of the time; none of it is kept."""

    def plain(*args: object, **named: object) -> Unit:
        return dataclasses.replace(Unit(*args, **named), level=0)  # type: ignore[arg-type]

    monkeypatch.setattr(units, "Unit", plain)


def data(*shape: int) -> ga.Tensor:
    return ga.input("x", shape)


def weight(*shape: int) -> ga.Parameter:
    return ga.parameter("w", np.ones(shape, np.float32))


def found(inputs: Sequence[ga.Tensor], outputs: Any) -> dict[str, int]:
    """The batches of a function."""
    return dict(find_batch(ga.compile(list(inputs), outputs).graph).sizes)


def gradient() -> Case:
    x, w = data(64, 3), weight(3, 5)
    return [x], ga.grad(ga.mean((x @ w) ** 2), w)


def normalised() -> Case:
    x, w = data(64, 3), weight(3, 5)
    h = x @ w
    return [x], (h - ga.mean(h, axis=0)) / ga.std(h, axis=0)


def flattened() -> Case:
    x, w, v = data(16, 2, 3, 4), weight(24, 5), ga.parameter("v", np.ones((4, 7), np.float32))
    return [x], (ga.flatten(x, 1) @ w, ga.reshape(ga.reshape(x, (96, 4)) @ v, (16, 6, 7)))


def numbered() -> Case:
    x, w = data(64, 3), weight(3, 5)
    return [x], (x @ w) * ga.arange(64)[:, None].astype("float32")


def labelled() -> Case:
    x, t, w = data(64, 3), ga.input("t", (64,), dtype="int64"), weight(3, 10)
    return [x, t], functional.cross_entropy(x @ w, t)


def siamese() -> Case:
    x, y, w = data(16, 3), ga.input("y", (8, 3)), weight(3, 5)
    return [x, y], ga.sum(ga.tanh(x @ w)) - ga.sum(ga.tanh(y @ w))


def folded() -> Case:
    x, w = data(8, 2, 9), weight(3, 2, 3)
    return [x], ga.grad(ga.sum(functional.conv1d(x, w) ** 2), [x, w])


def single() -> Case:
    x, w, b = data(1, 2, 9), weight(3, 2, 3), weight(1, 3, 1)
    return [x], functional.conv1d(x, w) * b


FOUND: dict[str, tuple[Callable[[], Case], dict[str, int]]] = {
    "gradient": (gradient, {"batch": 64}),
    "normalised over the batch": (normalised, {"batch": 64}),
    "multiples by reshaping": (flattened, {"batch": 16}),
    "numbered examples": (numbered, {"batch": 64}),
    "labels": (labelled, {"batch": 64}),
    "two batches": (siamese, {"batch": 16, "batch1": 8}),
    "an input's gradient": (folded, {"batch": 8}),
    "a square weight": (lambda: ([x := data(64, 64)], x @ weight(64, 64)), {"batch": 64}),
    "one example": (lambda: ([x := data(1, 3)], x @ weight(3, 5) + weight(5)), {"batch": 1}),
    "a weight spread over one example": (single, {"batch": 1}),
    "a weight for the one example": (lambda: ([x := data(1, 3)], x @ weight(3, 5) + weight(1, 5)), {}),
    "a part of the result": (lambda: ([x := data(64, 3)], (x @ weight(3, 5))[:32]), {"batch": 64}),
    "no product": (lambda: ([x := data(64, 3)], ga.sum(ga.exp(x))), {}),
    "every pair": (lambda: ([x := data(64, 3)], ga.matrix_transpose(x) @ x), {}),
    "a matrix times a vector": (lambda: ([x := data(64)], weight(64, 64) @ x), {}),
    "a constant of the batch": (lambda: ([x := data(64, 3)], (x + np.eye(64, 3, dtype="f")) @ weight(3, 5)), {}),
    "a weight of the batch": (lambda: ([x := data(64, 3)], (x + weight(64, 3)) @ weight(3, 5)), {}),
    "turned round": (lambda: ([x := data(64, 3)], (ga.flip(x, axis=0) + x) @ weight(3, 5)), {}),
    "joined": (lambda: ([x := data(64, 3)], ga.concat([x @ weight(3, 5), weight(2, 5)])), {}),
    "the batch behind": (lambda: ([x := data(3, 64)], weight(5, 3) @ x), {}),
    "a name": (lambda: ([x := ga.input("x", ("N", 3))], x @ weight(3, 5)), {}),
    "nothing": (lambda: ([x := data(0, 3)], x @ weight(3, 5)), {}),
}


@pytest.mark.parametrize("name", FOUND)
def test_found_or_not(name: str) -> None:
    case, sizes = FOUND[name]
    inputs, outputs = case()
    f = ga.compile(inputs, outputs)
    batch = find_batch(f.graph)
    assert dict(batch.sizes) == sizes
    again = [n.type.at(batch.sizes) for n in batch.graph.nodes if n.type.shape]
    assert sum(t.size for t in again) == sum(n.type.size for n in f.graph.nodes if n.type.shape)  # type: ignore[misc]


def test_a_weight_as_large_as_the_batch_keeps_its_number() -> None:
    x, w = data(64, 64), weight(64, 64)
    graph = find_batch(ga.compile([x], ga.grad(ga.sum(ga.tanh(x @ w)), [x, w])).graph).graph
    assert [str(y.type) for y in graph.outputs] == ["float32[batch,64]", "float32[64,64]"]


def test_a_batch_of_one_beside_another_keeps_its_number() -> None:
    x, y, w = data(64, 3), ga.input("y", (1, 3)), weight(3, 5)
    assert found([x, y], x @ w + y @ w) == {"batch": 64}


def test_a_state_of_the_batch_keeps_its_number() -> None:
    x, s = data(4, 3), ga.parameter("s", np.zeros((4, 5), np.float32))
    f = ga.compile([x], ga.sum(x @ weight(3, 5)), updates={s: x @ weight(3, 5)})
    assert not find_batch(f.graph).sizes
    f(np.ones((4, 3), np.float32))
    np.testing.assert_array_equal(s.value, np.full((4, 5), 3))


def step(batch: int | str, options: ga.Options | None = None) -> tuple[ga.Function, list[ga.Parameter]]:
    """A training step of a small net: windows, pooling, a norm over the batch, a product."""
    x, t = ga.input("x", (batch, 1, 6, 6)), ga.input("t", (batch,), dtype="int64")
    rng = np.random.default_rng(0)
    shapes = {"k": (2, 1, 3, 3), "a": (18, 10)}
    k, a = (ga.parameter(n, (rng.normal(size=s) / 3).astype("f")) for n, s in shapes.items())
    h = functional.conv2d(x, k, padding=1)
    centred = h - ga.mean(h, axis=(0, 2, 3), keepdims=True)
    h = functional.relu(centred / ga.sqrt(ga.mean(centred**2, axis=(0, 2, 3), keepdims=True) + 1e-5))
    loss = functional.cross_entropy(ga.flatten(functional.max_pool2d(h, 2), 1) @ a, t)
    updates = optim.SGD(lr=0.1).minimize(loss, [k, a])
    return ga.compile([x, t], loss, updates=updates, threads=1, options=options), [k, a]


def batch_of(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    return rng.normal(size=(n, 1, 6, 6)).astype("f"), rng.integers(0, 10, n)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 16, 37, 64])
def test_training_has_the_same_bits(n: int, quickly: None) -> None:
    (named, left), (numbered, right) = step("N"), step(n)
    for _ in range(2):
        assert named(*batch_of(n)).tobytes() == numbered(*batch_of(n)).tobytes()
    for p, q in zip(left, right, strict=True):
        assert p.value.tobytes() == q.value.tobytes()


def test_random_networks_have_the_same_bits(quickly: None) -> None:
    """Where a batch is found in what was drawn, with derivatives."""
    compared = 0
    for seed in range(8):
        named = random_program(seed)
        feed = named.feeds[0]
        sizes = [v.shape[0] for x, v in zip(named.inputs, feed, strict=True) if x.shape and not is_number(x.shape[0])]
        if not sizes or 0 in sizes or len(set(sizes)) != 1:
            continue
        numbered = random_program(seed, batches=sizes)
        if numbered.steps[1:] != named.steps[1:] or numbered.titles != named.titles:
            continue  # layers draw otherwise where they know a number
        f, g = (ga.compile(*p.graph, options=named.options, threads=named.threads) for p in (named, numbered))
        if find_batch(g.graph).sizes:
            compared += 1
            for want, have in zip(f(*feed), g(*feed), strict=True):
                assert have.tobytes() == want.tobytes(), named.description
    assert compared >= 4


def is_number(d: object) -> bool:
    return isinstance(d, int)


def test_the_text_differs_by_the_number_alone() -> None:
    (named, _), (numbered, _) = step("N"), step(16)
    named.specialize(N=16)
    numbered.specialize()
    text, other = (str(f.show()).splitlines() for f in (named, numbered))
    differ = [(a, b) for a, b in zip(text, other, strict=True) if a != b]
    assert [(a.strip(), b.strip()) for a, b in differ if "multiply_panel" not in a] == [
        ("# n0 is the size 'N'", "# n0 is the size 16")
    ]
    assert "for l in lanes(" in str(numbered.show())


def test_what_is_asked_of_it_has_the_number() -> None:
    f, _ = step(5)
    f(*batch_of(5))
    assert "[5,1,6,6]" in f.show("graph")
    assert "batch," not in f.show("fuse")
    assert "float32[5," in f.explain()
    assert f.cost.flops == step("N")[0].cost_at(N=5).flops
    assert f.profile(*batch_of(5)).rows
    with pytest.raises(ga.ShapeError, match=r"axis 0 has 4 elements, expected 5: float32\[5,1,6,6\]"):
        f(*batch_of(4))


@pytest.mark.parametrize("option", [{"nan_guard": True}, {"batch": "rows"}, {"precision": "strict"}])
def test_options(option: dict[str, Any], quickly: None) -> None:
    (named, _), (numbered, _) = step("N", ga.Options(**option)), step(16, ga.Options(**option))
    out = np.empty((), np.float32)
    assert numbered(*batch_of(16), out=out) is out
    assert out.tobytes() == named(*batch_of(16)).tobytes()


def test_tuned(quickly: None) -> None:
    x, w = ga.input("x", (16, 2, 9)), ga.parameter("w", np.ones((3, 2, 3), np.float32))
    f = ga.compile([x], functional.conv1d(x, w), options=ga.Options(tune=True), threads=1)
    value = np.arange(16 * 18, dtype="f").reshape(16, 2, 9)
    np.testing.assert_allclose(f(value), ga.evaluate(functional.conv1d(x, w), {x: value}), rtol=1e-5)
    assert "batch:" in f.explain()


def test_a_second_process_knows_it(fresh_cache: Path) -> None:
    first, _ = step(16)
    losses = [first(*batch_of(16)) for _ in range(3)]
    again, _ = step(16)
    np.testing.assert_array_equal([again(*batch_of(16)) for _ in range(3)], losses)
    assert "loaded from the cache" in again.explain()


def test_memory_is_planned_for_the_program_that_runs() -> None:
    f, g = step(16)[0], step("N")[0]
    memory = f.cost.arena
    assert memory == allocated(f.graph, ga.Options(), {}, 1)
    assert memory == g.cost_at(N=16).arena == allocated(g.graph, ga.Options(), {"N": 16}, 1)
