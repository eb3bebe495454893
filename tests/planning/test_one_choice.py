"""What a plan chooses is what ``mode="auto"`` builds: the same mode, and the same graph to the letter."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.autodiff.structure import flatten
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.text import to_text
from graphad.compiler.model import store
from graphad.compiler.model.machine import TYPICAL
from graphad.plain import plain_graph
from graphad.planning import planner
from graphad.sparse_tensor import SparseTensor
from tests.planning.family import FAMILY, Asked, bodies, padded_stencil, robot_arm, stencil, three_points, two_heads

ids = pytest.mark.parametrize("make", FAMILY, ids=lambda f: f.__name__)
Make = Callable[[], Asked]


def printed(found: Any) -> str:
    """The graph of a Jacobian's blocks."""
    graph, _ = plain_graph(Graph((), tuple(flatten("printed", found))))
    return to_text(graph)


def test_the_family_is_large() -> None:
    assert len({make.__name__ for make in FAMILY}) >= 50


@ids
def test_the_plan_is_what_auto_builds(make: Make, tmp_path: Path) -> None:
    y, x = make()
    plan, auto = ga.plan_jacobian(y, x), ga.jacobian(y, x)
    expected = printed(auto)
    assert printed(plan.jacobian()) == expected
    assert printed(plan.jacobian(plan.chosen)) == expected
    assert printed(ga.jacobian(y, x, mode=plan)) == expected
    plan.save(tmp_path / "plan.json")
    loaded = ga.load_plan(tmp_path / "plan.json", y, x)
    assert (loaded.chosen, loaded.why) == (plan.chosen, plan.why)
    assert printed(ga.jacobian(y, x, mode=loaded)) == expected


@pytest.mark.parametrize("limits", [{"TIMED": 0}, {"TIMED": 0, "BUILT": 0}, {"PRICED": 0}, {"SWEPT": 0}], ids=str)
@pytest.mark.parametrize("make", [stencil, padded_stencil, three_points, two_heads, robot_arm])
def test_of_large_graphs_too(make: Make, limits: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(planner, name, value)
    y, x = make()
    assert printed(ga.plan_jacobian(y, x).jacobian()) == printed(ga.jacobian(y, x))


@pytest.mark.parametrize("rate", ["bytes.1", "madd", "call", "store"])
def test_on_machines_with_other_rates(rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A measured machine's rates are those of both."""
    rates = dict(TYPICAL.rates)
    name = next((r for r in rates if rate in r), "call")
    machine = replace(TYPICAL, rates=rates | {name: 50 * rates[name]})
    monkeypatch.setattr("graphad.compiler.predict.this_machine", lambda: machine)
    assert store.this_machine() is not machine
    for make in (stencil, padded_stencil, two_heads, bodies):
        y, x = make()
        assert printed(ga.plan_jacobian(y, x).jacobian()) == printed(ga.jacobian(y, x))


def curved() -> list[tuple[ga.Tensor, Any]]:
    a, b, c = ga.input("a", (4,), "float64"), ga.input("b", (3, 4), "float64"), ga.input("c", (2,), "float64")
    rows = ga.input("rows", ("N", 3))
    mixed = ga.sum(ga.tanh(b @ a)) + ga.sum(a * a)
    return [
        (ga.sum(ga.exp(a[1:] * a[:-1])), a),
        (mixed, [a, b]),
        (mixed + ga.sum(3 * c), {"a": a, "c": c, "b": b}),  # linear in c
        (ga.sum(a**3) + ga.sum(c**2), (a, c)),  # blocks that are zero
        (ga.sum(ga.log(1 + rows * rows)), rows),
        (ga.prod(a) + ga.max(ga.sin(a)), a),
    ]


@pytest.mark.parametrize("k", range(len(curved())))
def test_the_plan_of_a_hessian_is_what_hessian_builds(k: int, tmp_path: Path) -> None:
    y, x = curved()[k]
    plan = ga.plan_hessian(y, x)
    expected = printed(ga.hessian(y, x))
    assert printed(plan.jacobian()) == expected
    assert printed(ga.hessian(y, x, mode=plan)) == expected
    assert printed(ga.hessian(y, x, mode=plan.chosen)) == expected  # type: ignore[arg-type]
    plan.save(tmp_path / "plan.json")
    assert printed(ga.hessian(y, x, mode=ga.load_plan(tmp_path / "plan.json", y, x))) == expected


def test_a_hessian_in_kind_with_zeros_where_nothing_moves() -> None:
    y, x = curved()[2]
    values = {t: np.linspace(0.1, 0.9, int(t.size)).reshape(t.shape) for t in x.values()}  # type: ignore[arg-type]
    for found in (ga.hessian(y, x), ga.plan_hessian(y, x).jacobian(), ga.hessian(y, x, "forward")):
        assert list(found) == list(found["c"]) == ["a", "c", "b"]
        got = ga.evaluate(found, values)
        np.testing.assert_array_equal(got["c"]["b"], np.zeros((2, 3, 4)))
        np.testing.assert_allclose(got["a"]["b"], np.transpose(got["b"]["a"], (2, 0, 1)), rtol=1e-12)
    line = ga.sum(3 * x["c"])
    np.testing.assert_array_equal(ga.evaluate(ga.hessian(line, x["c"]), values), np.zeros((2, 2)))
    with pytest.raises(ga.GraphError, match="every second derivative is zero"):
        ga.plan_hessian(line, x["c"])


def test_plans_of_hessians_are_of_their_own_scalar() -> None:
    (y, x), (z, _) = curved()[0], curved()[0]
    for wrong in (ga.plan_hessian(z, _), ga.plan_jacobian(y, x)):
        with pytest.raises(ga.GraphError, match=r"made for other tensors, or for a Jacobian; make one with ga\.plan_h"):
            ga.hessian(y, x, mode=wrong)


@pytest.mark.parametrize("make", [stencil, two_heads, robot_arm])
def test_inside_a_larger_graph(make: Make) -> None:
    """A Jacobian in a loss, which is differentiated again."""
    y, x = make()

    def slope(mode: Any) -> str:
        blocks = flatten("slope", ga.jacobian(y, x, mode=mode))
        loss = sum((ga.sum(j * j) for j in blocks), ga.sum(x))
        return printed(ga.grad(loss, x))

    assert slope(ga.plan_jacobian(y, x)) == slope("auto")


def test_of_gradients_within_a_memory_limit() -> None:
    x = h = ga.input("x", (8,), "float64")
    for _ in range(6):
        h = ga.cumulative_sum(ga.tanh(h)) + ga.sin(h)
    y = ga.sum(h * h)
    for limit in (None, ga.recompute.plan(y, x).least):
        slope = ga.grad(y, x, memory_limit=limit)
        assert printed(ga.plan_jacobian(slope, x).jacobian()) == printed(ga.jacobian(slope, x))


def test_a_jacobian_too_large_for_an_array_is_refused_by_both_or_planned_sparse() -> None:
    x, z = ga.input("x", (100_000,), "float64"), ga.input("z", (100_000,), "float64")
    y = x[1:] * z[:-1]
    assert ga.plan_jacobian(y, x).chosen == "sparse"
    assert isinstance(ga.jacobian(y, x, mode=ga.plan_jacobian(y, x)), SparseTensor)
    with pytest.raises(ga.GraphError, match=r"as a dense array it would take 74.5 GiB; write mode='sparse'"):
        ga.jacobian(y, x)
    for call in (ga.jacobian, ga.plan_jacobian):
        with pytest.raises(ga.GraphError, match=r"take 149.0 GiB; ask for each pair by itself with mode='sparse'"):
            call(y, [x, z])
