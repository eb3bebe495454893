"""Comparing modes: what a comparison holds, at tiny sizes on the reference interpreter."""

import json

import numpy as np
import pytest

import graphad as ga
from graphad.modes import compare, comparison, evaluation, find

TINY = {
    "BowTie": {"outer": 6, "waist": 2},
    "GMM": {"dimension": 2, "components": 2, "count": 3},
    "BundleAdjustment": {"cameras": 2, "landmarks": 3, "observations": 4},
    "Tridiagonal": {"unknowns": 8},
    "TransformerBlock": {"tokens": 3, "width": 4, "hidden": 3},
}


@pytest.mark.parametrize("name", [*TINY, "BlackScholes"])
def test_all_modes_of_the_plan_are_measured_and_agree(name: str) -> None:
    sizes = TINY.get(name, {})
    found = compare(find(name), points=3, target="numpy", rounds=1, **sizes)
    assert {"forward", "reverse"} <= {r.mode for r in found.results}
    for result in found.results:
        if not result.reason:
            assert min(result.multiplications, result.memory) >= 0
            assert 0 < result.measured <= result.median
            assert result.predicted > 0
            assert result.compile_seconds > 0
    asked = evaluation(find(name), 3, **sizes)
    modes = list(asked.plan.cost)
    values = {mode: [_dense(b) for b in asked.compiled(mode, "numpy")()] for mode in modes}
    for mode in modes:
        for ours, theirs in zip(values[mode], values["reverse"], strict=True):
            if mode != "sparse" or ours.shape == theirs.shape:
                np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def _dense(block: object) -> np.ndarray:
    return block.toarray() if hasattr(block, "toarray") else np.asarray(block)


def test_many_points_are_each_points_jacobian() -> None:
    asked = evaluation(find("RobotArm_6DOF"), 4)
    (at_all,) = asked.compiled("reverse", "numpy")()
    problem = asked.problem
    jacobian = ga.jacobian(problem.y, problem.x, mode="reverse")
    for x, found in zip(asked.values[0], at_all, strict=True):
        np.testing.assert_allclose(ga.evaluate(jacobian, {problem.x: x}), found, rtol=1e-9, atol=1e-9)


def test_points_count_only_for_graphs_that_have_many() -> None:
    assert evaluation(find("WorkedExample_1"), 7).points == 7
    assert evaluation(find("WorkedExample_1")).points == 1000
    assert evaluation(find("BowTie"), 7, **TINY["BowTie"]).points == 1


def test_auto_is_the_plans_choice() -> None:
    found = compare(find("BowTie"), target="numpy", rounds=1, outer=40, waist=2)
    assert found.chosen == "chain"
    assert found["auto"] is found["chain"]
    plain = min(found["forward"].measured, found["reverse"].measured)
    assert found.plain_ratio == pytest.approx(found["chain"].measured / plain)


def test_the_record_is_json() -> None:
    found = compare(find("WorkedExample_1"), 2, target="numpy", rounds=1)
    record = json.loads(json.dumps(found.record()))
    assert (record["graph"], record["points"], record["chosen"]) == ("WorkedExample_1", 2, found.chosen)
    assert {m["mode"]: m["multiplications"] for m in record["modes"]} == {
        r.mode: r.multiplications for r in found.results
    }


def test_modes_that_take_too_much_are_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "LARGEST", 1000)
    found = compare(find("BowTie"), target="numpy", rounds=1, outer=20, waist=2)
    assert found["forward"].reason.startswith("not run: 0.0 GiB")
    assert found["forward"].measured is None
    assert found.plain_ratio is None
    monkeypatch.setattr(comparison, "LARGEST", 2**31)
    monkeypatch.setattr(comparison, "LONGEST", 0.0)
    found = compare(find("BowTie"), target="numpy", rounds=1, outer=20, waist=2)
    assert found["reverse"].reason == "not run: 0 s"
