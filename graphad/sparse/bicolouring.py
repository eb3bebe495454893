"""Rows and columns coloured together: what few dense rows cost by tangents, few adjoints give, and the reverse."""

from typing import Final

import numpy as np

from graphad.build import refuse
from graphad.checks import number_of, real, shown, whole
from graphad.compiler.errors import GraphError
from graphad.sparse.colouring import Colouring, colour_needed
from graphad.sparse.kernels import independent, run
from graphad.sparse.matrix import Array, Csr, pattern_of, sparse

NONE: Final = -1


def colour_both(
    pattern: Csr, tangent_cost: float = 1.0, adjoint_cost: float = 1.0, limit: float = np.inf, seed: int = 0
) -> tuple[Colouring, Colouring] | None:
    """Colours of columns and of rows, so that each entry can be read from a column's colour or from a row's.

    First the entries are divided: again and again the side whose next sweep covers more open entries for its cost gives
    one, a set of rows or columns that can share it (Juedes and Jones, Optimization Methods and Software 34 (2019)).
    Then each side is coloured anew for the entries that fell to it (Coleman and Verma, SIAM J. Sci. Comput. 19 (1998));
    the lesser count of the two is kept. None if it comes to cost ``limit`` or more.
    """
    pattern, seed = pattern_of("colour_both", pattern), whole("colour_both", "seed", seed, 0)
    tangent_cost = real("colour_both", "tangent_cost", tangent_cost, 0)
    adjoint_cost = real("colour_both", "adjoint_cost", adjoint_cost, 0)
    if not number_of(limit) > 0:
        refuse(GraphError, "colour_both", (), f"limit is a number above 0, got {shown(limit)}")
    found = _divide(pattern, tangent_cost, adjoint_cost, 2 * limit)
    if found is None:
        return None
    by_column, columns, rows = found
    again = colour_needed(pattern, by_column, seed)
    turned, swap = _transposed(pattern)
    other = colour_needed(turned, ~by_column[swap], seed)
    columns = again if again.count <= columns.count else columns
    rows = other if other.count <= rows.count else rows
    if tangent_cost * columns.count + adjoint_cost * rows.count >= limit:
        return None
    return columns, rows


def _transposed(pattern: Csr) -> tuple[Csr, Array]:
    """The transpose, and which entry of the pattern each of its entries is."""
    numbered = sparse.csr_array((np.arange(pattern.nnz), pattern.indices, pattern.indptr), shape=pattern.shape)
    turned = numbered.T.tocsr()
    return turned, turned.data.copy()


def _divide(
    pattern: Csr, tangent_cost: float, adjoint_cost: float, limit: float
) -> tuple[Array, Colouring, Colouring] | None:
    """Whether each entry is read by its column, and the colours that the sets of sweeps amount to."""
    turned, swap = _transposed(pattern)
    by_rows, by_columns = _Side(pattern), _Side(turned)
    open_ = np.ones(pattern.nnz, bool)
    by_column = np.zeros(pattern.nnz, bool)
    spent = 0.0
    while open_.any():
        rows_gain = by_rows.offer(open_)
        columns_gain = by_columns.offer(open_[swap])
        if columns_gain / tangent_cost >= rows_gain / adjoint_cost:
            covered = np.zeros(pattern.nnz, bool)
            covered[swap] = by_columns.take()
            by_column |= covered & open_
            spent += tangent_cost
        else:
            covered = by_rows.take()
            spent += adjoint_cost
        open_ &= ~covered
        if spent >= limit:
            return None
    return by_column, by_columns.colouring(), by_rows.colouring()


class _Side:
    """The rows of a pattern, asked again and again for a set that can share a sweep."""

    def __init__(self, pattern: Csr) -> None:
        self.shape = pattern.shape
        self.starts, self.columns = pattern.indptr.astype(np.int64), pattern.indices.astype(np.int64)
        self.row_of = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
        self.seen = np.zeros((2, pattern.shape[1]), np.int64)
        self.chosen = np.zeros(pattern.shape[0], np.int64)
        self.colours = np.full(pattern.shape[0], NONE, np.int64)
        self.stamp = self.count = 0

    def offer(self, open_: Array) -> int:
        """How many open entries the next sweep would cover: rows with many of them first."""
        self.stamp += 1
        degrees = np.bincount(self.row_of[open_], minlength=self.shape[0])
        order = np.argsort(-degrees, kind="stable")[: np.count_nonzero(degrees)]
        everyone, askers = self.seen
        work = len(self.columns)
        return run(
            independent, work, order, self.starts, self.columns, open_, everyone, askers, self.stamp, self.chosen
        )

    def take(self) -> Array:
        """Takes what was offered; the entries in its rows that no sweep of this side gave before.

        A row may be taken only once: all its open entries are covered then.
        """
        taken = self.chosen == self.stamp
        self.colours[taken] = self.count
        self.count += 1
        return np.asarray(taken[self.row_of])

    def colouring(self) -> Colouring:
        return Colouring(self.colours, self.count, "largest cover first")
