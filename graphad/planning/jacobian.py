"""`ga.jacobian`: the front door to all modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias, get_args

from graphad.autodiff.structure import flatten
from graphad.build import refuse
from graphad.checks import shown
from graphad.compiler.errors import GraphError
from graphad.planning.candidates import Candidate, chained, eliminated, sweep
from graphad.planning.eliminations import LARGEST, in_order
from graphad.planning.plan import Plan, answered
from graphad.planning.planner import best_way, question
from graphad.planning.problem import Problem
from graphad.sparse import sparse_jacobian
from graphad.tensor import Tensor

Mode: TypeAlias = Literal["auto", "forward", "reverse", "chain", "eliminate", "sparse"]
MODES: Final = get_args(Mode)


def jacobian(y: Any, x: Any, mode: Mode | Plan = "auto", order: Sequence[Tensor] | None = None) -> Any:
    """dy/dx of shape ``y.shape + x.shape``.

    Args:
        y: a float tensor, or a list, tuple or dict of them, answered in kind.
        x: the same; inside each answer for an output there is one for each of these, in kind.
        mode: ``forward`` multiplies local Jacobians from the inputs on, ``reverse`` from the outputs back, ``chain`` in
            the cheapest bracketing of the stages into which single nodes cut the graph, ``eliminate`` vertex by vertex
            in the cheapest order found; ``auto`` takes the one that is predicted to be the quickest, as
            `ga.plan_jacobian` explains. ``sparse`` answers a `scipy.sparse` array when compiled. Or a plan of these
            very tensors, made or loaded.
        order: for ``eliminate``, the tensors between inputs and outputs in the order in which to eliminate them.

    Every mode keeps the structure that local Jacobians have (diagonal, Kronecker, constant, selection), and gives the
    same numbers to rounding. Symbolic sizes count as 64 where modes are compared.

    Errors: GraphError where y does not depend on x or an order or a plan does not fit, DTypeError for integers.

    >>> import graphad as ga
    >>> x = ga.input("x", (2,))
    >>> ga.evaluate(jacobian(x * x, x), {x: [1.0, 2.0]})
    array([[2., 0.],
           [0., 4.]], dtype=float32)
    """
    if isinstance(mode, Plan):
        return _by_plan(mode, y, x, order)
    check_mode("jacobian", mode)
    if order is not None and mode != "eliminate":
        refuse(GraphError, "jacobian", (), f"an order is for mode='eliminate', got mode={mode!r}")
    problem = question("jacobian", y, x)
    if mode == "sparse":
        return _sparse(y, x)
    return answered(problem, by_mode(problem, mode, order), (y, x))


def by_mode(problem: Problem, mode: str, order: Sequence[Tensor] | None = None) -> list[list[Tensor]]:
    """The Jacobian's blocks by a dense mode, ``auto`` being the plan's choice."""
    return (best_way(problem) if mode == "auto" else _candidate(problem, mode, order)).blocks


def check_mode(name: str, mode: object) -> None:
    """That there is such a mode."""
    if not isinstance(mode, str) or mode not in MODES:
        wanted = f"mode is one of {', '.join(map(repr, MODES))}, or a plan"
        refuse(GraphError, name, (), f"{wanted}; got {shown(mode)}")


def _sparse(y: Any, x: Any) -> Any:
    if not isinstance(y, Tensor) or not isinstance(x, Tensor):
        refuse(GraphError, "jacobian", (), "mode='sparse' takes one tensor at either end; ask for each pair by itself")
    return sparse_jacobian(y, x)


def _by_plan(plan: Plan, y: Any, x: Any, order: Sequence[Tensor] | None) -> Any:
    """The plan carried out, if it is that of y by x."""
    outputs, inputs = tuple(flatten("jacobian", y)), tuple(flatten("jacobian", x))
    asked, known = (*outputs, *inputs), (*plan.problem.outputs, *plan.problem.inputs)
    if len(outputs) != len(plan.problem.outputs) or list(map(id, asked)) != list(map(id, known)):
        refuse(
            GraphError,
            "jacobian",
            outputs,
            "the plan was made for other tensors; make one with ga.plan_jacobian(y, x), or load it for them with "
            "ga.load_plan(path, y, x)",
        )
    if order is not None:
        refuse(GraphError, "jacobian", outputs, "an order is for mode='eliminate', a plan has its own")
    return answered(plan.problem, plan.candidates[plan.chosen].blocks, (y, x))


def _candidate(problem: Problem, mode: str, order: Sequence[Tensor] | None) -> Candidate:
    if mode in ("forward", "reverse"):
        return sweep(problem, "forward" if mode == "forward" else "reverse")
    if mode == "chain":
        return chained(problem)
    found = eliminated(problem, None if order is None else in_order(problem, order))
    if found is None:
        refuse(
            GraphError,
            "jacobian",
            problem.outputs,
            f"mode='eliminate': no order is looked for above {LARGEST:,} tensors with axes, there are "
            f"{len(problem.nodes):,}; write mode='auto'",
        )
    return found
