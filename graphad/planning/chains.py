"""Chain mode: stages are accumulated, multiplied or swept through, in the order that `graphad.chain` finds cheapest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from graphad.chain import (
    AccumulateAdjoint,
    AccumulateStructure,
    AccumulateTangent,
    Bracketing,
    Factor,
    Given,
    Multiply,
    PullAdjoint,
    PushTangent,
    steps,
)
from graphad.chain.problem import Problem as ChainProblem
from graphad.chain.rebuild import tree
from graphad.chain.recurrence import choices
from graphad.planning.blocks import Blocks
from graphad.planning.eliminations import TIME, Elimination, plan_elimination
from graphad.planning.problem import Problem
from graphad.planning.stages import MOST, Stage, stages
from graphad.structures import (
    Prices,
    Structured,
    Weights,
    after,
    count,
    direction,
    forward,
    identity,
    materialise,
    reverse,
)
from graphad.tensor import Tensor

How: TypeAlias = Literal["forward", "reverse"] | Elimination
"""The way to a stage's own matrix."""

SMALLEST: Final = 4
LARGEST: Final = 300
"""Nodes of stages for which an elimination order is looked for."""
FEWEST: Final = 8
"""Stages of which a chain may consist, however many chains there are."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The stages from one input to one output, and the cheapest bracketing of their Jacobians."""

    stages: tuple[Stage, ...]
    problem: ChainProblem
    bracketing: Bracketing
    whole: tuple[How, ...]  # how each stage's own matrix is accumulated


def plan_chain(problem: Problem, x: Tensor, y: Tensor, most: int = MOST, seconds: float = TIME) -> Chain | None:
    """The chain from ``x`` to ``y``, of one stage where no node cuts it; None where there is no way."""
    found = stages(problem, x, y, most)
    if not found:
        return None
    priced = [_factor(problem, stage, seconds / len(found)) for stage in found]
    chain = ChainProblem(tuple(factor for factor, _ in priced))
    return Chain(tuple(found), chain, tree(chain, choices(chain)), tuple(how for _, how in priced))


def _factor(problem: Problem, stage: Stage, seconds: float) -> tuple[Factor, How]:
    """What one sweep through a stage costs, and its matrix by the cheapest mode, as structure allows."""
    ways: dict[How, int] = {"forward": _price(problem, stage, "forward"), "reverse": _price(problem, stage, "reverse")}
    whole: How = "forward" if ways["forward"] <= ways["reverse"] else "reverse"
    if SMALLEST <= len(stage.nodes) <= LARGEST and ways[whole]:
        found = plan_elimination(stage.alone(), time_budget=seconds)
        if found is not None and (price := _price(problem, stage, found)) < ways[whole]:
            ways[whole], whole = price, found
    tangent, adjoint = Prices(), Prices()
    through(tangent, problem, [stage], direction(stage.entry.shape, stage.entry.dtype, target=True))
    back(adjoint, problem, [stage], direction(stage.exit.shape, stage.exit.dtype, target=False))
    costs = tangent.multiplications, adjoint.multiplications
    least = min(ways.values())
    size = sum(count(node.shape) for node in stage.nodes)
    return Factor(count(stage.exit.shape), count(stage.entry.shape), *costs, tape=size, jacobian_cost=least), whole


def _price(problem: Problem, stage: Stage, how: How) -> int:
    w = Prices()
    accumulate(w, problem, stage, how)
    return w.multiplications


def accumulate(w: Weights, problem: Problem, stage: Stage, how: How) -> Structured:
    """d exit / d entry of one stage, by one mode from the identity, or in an elimination order."""
    entry, leave = stage.entry, stage.exit
    if isinstance(how, Elimination):
        return how.matrix(w)
    if how == "forward":
        return forward(w, problem.edges, stage.nodes, {entry: identity(entry.shape, entry.dtype)})[leave]
    return reverse(w, problem.edges, stage.nodes, {leave: identity(leave.shape, leave.dtype)}, {entry})[entry]


def through(w: Weights, problem: Problem, swept: list[Stage], j: Structured) -> Structured:
    """Tangents through stages, innermost first."""
    for stage in swept:
        j = forward(w, problem.edges, stage.nodes, {stage.entry: j})[stage.exit]
    return j


def back(w: Weights, problem: Problem, swept: list[Stage], j: Structured) -> Structured:
    """Adjoints through stages, outermost first."""
    for stage in swept:
        j = reverse(w, problem.edges, stage.nodes, {stage.exit: j}, {stage.entry})[stage.entry]
    return j


def run_chain(w: Weights, problem: Problem, chain: Chain) -> Structured:
    """The bracketing carried out."""
    done: dict[Bracketing, Structured] = {}
    for step in steps(chain.bracketing):
        operands = [done.pop(child) for child in step.children]
        done[step] = _step(w, problem, chain, step, operands)
    return done[chain.bracketing]


def _step(w: Weights, problem: Problem, chain: Chain, step: Bracketing, operands: list[Structured]) -> Structured:
    match step:
        case Given() | AccumulateStructure():
            return accumulate(w, problem, chain.stages[step.first - 1], chain.whole[step.first - 1])
        case AccumulateTangent():
            return accumulate(w, problem, chain.stages[step.first - 1], "forward")
        case AccumulateAdjoint():
            return accumulate(w, problem, chain.stages[step.first - 1], "reverse")
        case Multiply():
            left, right = operands
            return after(w, materialise(w, left), materialise(w, right))
        case PushTangent():
            return through(w, problem, [chain.stages[k - 1] for k in step.through], operands[0])
        case PullAdjoint():
            return back(w, problem, [chain.stages[k - 1] for k in step.through], operands[0])


def plan_chains(problem: Problem) -> dict[tuple[Tensor, Tensor], Chain]:
    """A chain for each output and each input on which it depends, by (y, x)."""
    pairs = dict.fromkeys((y, x) for y in problem.outputs for x in problem.inputs if y is not x)
    most = max(FEWEST, round(MOST / max(len(pairs), 1) ** (1 / 3)))  # a bracketing's work grows with the cube
    return {
        (y, x): chain for y, x in pairs if (chain := plan_chain(problem, x, y, most, TIME / len(pairs))) is not None
    }


def by_chain(w: Weights, problem: Problem, chains: dict[tuple[Tensor, Tensor], Chain]) -> Blocks:
    """Each block by its chain."""
    found: Blocks = {(y, x): run_chain(w, problem, chain) for (y, x), chain in chains.items()}
    both = set(problem.inputs) & set(problem.outputs)
    return found | {(x, x): identity(x.shape, x.dtype) for x in both}
