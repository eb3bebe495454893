"""Eliminate mode: the graph's vertices go one by one, in the cheapest order found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphad.build import refuse
from graphad.checks import listed
from graphad.checks import shown as brief
from graphad.compiler.errors import GraphError
from graphad.elimination import solve
from graphad.elimination.solution import Solution
from graphad.planning.blocks import Blocks, as_tensors
from graphad.planning.dags import Dag, of_nodes, of_scalars
from graphad.planning.orders import MOVES, Order, cheapest
from graphad.planning.problem import Problem
from graphad.planning.scalars import Scalars, assembled, scalars
from graphad.structures import PRICED, Einsum, Nodes, Structured, Weights, identity
from graphad.structures.letters import fresh
from graphad.tensor import Tensor

LARGEST: Final = 2000
"""Vertices with axes, above which no order of matrices is looked for."""
TIME: Final = 0.2
"""Seconds of annealing."""


@dataclass(frozen=True, eq=False)
class Elimination:
    """The graph, by scalars or by whole tensors, and the order in which its vertices go."""

    problem: Problem
    dag: Dag
    order: tuple[int, ...]
    scalars: Scalars | None = None
    solution: Solution | None = None  # of a scalar graph
    matrices: Order | None = None  # of one with axes

    @property
    def method(self) -> str:
        """What found the order."""
        if self.matrices is not None:
            return self.matrices.method
        if self.solution is None:
            return "in the order given" if self.order else "nothing to order"
        least = min(self.solution.heuristics.values(), default=0)
        found = [name for name, cost in self.solution.heuristics.items() if cost == least]
        return f"{found[0] if found else 'nothing to order'}{', proved least' if self.solution.exact else ''}"

    def matrix(self, w: Weights) -> Structured:
        """Of one output by one input: dy/dx as a structure; dense, if the graph was taken apart into scalars."""
        (x,), (y,) = self.problem.inputs, self.problem.outputs
        if self.scalars is None:
            return next(iter(self.dag.play(w, self.order).values()))
        entries = self.dag.play(w, self.order)
        letters = fresh(y.ndim + x.ndim)
        extents = dict(zip(letters, (*y.shape, *x.shape), strict=True))
        names = self.dag.vertices
        named = {(names[a], names[b]): j for (a, b), j in entries.items()}
        weight = assembled(w, self.problem, self.scalars, named)[0][0] if isinstance(w, Nodes) else PRICED
        return Einsum(letters[: y.ndim], letters[y.ndim :], extents, y.dtype, letters, weight)

    def accumulate(self, w: Nodes) -> list[list[Tensor]]:
        """For each output, for each input: dy/dx as a tensor."""
        entries = self.dag.play(w, self.order)
        names = self.dag.vertices
        if self.scalars is not None:
            return assembled(w, self.problem, self.scalars, {(names[a], names[b]): j for (a, b), j in entries.items()})
        blocks: Blocks = {(names[b], names[a]): j for (a, b), j in entries.items()}
        for x in set(self.problem.inputs) & set(self.problem.outputs):
            blocks[x, x] = identity(x.shape, x.dtype)
        return as_tensors(w, self.problem, blocks)


def plan_elimination(problem: Problem, seed: int = 0, time_budget: float = TIME) -> Elimination | None:
    """An order for the problem's graph; None where it is too large to look for one."""
    graph = scalars(problem, share=True)
    if graph is not None:
        dag = of_scalars(graph)
        if dag.graph is None:
            return Elimination(problem, dag, (), graph)
        found = solve(
            dag.edges,
            dag.inputs,
            dag.outputs,
            units=dag.units,
            seed=seed,
            time_budget=time_budget,
            minimize="nontrivial",
        )
        return Elimination(problem, dag, tuple(found.order), graph, solution=found)  # type: ignore[arg-type]
    if len(problem.nodes) > LARGEST:
        return None
    dag = of_nodes(problem)
    best = cheapest(dag, seed, round(MOVES * time_budget / TIME))
    return Elimination(problem, dag, best.order, matrices=best)


def ordered(problem: Problem, order: Sequence[int]) -> Elimination:
    """The elimination in an order of numbers, as ``plan_elimination`` gives them.

    Errors: GraphError for one that does not have every intermediate once.
    """
    graph = scalars(problem, share=True)
    dag = of_nodes(problem) if graph is None else of_scalars(graph)
    if sorted(order) != sorted(dag.intermediates):
        raise GraphError(f"the order of {len(order)} does not have each of {len(dag.intermediates)} vertices once")
    return Elimination(problem, dag, tuple(order), graph)


def in_order(problem: Problem, order: Sequence[Any]) -> Elimination:
    """The elimination in an order of the user's: every tensor between inputs and outputs, once.

    Errors: GraphError for one that is no such tensor, that stands twice, or that is missed.
    """
    for v in listed("jacobian", "order", order, "intermediate tensors"):
        if not isinstance(v, Tensor):
            refuse(GraphError, "jacobian", (), f"an order is of tensors, got {brief(v)}")
    graph = scalars(problem)
    dag = of_nodes(problem) if graph is None else of_scalars(graph)
    number = {(v[0] if isinstance(v, tuple) else v): k for k, v in enumerate(dag.vertices)}
    inner = dict.fromkeys(dag.intermediates)
    inputs, outputs = set(problem.inputs), set(problem.outputs)  # by identity: == of tensors makes a node
    found: dict[int, None] = {}
    for v in order:
        k = number.get(v) if isinstance(v, Tensor) else None
        if k is None or k not in inner:
            role = "an output" if v in outputs else "an input" if v in inputs else "not between inputs and outputs"
            refuse(GraphError, "jacobian", problem.outputs, f"order names {v!r}, which is {role}")
        if k in found:
            refuse(GraphError, "jacobian", problem.outputs, f"order names {v!r} twice")
        found[k] = None
    missed = [dag.vertices[k] for k in inner if k not in found]
    if missed:
        shown = ", ".join(_name(v) for v in missed[:4]) + (f" and {len(missed) - 4} more" if len(missed) > 4 else "")
        refuse(GraphError, "jacobian", problem.outputs, f"order misses {shown}: every intermediate goes once")
    return Elimination(problem, dag, tuple(found), graph)


def _name(vertex: object) -> str:
    node = vertex[0] if isinstance(vertex, tuple) else vertex
    assert isinstance(node, Tensor)
    return f"{node!r} ({node.site})"
