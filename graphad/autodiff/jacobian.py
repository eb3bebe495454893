"""Whole Jacobians and Hessians: a mode's sweep, vectorised over the directions of a basis."""

import math
from typing import Any, Final, Literal, TypeAlias, get_args

from graphad.autodiff.modes import check_reach, grad, order, pull_back, push_forward
from graphad.autodiff.structure import flatten, unflatten
from graphad.autodiff.vectorize import vectorize
from graphad.build import refuse
from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.size import product
from graphad.leaves import input as placeholder
from graphad.ops.creation import eye, zeros
from graphad.ops.shape import permute_dims, reshape
from graphad.tensor import Tensor

Mode: TypeAlias = Literal["auto", "forward", "reverse"]
MODES: Final = get_args(Mode)
_TYPICAL = 64  # what a symbolic size counts as, where sweeps are compared


def jacobian(y: Tensor, x: Any, mode: Mode = "auto") -> Any:
    """dy/dx of shape ``y.shape + x.shape``; for a list, tuple or dict of tensors ``x``, one each, answered in kind.

    ``forward`` sweeps once for each element of x, ``reverse`` once for each element of y, all in one vectorised pass;
    ``auto`` takes the one with fewer sweeps, reverse where they are equal (a symbolic size counts as 64).

    >>> import graphad as ga
    >>> x = ga.input("x", (2,))
    >>> ga.evaluate(jacobian(x * x, x), {x: [1.0, 2.0]})
    array([[2., 0.],
           [0., 4.]], dtype=float32)
    """
    leaves = flatten("jacobian", x)
    if not isinstance(y, Tensor):
        refuse(GraphError, "jacobian", (y,), "the first argument is a tensor")
    if mode not in MODES:
        refuse(GraphError, "jacobian", (y,), f"mode is 'auto', 'forward' or 'reverse', got {mode!r}")
    check_reach("jacobian", [y], leaves, order([y]))
    forward = mode == "forward" or (mode == "auto" and sum(map(_sweeps, leaves)) < _sweeps(y))
    parts = [_forward(y, leaf) for leaf in leaves] if forward else _reverse(y, leaves)
    return unflatten(x, parts)


def _sweeps(x: Tensor) -> int:
    """Elements of x, symbolic sizes taken for typical ones."""
    return math.prod(d if isinstance(d, int) else _TYPICAL for d in x.shape)


def _basis(x: Tensor) -> Tensor:
    """All directions of x: (x.size, *x.shape)."""
    return reshape(eye(product(x.shape), dtype=x.dtype), (product(x.shape), *x.shape))


def _forward(y: Tensor, x: Tensor) -> Tensor:
    tangent = placeholder("tangent", x.shape, x.dtype)
    (swept,) = push_forward([y], [x], [tangent])
    rows = vectorize(swept, {tangent: _basis(x)})
    last = permute_dims(rows, (*range(1, rows.ndim), 0))
    return reshape(last, (*y.shape, *x.shape))


def _reverse(y: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    cotangent = placeholder("cotangent", y.shape, y.dtype)
    swept = pull_back([y], [cotangent], leaves)
    rows = vectorize(swept, {cotangent: _basis(y)})
    return [reshape(r, (*y.shape, *x.shape)) for r, x in zip(rows, leaves, strict=True)]


def hessian(y: Tensor, x: Tensor) -> Tensor:
    """The second derivatives of a scalar, shape ``x.shape + x.shape``, by forward over reverse mode.

    Errors: ShapeError if y is no scalar, DTypeError for integers, GraphError where y does not depend on ``x``.

    >>> import graphad as ga
    >>> x = ga.input("x", (2,))
    >>> ga.evaluate(hessian(ga.prod(x), x), {x: [3.0, 5.0]})
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    """
    if not isinstance(y, Tensor):
        refuse(GraphError, "hessian", (y,), "the first argument is a scalar tensor")
    if not isinstance(x, Tensor):
        refuse(GraphError, "hessian", (y,), f"the second argument is one tensor, got {type(x).__name__}")
    if y.shape != ():
        refuse(ShapeError, "hessian", (y,), "takes a scalar; use ga.sum(y), or ga.jacobian twice")
    if not is_float(y.dtype):
        refuse(DTypeError, "hessian", (y,), f"{y.dtype} has no derivative")
    check_reach("hessian", [y], [x], order([y]))
    gradient = grad(y, x)
    try:
        check_reach("hessian", [gradient], [x], order([gradient]))
    except (GraphError, DTypeError):  # a linear function: its gradient does not depend on x
        return zeros((*x.shape, *x.shape), x.dtype)
    result: Tensor = jacobian(gradient, x, mode="forward")
    return result
