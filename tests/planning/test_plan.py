"""Plans: what they say, that they are kept, and what is wrong with a question."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.planning.plan import ModeCost, choose
from tests.planning.cases import bow_tie, convolution, scalar_code


def test_a_plan_is_a_table() -> None:
    (y,), (x,), _ = bow_tie()
    plan = ga.plan_jacobian(y, x)
    lines = str(plan).splitlines()
    assert lines[0].split() == ["mode", "multiplications", "predicted", "memory", "how"]
    assert [line.replace("->", "").split()[0] for line in lines[1:5]] == ["forward", "reverse", "chain", "eliminate"]
    assert sum(line.startswith("->") for line in lines) == 1
    assert lines[-1].startswith(f"{plan.chosen}: ")
    assert plan.cost["chain"].multiplications < plan.cost["forward"].multiplications
    assert repr(plan) == f"<Plan: {plan.chosen}, {plan.cost[plan.chosen].multiplications:,} multiplications>"


def test_growing_and_shrinking_widths() -> None:
    """The lecture's theorem: with widths n0 <= n1 <= ... forward mode is the cheapest way, turned round reverse."""
    for widths, best, other in (((1, 2, 5, 9), "forward", "reverse"), ((9, 5, 2, 1), "reverse", "forward")):
        x = ga.input("x", (widths[0],))
        h = x
        for n, m in pairwise(widths):
            h = ga.tensordot(ga.constant(np.ones((m, n), np.float32)), ga.tanh(h), 1)
        cost = {mode: c.multiplications for mode, c in ga.plan_jacobian(h, x).cost.items()}
        assert cost[best] < cost[other]
        assert cost["chain"] == cost["eliminate"] == cost[best]


def test_the_quickest_is_chosen_a_plain_mode_unless_another_is_clearly_quicker() -> None:
    def chosen(**seconds: float) -> str:
        return choose({mode: ModeCost(1, work=s) for mode, s in seconds.items()})[0]

    assert chosen(forward=1.0, reverse=1.0, chain=0.95, eliminate=1.0) == "reverse"
    assert chosen(forward=0.9, reverse=1.0, chain=0.85) == "forward"
    assert chosen(forward=1.0, reverse=2.0, chain=0.5, eliminate=0.4) == "eliminate"
    assert choose({"forward": ModeCost(10), "reverse": ModeCost(9), "chain": ModeCost(3)})[0] == "chain"


@pytest.mark.parametrize("make", [bow_tie, scalar_code, convolution])
def test_a_plan_is_saved_and_loaded(make: Any, tmp_path: Path) -> None:
    ys, xs, values = make()
    plan = ga.plan_jacobian(ys, xs)
    plan.save(tmp_path / "plan.json")
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]
    found = ga.load_plan(tmp_path / "plan.json", ys, xs)
    assert (found.chosen, found.cost, found.order) == (plan.chosen, plan.cost, found.order)
    assert str(found) == str(plan)
    for a, b in zip(ga.evaluate(found.jacobian(), values), ga.evaluate(plan.jacobian(), values), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(ga.jacobian(ys, xs, mode=found)) == len(ys)


@pytest.mark.parametrize("mode", ["chain", "eliminate"])
def test_a_saved_order_is_carried_out_and_not_looked_for(mode: str, tmp_path: Path) -> None:
    (y,), (x,), values = bow_tie()
    plan = replace(ga.plan_jacobian(y, x), chosen=mode)
    plan.save(tmp_path / "plan.json")
    found = ga.load_plan(tmp_path / "plan.json", y, x)
    assert found.candidates[mode].order == plan.candidates[mode].order
    assert found.candidates[mode].multiplications == plan.candidates[mode].multiplications
    np.testing.assert_array_equal(ga.evaluate(found.jacobian(), values), ga.evaluate(plan.jacobian(), values))


def test_a_plan_of_another_graph_is_refused(tmp_path: Path) -> None:
    (y,), (x,), _ = bow_tie()
    ga.plan_jacobian(y, x).save(tmp_path / "plan.json")
    with pytest.raises(ga.GraphError, match="is the plan of another graph"):
        ga.load_plan(tmp_path / "plan.json", ga.sin(y), x)
    (tmp_path / "no_plan.json").write_text("{}")
    with pytest.raises(ga.GraphError, match=r"no_plan.json is no plan: .*; write one with plan.save"):
        ga.load_plan(tmp_path / "no_plan.json", y, x)


def test_a_plan_is_drawn(tmp_path: Path) -> None:
    (y,), (x,), _ = bow_tie()
    ga.plan_jacobian(y, x).draw(tmp_path / "plan.png")
    assert (tmp_path / "plan.png").stat().st_size > 10_000
    ys, xs, _ = scalar_code()
    ga.plan_jacobian(ys, xs).draw(tmp_path / "scalars.png")


def test_several_inputs_and_outputs_are_answered_in_kind() -> None:
    a, b = ga.input("a", (2,), "float64"), ga.input("b", (), "float64")
    ys = {"sum": ga.sum(a) * b, "pair": (a * b, b)}
    found = ga.jacobian(ys, {"a": a, "b": [b]})
    assert found["sum"]["a"].shape == (2,)
    assert found["pair"][0]["b"][0].shape == (2,)
    values = ga.evaluate(found, {a: [1.0, 2.0], b: 3.0})
    np.testing.assert_array_equal(values["pair"][1]["a"], [0.0, 0.0])
    np.testing.assert_array_equal(values["pair"][1]["b"][0], 1.0)
    np.testing.assert_array_equal(values["sum"]["b"][0], 3.0)


def test_hessian_by_every_mode_and_of_several_inputs() -> None:
    a, b = ga.input("a", (2,), "float64"), ga.input("b", (2,), "float64")
    y = ga.sum(ga.exp(a * b)) + ga.sum(b)
    values = {a: [0.1, 0.2], b: [0.3, 0.4]}
    forms = [ga.evaluate(ga.hessian(y, a, m), values) for m in ("auto", "forward", "reverse", "chain", "eliminate")]
    for found in forms[1:]:
        np.testing.assert_allclose(found, forms[0], rtol=1e-12)
    blocks = ga.evaluate(ga.hessian(y, [a, b]), values)
    np.testing.assert_allclose(blocks[0][1], np.transpose(blocks[1][0]), rtol=1e-12)
    np.testing.assert_allclose(blocks[0][0], forms[0], rtol=1e-12)
    assert "forward" in ga.plan_hessian(y, a).cost


def test_linearize() -> None:
    x = ga.input("x", (30,), "float64")
    narrow = ga.tensordot(ga.constant(np.ones((2, 30))), x, 1)
    y = ga.tensordot(ga.constant(np.ones((3, 2))), ga.tanh(narrow), 1)
    f = ga.linearize(y, x)
    values = {x: np.linspace(0, 0.1, 30)}
    ts = np.random.default_rng(0).normal(size=(200, 30))
    whole = ga.evaluate(f.matrix(), values)
    np.testing.assert_allclose(ga.evaluate(f.jvps(ts), values), ts @ whole.T, rtol=1e-10)
    np.testing.assert_allclose(ga.evaluate(f.jvps(ts[:1]), values), ts[:1] @ whole.T, rtol=1e-10)
    np.testing.assert_allclose(ga.evaluate(f.jvp(ga.constant(ts[0])), values), whole @ ts[0], rtol=1e-10)
    np.testing.assert_allclose(ga.evaluate(f.vjp(ga.ones((3,), "float64")), values), whole.sum(0), rtol=1e-10)
    with pytest.raises(ga.ShapeError, match=r"tangents have shape \(B, \*\[30\]\)"):
        f.jvps(np.ones((2, 3)))


def test_jacobians_nest_and_vectorize() -> None:
    x, xs = ga.input("x", (3,), "float64"), ga.input("xs", ("B", 3), "float64")
    y = ga.stack([ga.sin(x[0] * x[1]), x[2] ** 3])
    points = np.random.default_rng(1).uniform(0.5, 1, (5, 3))
    for mode in ("forward", "reverse", "chain", "eliminate"):
        j = ga.jacobian(y, x, mode)  # type: ignore[arg-type]
        many = ga.evaluate(ga.vectorize(j, {x: xs}), {xs: points})
        for row, point in zip(many, points, strict=True):
            np.testing.assert_allclose(row, ga.evaluate(j, {x: point}), rtol=1e-14)
        ga.check_grads(j, {x: points[0]}, order=1)


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda x, n: ga.jacobian(ga.sum(x), n), ga.DTypeError, "is int64: derivatives exist for float32 and float64"),
        (lambda x, n: ga.jacobian(ga.sum(n), x), ga.DTypeError, "int64 has no derivative: outputs are float32"),
        (lambda x, n: ga.jacobian(ga.sum(x), ga.input("z", ())), ga.GraphError, "does not depend on"),
        (lambda x, n: ga.jacobian(ga.argmax(x).astype("float32") * 2, x), ga.DTypeError, "which has no derivative"),
        (lambda x, n: ga.jacobian(x, x, "sideways"), ga.GraphError, "mode is one of 'auto', 'forward'"),
        (lambda x, n: ga.jacobian(x * x, x, "forward", order=[x]), ga.GraphError, "an order is for mode='eliminate'"),
        (lambda x, n: ga.jacobian(3.0, x), ga.GraphError, "expected a tensor"),
        (lambda x, n: ga.plan_jacobian(ga.sum(n), x), ga.DTypeError, "int64 has no derivative"),
        (lambda x, n: ga.linearize(ga.sum(x), n), ga.DTypeError, "is int64"),
    ],
)
def test_questions_without_an_answer(ask: Any, error: type[Exception], message: str) -> None:
    x, n = ga.input("x", (3,)), ga.input("n", (3,), "int64")
    with pytest.raises(error, match=message) as caught:
        ask(x, n)
    assert "test_plan.py" in str(caught.value)


def test_sparse_mode_is_in_the_plan_and_at_the_front_door() -> None:
    x = ga.input("x", (50,), "float64")
    y = ga.sin(x[2:]) * x[1:-1] + x[:-2]
    plan = ga.plan_jacobian(y, x)
    assert "columns, 2 tangents" in plan.cost["sparse"].how
    assert plan.chosen != "sparse"
    values = {x: np.linspace(0, 1, 50)}
    dense = ga.evaluate(ga.jacobian(y, x, "reverse"), values)
    for found in (ga.jacobian(y, x, "sparse"), plan.jacobian("sparse")):
        np.testing.assert_allclose(ga.evaluate(found, values).toarray(), dense, rtol=1e-12)
    curved = ga.sum(y * y)
    whole = ga.evaluate(ga.hessian(curved, x), values)
    np.testing.assert_allclose(ga.evaluate(ga.hessian(curved, x, "sparse"), values).toarray(), whole, rtol=1e-10)
    assert "star" in ga.plan_hessian(curved, x).cost["sparse"].how
    with pytest.raises(ga.GraphError, match="takes one tensor at either end"):
        ga.jacobian([y], x, "sparse")


def test_what_is_too_large_for_a_dense_array_is_sparse() -> None:
    x = ga.input("x", (100_000,), "float64")
    y = x[1:] * x[:-1]
    plan = ga.plan_jacobian(y, x)
    assert (plan.chosen, plan.why) == ("sparse", "as a dense array it would take 74.5 GiB")
    with pytest.raises(ga.GraphError, match=r"would take 74.5 GiB; write mode='sparse'"):
        ga.jacobian(y, x)


def test_sparse_mode_counts_its_sweeps() -> None:
    """A tangent through sin(a) b takes three multiplications an element: cos(a) a', times b, and sin(a) b'."""
    x = ga.input("x", (50,), "float64")
    y = ga.sin(x[2:]) * x[1:-1]
    plan = ga.plan_jacobian(y, x)
    assert "columns, 2 tangents" in plan.cost["sparse"].how
    assert plan.cost["sparse"].multiplications == 2 * 3 * 48
