"""Plans read back, for the graph that they were made for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeAlias

from graphad.chain import Factor
from graphad.chain.problem import Problem as ChainProblem
from graphad.chain.rebuild import State, rebuild
from graphad.chain.recurrence import PULL, PUSH
from graphad.compiler.errors import GraphError
from graphad.planning.candidates import Candidate, chained, compressed, eliminated, sweep
from graphad.planning.chains import Chain, How
from graphad.planning.curvature import curvature
from graphad.planning.eliminations import ordered
from graphad.planning.plan import ModeCost, Plan
from graphad.planning.planner import question
from graphad.planning.problem import Problem
from graphad.planning.stages import Stage, stages
from graphad.planning.table import MODES
from graphad.planning.writing import FORMAT, fingerprint
from graphad.runtime import FormatError, GraphadError, files
from graphad.runtime.schema import (
    array,
    choice,
    either,
    integer,
    mapping,
    number,
    optional,
    parse_json,
    record,
    row,
    text,
)
from graphad.sparse import compress_hessian, compress_jacobian
from graphad.structures import count
from graphad.tensor import Tensor

LONGEST: Final = 1 << 26
"""Bytes of a plan."""
_Saved: TypeAlias = dict[str, Any]

_COUNT: Final = integer(most=1 << 128)  # of multiplications: of large graphs they are more than 64 bits hold
_SOME: Final = optional(_COUNT)
_SECONDS: Final = optional(number(0.0))
_COST: Final = record(
    {"multiplications": _COUNT, "seconds": _SECONDS, "memory": _SOME, "plain": _SOME, "how": text(), "work": _SECONDS}
)
_PLACE: Final = integer(most=1 << 31)
_CHAIN: Final = record(
    {
        "factors": array(row(_COUNT, _COUNT, _SOME, _SOME, _SOME, _SOME)),
        "ways": array(either(choice("forward", "reverse"), array(_PLACE))),
        "last steps": array(row(_PLACE, _PLACE, integer(PULL, 1 << 31))),
    }
)
_MODE: Final = choice(*MODES)
_PLAN: Final = record(
    {
        "format": choice(FORMAT),
        "graph": text("[0-9a-f]{64}"),
        "chosen": _MODE,
        "why": text(),
        "cost": mapping(lambda value, place: ModeCost(**_COST(value, place)), key=_MODE),
        "skipped": mapping(text(), key=_MODE),
        "order": optional(array(_PLACE)),
        "chains": array(_CHAIN),
    }
)


def load_plan(path: str | Path, y: Any, x: Any) -> Plan:
    """The plan that a file holds, for the graph that it was made for; of a Hessian, ``y`` is the scalar.

    The plan takes what the file says: nothing is searched for, nothing is predicted. It has the chosen mode only.

    Errors: GraphError for a file that cannot be read or is no plan, and for a plan of another graph.
    """
    try:
        found = parse_json(files.read(path, LONGEST), _PLAN)
        if found["chosen"] not in found["cost"]:
            raise FormatError("cost", f"it chooses {found['chosen']!r}, of which nothing is said")
    except FormatError as error:
        raise GraphError(f"{path} is no plan: {error}; write one with plan.save(path)") from error
    except OSError as error:
        raise GraphError(f"{path}: {error.strerror or error}") from error
    problem, trees, scalar = _asked(y, x, found["graph"])
    if problem is None:
        raise GraphError(
            f"{path} is the plan of another graph than that of y by x; make one with ga.plan_jacobian(y, x)"
        )
    chosen = found["chosen"]
    try:
        candidate = _candidate(problem, chosen, found["order"], found["chains"], scalar)
    except GraphadError as error:
        raise GraphError(f"{path} is no plan of this graph: {error}; make one with ga.plan_jacobian(y, x)") from error
    return Plan(found["cost"], found["skipped"], chosen, found["why"], problem, trees, {chosen: candidate}, scalar)


def _asked(y: Any, x: Any, graph: str) -> tuple[Problem | None, tuple[Any, Any], Tensor | None]:
    """The problem with this fingerprint, its ends and, of a Hessian, the scalar; none where it is of neither."""
    problem = question("load_plan", y, x)
    if graph == fingerprint(problem):
        return problem, (y, x), None
    if isinstance(y, Tensor) and y.shape == ():
        slopes, problem = curvature("load_plan", y, x)
        if problem.outputs and graph == fingerprint(problem):
            return problem, (slopes, x), y
    return None, (y, x), None


def _candidate(
    problem: Problem, mode: str, order: list[int] | None, chains: list[_Saved], scalar: Tensor | None
) -> Candidate:
    if mode in ("forward", "reverse"):
        return sweep(problem, "forward" if mode == "forward" else "reverse")
    if mode == "chain":
        return chained(problem, _chains(problem, chains))
    if mode == "sparse":
        (y,), (x,) = problem.outputs, problem.inputs
        return compressed(problem, compress_jacobian(y, x) if scalar is None else compress_hessian(scalar, x))
    found = eliminated(problem, ordered(problem, order or ()))
    assert found is not None  # an elimination is given, none is looked for
    return found


def _chains(problem: Problem, saved: list[_Saved]) -> dict[tuple[Tensor, Tensor], Chain]:
    """The stages as they follow from the graph, everything else as the file has it."""
    pairs = dict.fromkeys((y, x) for y in problem.outputs for x in problem.inputs if y is not x)
    reached = [(y, x) for y, x in pairs if problem.between(x, y)]
    if len(saved) != len(reached):
        raise FormatError("chains", f"there are {len(saved)}, in the graph {len(reached)}")
    return {(y, x): _chain(problem, x, y, chain) for (y, x), chain in zip(reached, saved, strict=True)}


def _chain(problem: Problem, x: Tensor, y: Tensor, saved: _Saved) -> Chain:
    factors = ChainProblem(tuple(Factor(*numbers) for numbers in saved["factors"]))
    found = stages(problem, x, y, len(factors))
    sizes = [(count(stage.exit.shape), count(stage.entry.shape)) for stage in found]
    if sizes != list(zip(factors.rows, factors.columns, strict=True)) or len(saved["ways"]) != len(sizes):
        raise FormatError("chains", f"its stages are not the {len(sizes)} of the graph")
    ways = tuple(_way(stage, way) for stage, way in zip(found, saved["ways"], strict=True))
    last = {(i, j): step for i, j, step in saved["last steps"]}

    def decide(state: State) -> tuple[int, int]:
        i, j, _ = state
        step = last.get((i, j))
        if step is None or not (step in (PUSH, PULL) or i <= step < j):  # a part is smaller, so that there is an end
            raise FormatError("chains", f"the last step of factors {i} to {j} is {step}")
        return step, 0

    return Chain(tuple(found), factors, rebuild(factors, decide)[0], ways)


def _way(stage: Stage, way: How | list[int]) -> How:
    return ordered(stage.alone(), way) if isinstance(way, list) else way
