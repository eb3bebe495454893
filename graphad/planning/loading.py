"""Plans read back, for the graph that they were made for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graphad.chain import Bracketing
from graphad.chain.rebuild import State, rebuild
from graphad.compiler.errors import GraphError
from graphad.planning.candidates import Candidate, chained, compressed, eliminated, sweep
from graphad.planning.chains import Chain, plan_chains
from graphad.planning.dags import of_nodes, of_scalars
from graphad.planning.eliminations import Elimination
from graphad.planning.plan import ModeCost, Plan
from graphad.planning.planner import question
from graphad.planning.problem import Problem
from graphad.planning.scalars import scalars
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
        order, bracketings = content["order"], content["bracketings"]
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
        candidate = _candidate(problem, chosen, order, bracketings)
    except (ValueError, KeyError, TypeError, IndexError, GraphError) as error:
        raise GraphError(f"{path} is no plan of this graph: {error!r}; make one with ga.plan_jacobian(y, x)") from error
    return Plan(costs, skipped, chosen, why, problem, (y, x), {chosen: candidate})


def _candidate(problem: Problem, mode: str, order: list[int] | None, bracketings: list[Any]) -> Candidate:
    if mode in ("forward", "reverse"):
        return sweep(problem, "forward" if mode == "forward" else "reverse")
    if mode == "chain":
        return chained(problem, _chains(problem, bracketings))
    if mode == "sparse":
        return compressed(problem, compress_jacobian(problem.outputs[0], problem.inputs[0]))
    graph = scalars(problem, share=True)
    dag = of_nodes(problem) if graph is None else of_scalars(graph)
    found = eliminated(problem, Elimination(problem, dag, tuple(order or ()), graph))
    assert found is not None
    return found


def _chains(problem: Problem, bracketings: list[Any]) -> dict[tuple[Tensor, Tensor], Chain]:
    """The stages as they follow from the graph, the bracketings as the file has them."""
    return {
        ends: chain.bracketed(_tree(chain, decisions))
        for (ends, chain), decisions in zip(plan_chains(problem).items(), bracketings, strict=True)
    }


def _tree(chain: Chain, decisions: list[list[int]]) -> Bracketing:
    last = {(i, j): step for i, j, step in decisions}

    def decide(state: State) -> tuple[int, int]:
        return last[state[0], state[1]], 0

    return rebuild(chain.problem, decide)[0]
