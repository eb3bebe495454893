"""Sparse Jacobians and Hessians, graph to graph: seeds by colour, a vectorised sweep, and each entry read from it."""

from typing import Any

import numpy as np

from graphad.autodiff.modes import pull_back, push_forward
from graphad.autodiff.vectorize import vectorize
from graphad.build import broadcast, cast, constant, refuse
from graphad.compiler.errors import GraphError
from graphad.compiler.ir.kinds import Constant, Contract, View
from graphad.compiler.ir.op import AliasOp
from graphad.compiler.ir.view import Affine
from graphad.leaves import input as placeholder
from graphad.ops.arithmetic import equal, where
from graphad.ops.creation import zeros
from graphad.ops.indexing import gather
from graphad.ops.shape import permute_dims, reshape
from graphad.sparse.analysis import check, gradient_of
from graphad.sparse.compression import METHODS, Compression, check_choice, compress
from graphad.sparse.matrix import Array, Csr, sparse
from graphad.sparse.recovery import recover
from graphad.sparse.terms import Terms, split
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
    elif plan.y is not y or plan.x is not x or plan.method == "star" or choices:
        refuse(GraphError, "sparse_jacobian", (y, x), "the plan is another's; make one by compress_jacobian(y, x)")
    return _built(plan, y.dtype)


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
    terms = _dense_constant(y, x) or split(y, x)
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
    if plan is None:
        plan = compress_hessian(y, x)
    elif plan.x is not x or plan.y is not y or plan.method not in ("star", "structure"):
        refuse(GraphError, "sparse_hessian", (y, x), "the plan is another's; make one by compress_hessian(y, x)")
    return _built(plan, x.dtype)


def compress_hessian(y: Tensor, x: Tensor, seed: int = 0) -> Compression:
    """The plan of ``sparse_hessian``.

    >>> import graphad as ga
    >>> x = ga.input("x", (100,))
    >>> print(compress_hessian(x[0] * ga.sum(x) + ga.sum(x**4), x))
    100 x 100, 298 entries (0.03, 198 known before): star, 1 tangent (order: natural)
    """
    gradient = gradient_of("compress_hessian", y, x)
    return compress(y, x, split(gradient, x, hessian=True), "star", 1.0, 1.0, seed)


def _dense_constant(y: Tensor, x: Tensor) -> Terms | None:
    """x -> A x with a constant A without zeros: A is taken as it lies, nothing is walked."""
    node = _unwrapped(y)
    if not isinstance(node.kind, Contract):
        return None
    kind = node.kind
    for moving, own, factor, other in (
        (node.operands[1], kind.right, node.operands[0], kind.left),
        (node.operands[0], kind.left, node.operands[1], kind.right),
    ):
        assert isinstance(moving, Tensor)
        assert isinstance(factor, Tensor)
        if _unwrapped(moving) is not x or not isinstance(factor.kind, Constant):
            continue
        summed = [c for c, d in zip(own, moving.shape, strict=True) if d != 1]
        kept = [c for c, d in zip(kind.out, node.shape, strict=True) if d != 1]
        ones = [c for c, d in zip(other, factor.shape, strict=True) if d == 1]
        if sorted(kept + summed + ones) == sorted(other) and factor.kind.value.all():
            moved = permute_dims(factor, [other.index(c) for c in kept + summed + ones])
            shape = (int(y.size), int(x.size))  # type: ignore[call-overload]
            return Terms(_full(shape), None, None, reshape(moved, (shape[0] * shape[1],)))
    return None


def _unwrapped(x: Tensor) -> Tensor:
    """What ``x`` views in the same row-major order: reshapes, axes of size 1 put in and taken out."""
    while isinstance(x.kind, View) and not isinstance(x.op, AliasOp):
        (inner,) = x.operands
        assert isinstance(inner, Tensor)
        found = x.kind.map
        if isinstance(found, Affine):
            read = [a for a, d in zip(found.axes, inner.shape, strict=True) if d != 1]
            lines = [i for i, d in enumerate(found.shape) if d != 1]
            same = [found.shape[i] for i in lines] == [d for d in inner.shape if d != 1]
            if found.guarded or not same or not all(a.is_identity(i) for a, i in zip(read, lines, strict=True)):
                return x
        x = inner
    return x


def _built(plan: Compression, dtype: str) -> SparseTensor:
    """The values in CSR order: known ones, computed ones, or their sum."""
    if plan.terms.values is not None:
        return SparseTensor(plan.terms.values, plan.pattern)
    known, rest = plan.terms.known, plan.terms.pattern
    if not plan.nnz:
        return SparseTensor(zeros((0,), dtype), plan.pattern)
    parts: list[Tensor] = []
    if known is not None and known.nnz:
        parts.append(constant(_aligned(known, plan.pattern)[0].astype(dtype)))
    if rest is not None:
        parts.append(cast(_computed(plan), dtype))
    values = parts[0] if len(parts) == 1 else parts[0] + parts[1]
    return SparseTensor(values, plan.pattern)


def _aligned(p: Csr, whole: Csr) -> tuple[Array, Array]:
    """The data of p at the entries of a pattern that covers it, 0 elsewhere; and whether p has the entry."""
    if p.nnz == whole.nnz:
        return p.data, np.ones(p.nnz, bool)
    row = [np.repeat(np.arange(q.shape[0]), np.diff(q.indptr)).astype(np.int64) for q in (p, whole)]
    mine, all_ = (r * whole.shape[1] + q.indices for r, q in zip(row, (p, whole), strict=True))
    data, there = np.zeros(whole.nnz, p.dtype), np.zeros(whole.nnz, bool)
    at = np.searchsorted(all_, mine)
    data[at], there[at] = p.data, True
    return data, there


def _computed(plan: Compression) -> Tensor:
    """What the sweeps give, at each entry of the whole pattern; 0 where only known terms are."""
    rest = plan.terms.pattern
    by_column, place = recover(rest, plan.columns, plan.rows)
    assert (place >= 0).all(), "a colouring that cannot be read"
    numbered = sparse.csr_array((np.arange(rest.nnz), rest.indices, rest.indptr), shape=rest.shape)
    number, there = _aligned(numbered, plan.pattern)
    by_column, place = by_column[number], place[number]
    y, x = plan.terms.rest, plan.x
    assert y is not None
    star = plan.method == "star"
    tangents = _tangents(y, x, plan.columns, plan.tangents) if plan.tangents else None
    adjoints = tangents if star else _adjoints(y, x, plan.rows, plan.adjoints) if plan.adjoints else None
    if star or tangents is None or adjoints is None:
        only = adjoints if tangents is None else tangents
        assert only is not None
        values = _read(only, place)
    else:
        values = where(
            constant(by_column),
            _read(tangents, np.where(by_column, place, 0)),
            cast(_read(adjoints, np.where(by_column, 0, place)), tangents.dtype),
        )
    return values if there.all() else where(constant(there), values, 0)


def _read(compressed: Tensor, place: Array) -> Tensor:
    small = int(compressed.size) < 2**31  # type: ignore[call-overload]
    return gather(compressed, constant(place.astype(np.int32 if small else np.int64)), 0)


def _seeds(colours: Array, count: int, like: Tensor) -> Tensor:
    """(count, *like.shape): 1 where the element has the colour. One colour comes without the first axis."""
    mine = constant(colours.astype(np.int32).reshape(like.shape))
    if count == 1:
        return equal(mine, constant(0, "int32")).astype(like.dtype)
    shape = (count, *like.shape)
    numbers = constant(np.arange(count, dtype=np.int32).reshape(count, *[1] * like.ndim))
    return equal(broadcast(numbers, shape), broadcast(mine, shape)).astype(like.dtype)


def _tangents(y: Tensor, x: Tensor, colours: Array, count: int) -> Tensor:
    """J @ seeds as (count * y.size,)."""
    seeds = _seeds(colours, count, x)
    if count == 1:
        (swept,) = push_forward([y], [x], [seeds])
    else:
        tangent = placeholder("tangent", x.shape, x.dtype)
        swept = vectorize(push_forward([y], [x], [tangent])[0], {tangent: seeds})
    return reshape(swept, (count * y.size,))


def _adjoints(y: Tensor, x: Tensor, colours: Array, count: int) -> Tensor:
    """seeds @ J as (count * x.size,)."""
    seeds = _seeds(colours, count, y)
    if count == 1:
        (swept,) = pull_back([y], [seeds], [x])
    else:
        cotangent = placeholder("cotangent", y.shape, y.dtype)
        swept = vectorize(pull_back([y], [cotangent], [x])[0], {cotangent: seeds})
    return reshape(swept, (count * x.size,))


def _full(shape: tuple[int, int]) -> Csr:
    """A pattern of all entries."""
    rows, columns = shape
    index = np.int32 if rows * columns < 2**31 else np.int64
    indices = np.tile(np.arange(columns, dtype=index), rows)
    indptr = np.arange(rows + 1, dtype=index) * columns
    return sparse.csr_array((np.ones(rows * columns, bool), indices, indptr.astype(index)), shape=shape)


__all__ = ["compress_hessian", "compress_jacobian", "sparse_hessian", "sparse_jacobian"]
