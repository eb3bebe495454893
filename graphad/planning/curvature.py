"""Second derivatives: Hessians and their products, by the same planner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar, cast

from graphad.autodiff.modes import check_reach, directions, grad, order, pull_back, push_forward
from graphad.autodiff.structure import flatten, unflatten
from graphad.build import refuse
from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.graph import topological
from graphad.compiler.ir.size import Size
from graphad.compiler.model.counts import count
from graphad.ops.creation import ones_like
from graphad.planning.jacobian import Mode, by_mode, check_mode
from graphad.planning.plan import Plan, answered
from graphad.planning.planner import planned
from graphad.planning.problem import Problem
from graphad.sparse import compress_hessian, sparse_hessian
from graphad.structures import TYPICAL, Edges
from graphad.tensor import Tensor

T = TypeVar("T")


def hessian(y: Any, x: Any, mode: Mode | Plan = "auto") -> Any:
    """The second derivatives of a scalar: shape ``x.shape + x.shape``, the Jacobian of its gradient.

    Args:
        y: a float scalar.
        x: a tensor, or a list, tuple or dict of them: then the answer is nested, ``hessian[i][j]`` of shape
            ``x[i].shape + x[j].shape``.
        mode: as for `ga.jacobian`, of the gradient (which is reverse mode): "forward" is forward over reverse,
            "auto" what `ga.plan_hessian` chooses. Or such a plan of this very scalar.

    Errors: ShapeError if y is no scalar, DTypeError for integers, GraphError where y does not depend on ``x``.

    >>> import graphad as ga
    >>> x = ga.input("x", (2,))
    >>> ga.evaluate(hessian(ga.prod(x), x), {x: [3.0, 5.0]})
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    """
    if isinstance(mode, Plan):
        return _by_plan(mode, y, x)
    check_mode("hessian", mode)
    if mode == "sparse":
        if not isinstance(x, Tensor):
            refuse(GraphError, "hessian", (y,), "mode='sparse' takes one tensor; ask for each by itself")
        return sparse_hessian(y, x)
    slopes, problem = curvature("hessian", y, x)
    return answered(problem, by_mode(problem, mode) if problem.outputs else [], (slopes, x))


def plan_hessian(y: Any, x: Any, seed: int = 0) -> Plan:
    """The plan of the Hessian of a scalar: that of its gradient's Jacobian, as ``hessian(y, x)`` takes it.

    Errors: as for `ga.hessian`, and GraphError where all second derivatives are zero.
    """
    slopes, problem = curvature("plan_hessian", y, x)
    if not problem.outputs:
        refuse(GraphError, "plan_hessian", (y,), "the gradient does not depend on x: every second derivative is zero")
    plan = planned(problem, (slopes, x), lambda _, leaf: compress_hessian(y, leaf), seed)
    return replace(plan, scalar=y)


def curvature(name: str, y: Any, x: Any) -> tuple[Any, Problem]:
    """The gradient, in kind of ``x``, and its Jacobian as a problem: of those gradients and inputs that depend on each
    other, none for a linear function.
    """
    leaves, gradients = _gradients(name, y, x)
    reached = {(i, j) for i, g in enumerate(gradients) for j in _reached(g, leaves)}
    slopes = [g for i, g in enumerate(gradients) if any(i == a for a, _ in reached)]
    moving = [leaf for j, leaf in enumerate(leaves) if any(j == b for _, b in reached)]
    problem = Problem.of(name, slopes, moving) if slopes else Problem((), (), (), Edges(set()))
    return unflatten(x, gradients), problem


def _by_plan(plan: Plan, y: Any, x: Any) -> Any:
    if plan.scalar is not y or list(map(id, flatten("hessian", x))) != list(map(id, flatten("hessian", plan.trees[1]))):
        refuse(
            GraphError,
            "hessian",
            (y,) if isinstance(y, Tensor) else (),
            "the plan was made for other tensors, or for a Jacobian; make one with ga.plan_hessian(y, x), or load it "
            "for them with ga.load_plan(path, y, x)",
        )
    return answered(plan.problem, plan.candidates[plan.chosen].blocks, (plan.trees[0], x))


def _gradients(name: str, y: Any, x: Any) -> tuple[list[Tensor], list[Tensor]]:
    if not isinstance(y, Tensor):
        refuse(GraphError, name, (y,), "the first argument is a scalar tensor")
    if y.shape != ():
        refuse(ShapeError, name, (y,), "takes a scalar; use ga.sum(y), or ga.jacobian twice")
    if not is_float(y.dtype):
        refuse(DTypeError, name, (y,), f"{y.dtype} has no derivative")
    leaves = flatten(name, x)
    check_reach(name, [y], leaves, order([y]))
    return leaves, grad(y, leaves)


def _reached(gradient: Tensor, leaves: list[Tensor]) -> list[int]:
    """The numbers of the inputs on which a gradient depends."""
    nodes = order([gradient])
    return [j for j, x in enumerate(leaves) if _reaches(gradient, x, nodes)]


def _reaches(y: Tensor, x: Tensor, nodes: list[Tensor]) -> bool:
    try:
        check_reach("hessian", [y], [x], nodes)
    except (GraphError, DTypeError):
        return False
    return True


def hvp(y: Tensor, x: T, v: Any) -> T:
    """The Hessian of a scalar times ``v`` (both like ``x``): forward over reverse mode, or reverse over forward.

    Takes the one with fewer multiplications; forward over reverse, where they are equal.

    >>> import graphad as ga
    >>> x = ga.input("x", ())
    >>> ga.evaluate(hvp(x * x * x, x, ga.constant(1.0)), {x: 2.0})
    array(12., dtype=float32)
    """
    leaves = flatten("hvp", x)
    along = directions("hvp", x, v)
    gradients = grad(y, leaves)
    first = push_forward(gradients, leaves, along)
    (slope,) = push_forward([y], leaves, along)
    second = pull_back([slope], [ones_like(slope)], leaves)
    best = min((first, second), key=_multiplications)
    return cast(T, unflatten(x, best))


def _multiplications(tensors: list[Tensor]) -> int:
    nodes = topological(tensors)
    names = {name for n in nodes for d in n.type.shape if isinstance(d, Size) for name in d.names()}
    return count(nodes, dict.fromkeys(sorted(names), TYPICAL))
