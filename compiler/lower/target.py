"""What the schedules of matrix products know about the machine: how much of a product its vector registers hold."""

import math
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.options import Isa
from graphad.runtime.host import instruction_set

LINE: Final = 64  # bytes of a cache line
SETS: Final = 64  # of the first-level cache: lines whose addresses differ by a multiple of SETS lines compete
WAYS: Final = 8


@dataclass(frozen=True, slots=True)
class Tile:
    """``rows`` x ``columns`` results stay in registers; of fewer columns whole registers, ``narrow`` columns each."""

    rows: int
    columns: int
    narrow: int

    def covered(self, width: int) -> int:
        """Columns of the tiles that cover ``width``.

        >>> Tile(6, 16, 8).covered(20), Tile(6, 16, 8).covered(25)
        (24, 32)
        """
        return -(-width // self.narrow) * self.narrow

    def panels(self, width: int) -> tuple[tuple[int, int, int], ...]:
        """The panels that cover ``width`` columns: of each width the first column, how many there are, and the width.

        As wide as a tile, then what is left: rather two and two registers than three and one, which waits for its sums.

        >>> Tile(8, 48, 16).panels(512), Tile(8, 48, 16).panels(100), Tile(6, 16, 4).panels(20)
        (((0, 10, 48), (480, 1, 32)), ((0, 1, 48), (48, 2, 32)), ((0, 1, 16), (16, 1, 4)))
        """
        registers = self.columns // self.narrow
        wide, rest = divmod(self.covered(width) // self.narrow, registers)
        few = 2 if rest == 1 and wide and registers == 3 else 1 if rest else 0
        wide -= few == 2
        across = (self.covered(width) - wide * self.columns) // max(few, 1)
        found = ((0, wide, self.columns), (wide * self.columns, few, across))
        return tuple(piece for piece in found if piece[1])


@dataclass(frozen=True, slots=True)
class Target:
    """An instruction set: bytes in a vector register; a tile's rows, and registers a row.

    ``vectors`` registers in all: rows * registers accumulators, a row of the column operand and an element of the row
    operand have to fit.
    """

    vector_bytes: int
    rows: int
    registers: int
    vectors: int

    def lanes(self, dtype: str) -> int:
        """Elements of a dtype in a vector register.

        >>> TARGETS["avx512"].lanes("float32")
        16
        """
        return self.vector_bytes // ITEMSIZE[dtype]

    def tile(self, dtype: str) -> Tile:
        """The tile for elements of a dtype.

        >>> TARGETS["avx2"].tile("float32")
        Tile(rows=6, columns=16, narrow=8)
        """
        lanes = self.lanes(dtype)
        return Tile(self.rows, self.registers * lanes, lanes)


TARGETS: Final = {
    "sse": Target(16, 6, 2, 16),
    "avx2": Target(32, 6, 2, 16),
    "avx512": Target(64, 8, 3, 32),
    "neon": Target(16, 6, 4, 32),
}


def target(isa: Isa) -> Target:
    """The description of an instruction set; "native" is this machine's."""
    return TARGETS[instruction_set() if isa == "native" else isa]


def pitch(width: int, rows: int, dtype: str, tile: Tile) -> int:
    """Elements from row to row of a matrix of so many ``rows``: whole registers, and rows do not crowd the cache.

    >>> tile = Tile(6, 16, 8)
    >>> pitch(100, 256, "float32", tile), pitch(512, 256, "float32", tile), pitch(512, 8, "float32", tile)
    (104, 528, 512)
    """
    found = tile.covered(width)
    return found + LINE // ITEMSIZE[dtype] if crowded(found, rows, dtype) else found


def crowded(row: int, depth: int, dtype: str) -> bool:
    """Whether so many rows, ``row`` elements apart, drive each other out of the first-level cache.

    >>> crowded(512, 256, "float32"), crowded(528, 256, "float32"), crowded(512, 8, "float32")
    (True, False, False)
    """
    lines = row * ITEMSIZE[dtype] / LINE
    distinct = SETS // math.gcd(int(lines), SETS) if lines == int(lines) else SETS
    return depth > distinct * WAYS
