"""Corners of Jacobians: rules without an answer, ends that nothing reaches, no elements, many ends."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.autodiff.modes import order
from tests.planning.cases import bow_tie

MODES: Any = ("forward", "reverse", "chain", "eliminate", "auto")


@pytest.mark.parametrize("mode", MODES)
def test_a_rule_that_answers_none_is_a_zero(mode: Any) -> None:
    x, z = ga.input("x", (3,), "float64"), ga.input("z", (3,), "float64")
    values = {x: [0.1, 0.2, 0.3], z: [1.0, 2.0, 3.0]}
    rounded = ga.custom_derivative(ga.floor(x) * z, [x, z], jvp=lambda s, t: 2 * s, vjp=lambda c: [2 * c, None])
    by_x, by_z = ga.evaluate(ga.jacobian(rounded * x, [x, z], mode), values)
    np.testing.assert_allclose(by_x, np.diag([0.2, 0.4, 0.6]))
    np.testing.assert_array_equal(by_z, np.zeros((3, 3)))
    silent = ga.custom_derivative(x * 2, [x], jvp=lambda t: None, vjp=lambda c: [None])  # type: ignore[arg-type, return-value]
    found = ga.evaluate(ga.jacobian(ga.tensordot(ga.constant(np.ones((2, 3))), silent, 1) + x[:2], x, mode), values)
    np.testing.assert_array_equal(found, np.eye(2, 3))


@pytest.mark.parametrize("mode", MODES)
def test_an_output_that_no_input_reaches_is_zero(mode: Any) -> None:
    x = ga.input("x", (3,), "float64")
    found = ga.evaluate(ga.jacobian([x * x, ga.constant(np.ones(2))], x, mode), {x: np.ones(3)})
    np.testing.assert_array_equal(found[0], 2 * np.eye(3))
    np.testing.assert_array_equal(found[1], np.zeros((2, 3)))


@pytest.mark.parametrize("mode", MODES)
def test_ends_without_elements(mode: Any) -> None:
    x, none = ga.input("x", (3,), "float64"), ga.input("none", (0,), "float64")
    values = {x: np.ones(3), none: np.zeros(0)}
    assert ga.evaluate(ga.jacobian(none * 2, none, mode), values).shape == (0, 0)
    assert ga.evaluate(ga.jacobian(x[0:0] * 2, x, mode), values).shape == (0, 3)
    by_none, by_x = ga.evaluate(ga.jacobian(ga.sum(ga.sin(none)) * x + x, [none, x], mode), values)
    assert by_none.shape == (3, 0)
    np.testing.assert_array_equal(by_x, np.eye(3))


@pytest.mark.parametrize("mode", MODES)
def test_an_output_without_derivative_is_refused_beside_one_that_has_one(mode: Any) -> None:
    x = ga.input("x", (3,), "float64")
    with pytest.raises(ga.DTypeError, match="depends on <input 'x': float64\\[3\\]> only through"):
        ga.jacobian([x * 2, ga.argmax(x).astype("float64")], x, mode)
    found = ga.evaluate(ga.jacobian([x * 2, ga.stop_gradient(x)], x, mode), {x: np.ones(3)})
    np.testing.assert_array_equal(found[1], np.zeros((3, 3)))


def test_a_plan_is_of_its_own_tensors(tmp_path: Path) -> None:
    x, z = ga.input("x", (3,), "float64"), ga.input("z", (3,), "float64")
    y = ga.sin(x) * x
    plan = ga.plan_jacobian(y, x)
    for other_y, other_x in ((ga.sin(z), z), ([y, y], x), (y, [x, x])):
        with pytest.raises(ga.GraphError, match="the plan was made for other tensors; make one with"):
            ga.jacobian(other_y, other_x, mode=plan)
    assert isinstance(ga.jacobian([y], x, mode=plan), list)
    with pytest.raises(ga.GraphError, match="an order is for mode='eliminate', a plan has its own"):
        ga.jacobian(y, x, mode=plan, order=[])
    with pytest.raises(ga.GraphError, match=r"the plan has 'forward', .*, not 'sideways'"):
        plan.jacobian("sideways")
    plan.save(tmp_path / "plan.json")
    loaded = ga.load_plan(tmp_path / "plan.json", y, x)
    with pytest.raises(ga.GraphError, match=rf"the plan has '{plan.chosen}', not 'sparse'"):
        loaded.jacobian("sparse")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "graphad plan 0"}, "is no plan: format: expected 'graphad plan 1', got 'graphad plan 0'"),
        ({"chosen": "sideways"}, "is no plan: chosen: expected 'forward' or .*, got 'sideways'"),
        ({"why": None}, "is no plan: why: expected text"),
        ({"cost": {}}, "is no plan: cost: it chooses 'chain', of which nothing is said"),
        ({"cost": {"chain": {"multiplications": 1e300}}}, "is no plan: cost.chain: .* is missing"),
        ({"cost": {"\n": {}}}, "is no plan: cost: a name: expected"),
        ({"chains": []}, "is no plan of this graph: chains: there are 0"),
        ({"chains": [[]]}, r"is no plan: chains\[0\]: expected an object with factors, ways, last steps"),
        ({"chosen": "eliminate", "order": [1, 1]}, "is no plan of this graph: the order of 2"),
        ({"chosen": "eliminate", "order": None}, "is no plan of this graph: the order of 0"),
    ],
)
def test_a_spoilt_plan_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    (y,), (x,), _ = bow_tie()
    path = tmp_path / "plan.json"
    replace(ga.plan_jacobian(y, x), chosen="chain").save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ga.GraphError, match=message):
        ga.load_plan(path, y, x)


@pytest.mark.parametrize(
    "steps",
    [
        [[0, 2, 2]],  # the left part is the whole: a circle
        [[0, 2, 1], [0, 1, 1]],
        [[0, 2, -1]],
        [],
        [[0, 2, 7]],
        [[1, 2, 0], [0, 2, -2]],
        [[0, 2, 1 << 31]],
    ],
)
def test_a_plan_in_a_circle_is_refused(steps: list[list[int]], tmp_path: Path) -> None:
    x = ga.input("x", (2,), "float64")
    y = ga.tanh(ga.exp(ga.sin(x)))
    path = tmp_path / "plan.json"
    replace(ga.plan_jacobian(y, x), chosen="chain").save(path)
    content = json.loads(path.read_text())
    content["chains"][0]["last steps"] = steps
    path.write_text(json.dumps(content))
    with pytest.raises(ga.GraphError, match="is no plan of this graph: chains: the last step of factors"):
        ga.load_plan(path, y, x)


@pytest.mark.parametrize("change", ["factors", "ways", "rows"])
def test_a_plan_of_other_stages_is_refused(change: str, tmp_path: Path) -> None:
    (y,), (x,), _ = bow_tie()
    path = tmp_path / "plan.json"
    replace(ga.plan_jacobian(y, x), chosen="chain").save(path)
    content = json.loads(path.read_text())
    (chain,) = content["chains"]
    if change == "rows":
        chain["factors"][0][0] += 1
    else:
        chain[change].pop()
    path.write_text(json.dumps(content))
    with pytest.raises(ga.GraphError, match="is no plan of this graph: chains: its stages are not the"):
        ga.load_plan(path, y, x)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 200_000, b'{"format": NaN}', b"[]", b'{"a": 1' + b"0" * 5000]
)
def test_what_is_no_plan_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    x = ga.input("x", (2,), "float64")
    with pytest.raises(ga.GraphError, match=r"plan\.json is no plan: .*; write one with plan\.save"):
        ga.load_plan(tmp_path / "plan.json", ga.sin(x), x)
    with pytest.raises(ga.GraphError, match="No such file"):
        ga.load_plan(tmp_path / "none.json", ga.sin(x), x)
    with pytest.raises(ga.GraphError, match=r"regular file|directory"):
        ga.load_plan(tmp_path, ga.sin(x), x)


def test_plans_tell_rules_with_other_inputs_apart(tmp_path: Path) -> None:
    x, z = ga.input("x", (3,), "float64"), ga.input("z", (3,), "float64")

    def product(inputs: list[ga.Tensor]) -> ga.Tensor:
        value = ga.custom_derivative(x * z, inputs, jvp=lambda *t: t[0], vjp=lambda c: [c] * len(inputs))
        return value * x * z

    ga.plan_jacobian(product([x]), [x, z]).save(tmp_path / "plan.json")
    ga.load_plan(tmp_path / "plan.json", product([x]), [x, z])
    with pytest.raises(ga.GraphError, match="is the plan of another graph"):
        ga.load_plan(tmp_path / "plan.json", product([x, z]), [x, z])


def test_many_ends_skip_what_needs_a_sweep_for_each() -> None:
    xs = [ga.input(f"x{k}", (2,)) for k in range(200)]
    y = ga.sin(xs[0])
    for x in xs[1:]:
        y = y * ga.sin(x) + x
    plan = ga.plan_jacobian(y, xs)
    assert "reverse" in plan.cost
    assert plan.skipped["forward"] == "200 sweeps through 798 nodes: too many to be counted"
    assert plan.skipped["chain"] == "200 pairs of ends, 798 nodes: too many for a chain each"
    assert plan.chosen in plan.cost
    assert len(ga.jacobian(y, xs)) == 200


def test_hvp_with_a_symbolic_size_inside() -> None:
    w, x = ga.input("w", (3,), "float64"), ga.input("x", ("N", 3), "float64")
    y = ga.sum((x @ w) ** 2)
    points = np.arange(12.0).reshape(4, 3)
    found = ga.evaluate(ga.hvp(y, w, ga.constant(np.ones(3))), {w: np.ones(3), x: points})
    np.testing.assert_allclose(found, 2 * points.T @ points @ np.ones(3))


def test_a_wide_join_takes_nodes_in_proportion() -> None:
    """Operand by operand, tangents of a join are blocks of zeros around one tangent, not a node for each zero."""
    x = ga.input("x", (3,), "float64")

    def size(width: int) -> int:
        y = ga.stack([ga.sum(ga.sin(x * (k + 1.0))) for k in range(width)])
        return len(order([ga.jacobian(y, x, "forward")]))

    assert size(40) < 2.2 * size(20)
    y = ga.concat([x, ga.constant(np.ones(2)), ga.sin(x), x * 2])
    tangent = ga.evaluate(ga.jvp(y, x, ga.constant(np.ones(3))), {x: np.zeros(3)})
    np.testing.assert_array_equal(tangent, [1, 1, 1, 0, 0, 1, 1, 1, 2, 2, 2])
