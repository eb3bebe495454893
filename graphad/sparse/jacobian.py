"""Sparse Jacobians and Hessians, graph to graph: the plan, and what is built from it."""

from typing import Any

from graphad.build import refuse
from graphad.compiler.errors import GraphError
from graphad.sparse.analysis import check, gradient_of
from graphad.sparse.compression import METHODS, Compression, check_choice, compress
from graphad.sparse.constant import dense_constant
from graphad.sparse.terms import split
from graphad.sparse.values import built
from graphad.sparse_tensor import SparseTensor
from graphad.tensor import Tensor


def sparse_jacobian(y: Tensor, x: Tensor, plan: Compression | None = None, **choices: Any) -> SparseTensor:
    """dy/dx as a matrix y.size x x.size (both row-major) of which only the entries of its pattern are computed.

    Args:
        y, x: float tensors of any shape; all sizes are numbers.
        plan: what ``compress_jacobian(y, x)`` answered, where the caller has it.
        choices: as those of ``compress_jacobian``, which makes the plan otherwise.

    The values have y's dtype and are ordinary nodes: they differentiate. A value of the pattern may be 0. An element
    that structure excludes is not there, also where the dense Jacobian would hold 0 * inf = NaN.

    Errors: GraphError where y does not depend on x, DTypeError for integers, ShapeError for sizes that are names.

    >>> import graphad as ga
    >>> x = ga.input("x", (4,))
    >>> J = sparse_jacobian(x[1:] * x[:-1], x)
    >>> J
    <sparse 3 x 4: 6 of float32>
    >>> ga.evaluate(J, {x: [1.0, 2.0, 3.0, 4.0]}).toarray()
    array([[2., 1., 0., 0.],
           [0., 3., 2., 0.],
           [0., 0., 4., 3.]], dtype=float32)
    """
    if plan is None:
        plan = compress_jacobian(y, x, **choices)
    elif not _is_for(plan, y, x) or plan.method == "star" or choices:
        refuse(GraphError, "sparse_jacobian", (y, x), "the plan is another's; make one by compress_jacobian(y, x)")
    return built(plan, y.dtype)


def _is_for(plan: object, y: Tensor, x: Tensor) -> bool:
    return isinstance(plan, Compression) and plan.y is y and plan.x is x


def compress_jacobian(
    y: Tensor,
    x: Tensor,
    method: str = "auto",
    tangent_cost: float = 1.0,
    adjoint_cost: float = 1.0,
    seed: int = 0,
) -> Compression:
    """The plan of ``sparse_jacobian``: the pattern, what is known of it, and the colours for the rest.

    Args:
        method: "columns", "rows", "bidirectional", or the cheapest of them, "auto".
        tangent_cost, adjoint_cost: of one sweep, in any unit; what counts is colours times cost.
        seed: of the random vertex order.

    Errors: as ``sparse_jacobian``; GraphError for another method or a cost that is not above 0.

    >>> import graphad as ga
    >>> x = ga.input("x", (100,))
    >>> print(compress_jacobian(x[2:] * x[1:-1] * x[:-2], x))
    98 x 100, 294 entries (0.03): columns, 3 tangents (order: natural)
    """
    check_choice("compress_jacobian", method, ("auto", *METHODS[1:4]), tangent_cost, adjoint_cost)
    check("compress_jacobian", y, x)
    terms = dense_constant(y, x) or split(y, x)
    return compress(y, x, terms, method, tangent_cost, adjoint_cost, seed)


def sparse_hessian(y: Tensor, x: Tensor, plan: Compression | None = None) -> SparseTensor:
    """The second derivatives of the scalar ``y``, x.size x x.size: star colouring of forward over reverse mode.

    Each pair of entries (i, j), (j, i) is computed once, in one of the two places. See ``sparse_jacobian``.

    >>> import graphad as ga
    >>> x = ga.input("x", (3,))
    >>> ga.evaluate(sparse_hessian(ga.sum(x[1:] * x[:-1]) + ga.sum(x**3), x), {x: [1.0, 2.0, 3.0]}).toarray()
    array([[ 6.,  1.,  0.],
           [ 1., 12.,  1.],
           [ 0.,  1., 18.]], dtype=float32)
    """
    given: object = plan
    if plan is None:
        plan = compress_hessian(y, x)
    elif (
        not isinstance(given, Compression)
        or given.x is not x
        or given.y is not y
        or given.method not in ("star", "structure")
    ):
        refuse(GraphError, "sparse_hessian", (y, x), "the plan is another's; make one by compress_hessian(y, x)")
    return built(plan, x.dtype)


def compress_hessian(y: Tensor, x: Tensor, seed: int = 0) -> Compression:
    """The plan of ``sparse_hessian``.

    >>> import graphad as ga
    >>> x = ga.input("x", (100,))
    >>> print(compress_hessian(x[0] * ga.sum(x) + ga.sum(x**4), x))
    100 x 100, 298 entries (0.03, 198 known before): star, 1 tangent (order: natural)
    """
    gradient = gradient_of("compress_hessian", y, x)
    return compress(y, x, split(gradient, x, hessian=True), "star", 1.0, 1.0, seed)


__all__ = ["compress_hessian", "compress_jacobian", "sparse_hessian", "sparse_jacobian"]
