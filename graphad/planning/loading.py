"""Plans read back, for the graph that they were made for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graphad.chain import Factor
from graphad.chain.problem import Problem as ChainProblem
from graphad.chain.rebuild import rebuild
from graphad.compiler.errors import GraphError
from graphad.planning.candidates import Candidate, chained, compressed, eliminated, sweep
from graphad.planning.chains import Chain, How
from graphad.planning.eliminations import ordered
from graphad.planning.plan import ModeCost, Plan
from graphad.planning.planner import question
from graphad.planning.problem import Problem
from graphad.planning.stages import Stage, stages
from graphad.planning.table import MODES
from graphad.planning.writing import FORMAT, fingerprint
from graphad.sparse import compress_jacobian
from graphad.tensor import Tensor


def load_plan(path: str | Path, y: Any, x: Any) -> Plan:
    """The plan that a file holds, for the graph that it was made for.

    The plan takes what the file says: nothing is searched for, nothing is predicted. It has the chosen mode only.

    Errors: GraphError for a file that is no plan, and for a plan of another graph.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}, expected {FORMAT!r}")
        graph, chosen, cost = content["graph"], content["chosen"], content["cost"]
        order, chains = content["order"], content["chains"]
        costs = {mode: ModeCost(**numbers) for mode, numbers in cost.items()}
        skipped, why = content["skipped"], content["why"]
        if chosen not in MODES or chosen not in costs:
            raise ValueError(f"it chooses {chosen!r}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GraphError(f"{path} is no plan: {error}; write one with plan.save(path)") from error
    problem = question("load_plan", y, x)
    if graph != fingerprint(problem):
        raise GraphError(
            f"{path} is the plan of another graph than that of y by x; make one with ga.plan_jacobian(y, x)"
        )
    try:
        candidate = _candidate(problem, chosen, order, chains)
    except (ValueError, KeyError, TypeError, IndexError, GraphError) as error:
        raise GraphError(f"{path} is no plan of this graph: {error!r}; make one with ga.plan_jacobian(y, x)") from error
    return Plan(costs, skipped, chosen, why, problem, (y, x), {chosen: candidate})


def _candidate(problem: Problem, mode: str, order: list[int] | None, chains: list[Any]) -> Candidate:
    if mode in ("forward", "reverse"):
        return sweep(problem, "forward" if mode == "forward" else "reverse")
    if mode == "chain":
        return chained(problem, _chains(problem, chains))
    if mode == "sparse":
        return compressed(problem, compress_jacobian(problem.outputs[0], problem.inputs[0]))
    found = eliminated(problem, ordered(problem, order or ()))
    assert found is not None
    return found


def _chains(problem: Problem, saved: list[Any]) -> dict[tuple[Tensor, Tensor], Chain]:
    """The stages as they follow from the graph, everything else as the file has it."""
    pairs = dict.fromkeys((y, x) for y in problem.outputs for x in problem.inputs if y is not x)
    reached = [(y, x) for y, x in pairs if problem.between(x, y)]
    return {(y, x): _chain(problem, x, y, chain) for (y, x), chain in zip(reached, saved, strict=True)}


def _chain(problem: Problem, x: Tensor, y: Tensor, saved: dict[str, Any]) -> Chain:
    factors = ChainProblem(tuple(Factor(*numbers) for numbers in saved["factors"]))
    found = stages(problem, x, y, len(factors))
    if len(found) != len(factors):
        raise ValueError(f"it has {len(factors)} stages, the graph {len(found)}")
    ways = tuple(_way(stage, way) for stage, way in zip(found, saved["ways"], strict=True))
    last = {(i, j): step for i, j, step in saved["last steps"]}
    return Chain(tuple(found), factors, rebuild(factors, lambda state: (last[state[0], state[1]], 0))[0], ways)


def _way(stage: Stage, way: Any) -> How:
    if isinstance(way, list):
        return ordered(stage.alone(), way)
    if way not in ("forward", "reverse"):
        raise ValueError(f"a stage's matrix is made by {way!r}")
    return "forward" if way == "forward" else "reverse"
