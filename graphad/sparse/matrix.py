"""Sparse matrices: the few operations that patterns are made of.

A matrix of float64 has known entries, one of bool says only where entries may differ from zero. What meets a bool
matrix becomes one. Known entries that are zero are left out.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np

from graphad._lazy import lazy_import
from graphad.build import refuse
from graphad.checks import shown
from graphad.compiler.errors import GraphError, ShapeError
from graphad.tensor import Tensor

sparse = lazy_import("scipy.sparse")

Csr: TypeAlias = Any  # scipy.sparse.csr_array, which ships no types
Array: TypeAlias = np.ndarray

LARGEST: Final = 2**28
"""Entries of a pattern, beyond which it is refused: a gigabyte of indices."""


def pattern_of(name: str, pattern: object) -> Csr:
    """A pattern that the user hands over: a sparse matrix, by rows."""
    if not sparse.issparse(pattern):
        refuse(
            GraphError, name, (), f"a pattern is a sparse matrix, got {shown(pattern)}; write scipy.sparse.csr_array"
        )
    return pattern if pattern.format == "csr" else sparse.csr_array(pattern)  # type: ignore[attr-defined]


def elements(x: Tensor) -> int:
    """How many elements a tensor has whose sizes are numbers."""
    assert isinstance(x.size, int)
    return x.size


def eye(n: int) -> Csr:
    """The known identity."""
    return sparse.csr_array((np.ones(n), np.arange(n), np.arange(n + 1)), shape=(n, n))


def empty(rows: int, columns: int) -> Csr:
    """A pattern without entries."""
    return sparse.csr_array((rows, columns), dtype=bool)


def is_known(p: Csr) -> bool:
    """Whether the entries are numbers, not just places."""
    return bool(p.dtype != np.bool_)


def places(p: Csr) -> Csr:
    """The pattern alone."""
    return sparse.csr_array((np.ones(p.nnz, bool), p.indices, p.indptr), shape=p.shape)


def union(p: Csr, q: Csr) -> Csr:
    """p + q."""
    if is_known(p) and is_known(q):
        total = p + q
        total.eliminate_zeros()
        return total
    return places(p) + places(q)


def scaled(p: Csr, factors: Array | float) -> Csr:
    """diag(factors) p, for known factors, one a row or one for all."""
    if np.ndim(factors) == 0:
        row_factors: Any = factors
    else:
        row_factors = np.repeat(np.asarray(factors, np.float64), np.diff(p.indptr))
    data = p.data * row_factors if is_known(p) else np.broadcast_to(row_factors != 0, p.nnz).copy()
    out = sparse.csr_array((data, p.indices.copy(), p.indptr.copy()), shape=p.shape)
    out.eliminate_zeros()
    return out


def masked(p: Csr, keep: Array) -> Csr:
    """The places of p in the rows that are kept."""
    return places(p) if keep.all() else scaled(places(p), keep)


def select(p: Csr, rows: Array) -> Csr:
    """The rows of p with these numbers; number ``p.shape[0]`` is a row without entries."""
    indptr = np.append(p.indptr, p.indptr[-1])
    padded = sparse.csr_array((p.data, p.indices, indptr), shape=(p.shape[0] + 1, p.shape[1]))
    check_entries(int(np.diff(indptr).astype(np.int64)[rows].sum()))
    return padded[rows]


def grouped(p: Csr, targets: Array, rows: int) -> Csr:
    """out[targets[i]] += p[i]; target number ``rows`` drops its row."""
    kept = np.flatnonzero(targets < rows)
    where = (targets[kept], kept)
    ones = np.ones(len(kept), np.float64 if is_known(p) else bool)
    return times(sparse.csr_array((ones, where), shape=(rows, len(targets))), p)


def times(left: Csr, p: Csr) -> Csr:
    """left @ p."""
    if not (is_known(left) and is_known(p)):
        left, p = places(left), places(p)
    bound = int(np.diff(p.indptr).astype(np.int64)[left.indices].sum())
    check_entries(min(bound, left.shape[0] * p.shape[1]))
    out = left @ p
    out.sort_indices()
    if is_known(out):
        out.eliminate_zeros()
    return out


def check_entries(entries: int) -> None:
    """Refuses a pattern that would not fit."""
    if entries > LARGEST:
        refuse(
            ShapeError,
            "sparse",
            (),
            f"the pattern may have {entries:,} entries, more than {LARGEST:,}; take mode 'forward' or 'reverse', "
            "or products with the Jacobian, ga.jvp and ga.vjp",
        )
