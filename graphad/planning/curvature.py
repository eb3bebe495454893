"""Second derivatives: Hessians and their products, by the same planner."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from graphad.autodiff.modes import check_reach, directions, grad, order, pull_back, push_forward
from graphad.autodiff.structure import flatten, unflatten
from graphad.build import refuse
from graphad.checks import shown
from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.graph import topological
from graphad.compiler.ir.size import Size
from graphad.compiler.model.counts import count
from graphad.ops.creation import ones_like, zeros
from graphad.planning.jacobian import Mode, jacobian
from graphad.planning.plan import Plan
from graphad.planning.planner import planned, question
from graphad.sparse import compress_hessian, sparse_hessian
from graphad.structures import TYPICAL
from graphad.tensor import Tensor

T = TypeVar("T")


def hessian(y: Any, x: Any, mode: Mode = "auto") -> Any:
    """The second derivatives of a scalar: shape ``x.shape + x.shape``, the Jacobian of its gradient.

    Args:
        y: a float scalar.
        x: a tensor, or a list, tuple or dict of them: then the answer is nested, ``hessian[i][j]`` of shape
            ``x[i].shape + x[j].shape``.
        mode: as for `ga.jacobian`, of the gradient (which is reverse mode): "forward" is forward over reverse.

    Errors: ShapeError if y is no scalar, DTypeError for integers, GraphError where y does not depend on ``x``.

    >>> import graphad as ga
    >>> x = ga.input("x", (2,))
    >>> ga.evaluate(hessian(ga.prod(x), x), {x: [3.0, 5.0]})
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    """
    if not isinstance(mode, str):
        refuse(GraphError, "hessian", (), f"mode is a text, such as 'auto', got {shown(mode)}")
    if mode == "sparse":
        if not isinstance(x, Tensor):
            refuse(GraphError, "hessian", (y,), "mode='sparse' takes one tensor; ask for each by itself")
        return sparse_hessian(y, x)
    leaves, gradients = _gradients("hessian", y, x)
    rows = [_row(gradient, leaves, mode) for gradient in gradients]
    return unflatten(x, [unflatten(x, row) for row in rows])


def plan_hessian(y: Any, x: Any, seed: int = 0) -> Plan:
    """The plan of the Hessian of a scalar: that of its gradient's Jacobian."""
    _, gradients = _gradients("plan_hessian", y, x)
    slopes = gradients[0] if isinstance(x, Tensor) else gradients
    return planned(question("plan_hessian", slopes, x), (slopes, x), lambda _, leaf: compress_hessian(y, leaf), seed)


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


def _row(gradient: Tensor, leaves: list[Tensor], mode: Mode) -> list[Tensor]:
    """The blocks of one input's gradient; zeros where it does not depend on an input, as that of a linear function."""
    nodes = order([gradient])
    reached = [x for x in leaves if _reaches(gradient, x, nodes)]
    found = dict(zip(reached, jacobian(gradient, reached, mode), strict=True)) if reached else {}
    return [found[x] if x in found else zeros((*gradient.shape, *x.shape), gradient.dtype) for x in leaves]


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
