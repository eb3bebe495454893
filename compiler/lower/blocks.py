"""Columns in blocks: as many as stay in the first cache, and enough blocks for threads to share."""

from typing import Final

from graphad.compiler.ir.size import Dim
from graphad.compiler.lower.builder import Builder

COLUMNS: Final = 1024
"""Columns of a block: rows of running values stay in the first cache, pieces of rows are long enough to be fetched
ahead."""
FEW: Final = 4  # columns with which vectors would be empty
_NARROW: Final = 64  # columns of a block at least: lines that no two threads write
_BLOCKS: Final = 4  # blocks that there should be for threads to share


def side_of(width: Dim, outer: Dim) -> int:
    """Columns of a block: fewer where there would be too few blocks for threads to share.

    >>> side_of(4096, 1), side_of(1000, 1), side_of(1000, 100), side_of(20, 1)
    (1024, 256, 1000, 20)
    """
    if not isinstance(width, int):
        return COLUMNS
    enough = not isinstance(outer, int) or outer >= 2 * _BLOCKS
    shared = width if enough else -(-width // _BLOCKS // _NARROW) * _NARROW
    return max(min(shared, COLUMNS, width), 1)


def count_of(builder: Builder, first: Dim, side: int, width: Dim) -> Dim:
    """The columns of the block that begins at ``first``: fewer in the last one."""
    if isinstance(width, int) and width % side == 0:
        return side
    return builder.least(width - first, side, side + 1)
