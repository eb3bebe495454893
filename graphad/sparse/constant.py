"""x -> A x: a Jacobian that lies in the graph already."""

import numpy as np

from graphad.compiler.ir.kinds import Constant, Contract, View
from graphad.compiler.ir.op import AliasOp
from graphad.compiler.ir.view import Affine
from graphad.ops.shape import permute_dims, reshape
from graphad.sparse.matrix import Csr, elements, sparse
from graphad.sparse.terms import Terms
from graphad.tensor import Tensor


def dense_constant(y: Tensor, x: Tensor) -> Terms | None:
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
            shape = (elements(y), elements(x))
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


def _full(shape: tuple[int, int]) -> Csr:
    """A pattern of all entries."""
    rows, columns = shape
    index = np.int32 if rows * columns < 2**31 else np.int64
    indices = np.tile(np.arange(columns, dtype=index), rows)
    indptr = np.arange(rows + 1, dtype=index) * columns
    return sparse.csr_array((np.ones(rows * columns, bool), indices, indptr.astype(index)), shape=shape)
