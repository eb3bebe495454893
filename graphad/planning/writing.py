"""Plans written as text: which mode, which order, for which graph."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from graphad.autodiff.local import inputs_of
from graphad.chain import Bracketing, Multiply, PullAdjoint, PushTangent, steps
from graphad.chain.recurrence import PULL, PUSH
from graphad.compiler.errors import GraphError
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.text import to_text
from graphad.plain import plain_graph
from graphad.planning.chains import Chain
from graphad.planning.eliminations import Elimination
from graphad.planning.problem import Problem
from graphad.runtime.files import replace

if TYPE_CHECKING:
    from graphad.planning.plan import Plan

FORMAT: Final = "graphad plan 1"


def save_plan(plan: Plan, path: str | Path) -> None:
    """Writes the plan: to a temporary name first, so that the file is whole or not there.

    Errors: GraphError where the folder cannot be written.
    """
    try:
        replace(path, plan_text(plan).encode())
    except OSError as error:
        raise GraphError(f"{path}: cannot be written: {error.strerror or error}") from error


def plan_text(plan: Plan) -> str:
    """The plan as JSON."""
    candidate = plan.candidates[plan.chosen]
    content = {
        "format": FORMAT,
        "graph": fingerprint(plan.problem),
        "chosen": plan.chosen,
        "why": plan.why,
        "cost": {mode: asdict(cost) for mode, cost in plan.cost.items()},
        "skipped": dict(plan.skipped),
        "order": list(candidate.order) if candidate.order is not None else None,
        "chains": [_chain(chain) for chain in candidate.chains],
    }
    return json.dumps(content, indent=1) + "\n"


def fingerprint(problem: Problem) -> str:
    """Of the graph's text, of which nodes are outputs and inputs, and of what depends on what in the eyes of AD.

    The user's lines do not count. (Of a rule of the user's own, the text has the name only.)
    """
    found, _ = plain_graph(Graph((), (*problem.outputs, *problem.inputs)))
    ways = [[problem.place.get(x, -1) for x in inputs_of(node)] for node in problem.nodes]
    text = f"{len(problem.outputs)}\n{to_text(found)}{ways}"
    return hashlib.sha256(text.encode()).hexdigest()


def _chain(chain: Chain) -> dict[str, Any]:
    """The stages' factors, how each stage's matrix is made, and the bracketing."""
    ways = [list(how.order) if isinstance(how, Elimination) else how for how in chain.whole]
    factors = [list(astuple(factor)) for factor in chain.problem.factors]
    return {"factors": factors, "ways": ways, "last steps": _decisions(chain.bracketing)}


def _decisions(tree: Bracketing) -> list[list[int]]:
    """[first, last, last step] of every sub-chain, factors counted from 0."""
    found = []
    for step in steps(tree):
        match step:
            case Multiply():
                found.append([step.first - 1, step.last - 1, step.right.last - 1])
            case PushTangent():
                found += [[step.first - 1, k - 1, PUSH] for k in step.through]
            case PullAdjoint():
                found += [[k - 1, step.last - 1, PULL] for k in step.through]
            case _:
                pass
    return found
