"""A benchmark graph's Jacobian in one mode, at one point or at many, ready to be priced, compiled and called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphad.autodiff import vectorize
from graphad.autodiff.structure import flatten
from graphad.compile import compile
from graphad.leaves import input as placeholder
from graphad.modes.problem import BenchmarkGraph, Problem
from graphad.planning import Plan, plan_hessian, plan_jacobian
from graphad.planning import problem as planning
from graphad.planning.dags import Dag, of_scalars
from graphad.planning.scalars import scalars
from graphad.tensor import Tensor

Call = Callable[[], list[np.ndarray]]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The plan of a graph's Jacobian, and the points at which it is evaluated.

    Attributes:
        inputs: of a compiled function: the problem's inputs, with a first axis for the points where there are many.
        values: arrays for them.
    """

    graph: BenchmarkGraph
    plan: Plan
    problem: Problem
    points: int
    inputs: list[Tensor]
    values: list[np.ndarray]

    def blocks(self, mode: str) -> list[Tensor]:
        """The Jacobian's nodes in a mode of the plan, one for each input; with a first axis for many points."""
        found = flatten("jacobian", self.plan.jacobian(mode))
        if self.points == 1:
            return found
        batched: list[Tensor] = vectorize(found, dict(zip(self.problem.inputs, self.inputs, strict=True)))
        return batched

    def compiled(self, mode: str, target: str = "cpu") -> Call:
        """A call without arguments, on one thread, that gives the blocks as arrays."""
        function = compile(self.inputs, self.blocks(mode), target=target, threads=1)
        return lambda: function(*self.values)


def scalar_dag(graph: BenchmarkGraph, problem: Problem) -> Dag | None:
    """The vertices and edges whose elimination is counted in the literature; None for tensor code."""
    found = scalars(planning.Problem.of("scalar_dag", graph.differentiated(problem), problem.inputs))
    dag = None if found is None else of_scalars(found)
    return None if dag is None or dag.graph is None else dag


def evaluation(graph: BenchmarkGraph, points: int | None = None, **sizes: Any) -> Evaluation:
    """Plans a graph's Jacobian, or its Hessian, at so many points (the graph's own number unless said)."""
    problem = graph.build(**sizes)
    count = graph.points if points is None or graph.points == 1 else points
    plan = plan_hessian(problem.y, problem.x) if graph.hessian else plan_jacobian(problem.y, problem.x)
    values = problem.points(count)
    if count == 1:
        return Evaluation(graph, plan, problem, 1, problem.inputs, [v[0] for v in values])
    inputs = [placeholder(f"x{k}", (count, *x.shape), x.dtype) for k, x in enumerate(problem.inputs)]
    return Evaluation(graph, plan, problem, count, inputs, values)
