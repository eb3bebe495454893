"""Where each entry is read: in J @ seeds, in its column's colour, or in seeds @ J, in its row's."""

import numpy as np

from graphad.build import refuse
from graphad.checks import shown
from graphad.compiler.errors import GraphError
from graphad.sparse.matrix import Array, Csr, pattern_of


def recover(pattern: Csr, columns: Array, rows: Array) -> tuple[Array, Array]:
    """For each entry in CSR order: whether it is read from J @ seeds, and its place in the array that it is read from.

    ``J @ seeds`` comes as (colours of columns, rows), ``seeds @ J`` as (colours of rows, columns), both row-major.
    The place is -1 where the colours leave the entry mixed with others: then they are no colouring.
    """
    pattern = pattern_of("recover", pattern)
    columns = _colours("columns", columns, pattern.shape[1])
    rows = _colours("rows", rows, pattern.shape[0])
    row = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr)).astype(np.int64)
    column = pattern.indices.astype(np.int64)
    by_column = _alone(row, columns[column], int(columns.max(initial=-1)) + 1, pattern.shape[0])
    by_row = _alone(column, rows[row], int(rows.max(initial=-1)) + 1, pattern.shape[1])
    place = np.where(
        by_column, columns[column] * pattern.shape[0] + row, np.where(by_row, rows[row] * pattern.shape[1] + column, -1)
    )
    return by_column, place


def _colours(side: str, colours: object, count: int) -> Array:
    """A colour for each line, -1 for none."""
    fits = isinstance(colours, np.ndarray) and colours.dtype.kind == "i" and colours.shape == (count,)
    if not fits:
        refuse(
            GraphError, "recover", (), f"{side} is an array of {count} integers, a colour each, got {shown(colours)}"
        )
    return colours  # type: ignore[return-value]


def _alone(line: Array, colour: Array, colours: int, lines: int) -> Array:
    """Whether an entry is the only one of its colour in its line."""
    coloured = colour >= 0
    keys = line[coloured] * colours + colour[coloured]
    alone = np.zeros(len(line), bool)
    if lines * colours <= 4 * len(line) + 1_000_000:
        alone[coloured] = np.bincount(keys, minlength=lines * colours)[keys] == 1
    else:
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        alone[coloured] = counts[inverse] == 1
    return alone


def is_direct(pattern: Csr, columns: Array, rows: Array) -> bool:
    """Whether every entry can be read from the compressed products, whole and by itself."""
    return bool((recover(pattern, columns, rows)[1] >= 0).all())
