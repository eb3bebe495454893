"""Matrices of which only some entries are there: a tensor of their values, and the pattern they lie in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np

from graphad._lazy import lazy_import
from graphad.build import refuse
from graphad.compiler.errors import GraphError, ShapeError
from graphad.compiler.ir.kinds import Leaf, View
from graphad.compiler.ir.op import VIEW
from graphad.compiler.ir.view import identity
from graphad.tensor import Tensor

if TYPE_CHECKING:
    from scipy.sparse import csr_array

sparse = lazy_import("scipy.sparse")


@final
class SparseTensor(Tensor):
    """The values of a matrix in CSR order, shape (nnz,): a tensor like any other, that knows where they stand.

    ``ga.evaluate`` and compiled functions answer a ``scipy.sparse.csr_array`` for it, with arrays of its own. In an
    expression it is its values: ``ga.sum(s)`` adds the entries, and ``ga.grad`` differentiates them.

    Attributes:
        indptr, indices: the pattern as in ``scipy.sparse``: row i has the columns ``indices[indptr[i]:indptr[i + 1]]``,
            ascending. Read-only.
        matrix_shape: rows and columns.
    """

    __slots__ = ("indices", "indptr", "matrix_shape")

    def __init__(self, values: Tensor, pattern: csr_array) -> None:
        given_values: object = values
        if not isinstance(given_values, Tensor) or not hasattr(pattern, "indptr"):
            given = f"{type(values).__name__} and {type(pattern).__name__}"
            refuse(
                GraphError, "SparseTensor", (), f"takes a tensor of values and a scipy.sparse.csr_array, got {given}"
            )
        if values.shape != (len(pattern.indices),):
            refuse(ShapeError, "SparseTensor", (values,), f"{len(pattern.indices)} entries need as many values")
        # the node itself under another class; a leaf keeps its identity and is looked at
        own = not isinstance(values.kind, Leaf)
        kind = values.kind if own else View(identity(values.shape))
        super().__init__(
            values.op if own else VIEW,
            kind,
            values.operands if own else (values,),
            values.type,
            values.site,
            values.label,
        )
        self.indptr: np.ndarray = _locked(pattern.indptr)
        self.indices: np.ndarray = _locked(pattern.indices)
        self.matrix_shape: tuple[int, int] = pattern.shape

    @property
    def nnz(self) -> int:
        """How many entries are there."""
        return len(self.indices)

    @property
    def values(self) -> Tensor:
        """The same values as a tensor that is answered as an array."""
        return Tensor(self.op, self.kind, self.operands, self.type, self.site, self.label)

    @property
    def pattern(self) -> csr_array:
        """Where they are: a matrix of True."""
        return self.assemble(np.ones(self.nnz, bool))

    def assemble(self, values: np.ndarray) -> csr_array:
        """The matrix with these values, which it holds; the pattern's arrays are copied."""
        arrays = (values, self.indices.copy(), self.indptr.copy())
        return sparse.csr_array(arrays, shape=self.matrix_shape)

    def __repr__(self) -> str:
        rows, columns = self.matrix_shape
        return f"<sparse {rows} x {columns}: {self.nnz} of {self.dtype}>"


def _locked(array: np.ndarray) -> np.ndarray:
    own = array.copy()
    own.setflags(write=False)
    return own


def leaves(tree: Any) -> list[Any]:
    """What a list, tuple or dict holds, flat and in order."""
    if not isinstance(tree, Mapping | list | tuple):
        return [tree]
    return [leaf for item in (tree.values() if isinstance(tree, Mapping) else tree) for leaf in leaves(item)]


def assemble(outputs: Sequence[Tensor], values: Sequence[np.ndarray]) -> list[Any]:
    """What a call answers for each output: an array, or a matrix for a sparse one."""
    return [y.assemble(v) if isinstance(y, SparseTensor) else v for y, v in zip(outputs, values, strict=True)]


__all__ = ["SparseTensor", "assemble", "leaves"]
