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
    """``rows`` x ``columns`` results stay in registers; ``narrow`` columns, one register, where no more are left."""

    rows: int
    columns: int
    narrow: int

    def covered(self, width: int) -> int:
        """Columns of the tiles that cover ``width``.

        >>> Tile(6, 16, 8).covered(20), Tile(6, 16, 8).covered(25)
        (24, 32)
        """
        rest = width % self.columns
        return width - rest + (0 if rest == 0 else self.narrow if rest <= self.narrow else self.columns)


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
    "avx512": Target(64, 14, 2, 32),
    "neon": Target(16, 6, 4, 32),
}


def target(isa: Isa) -> Target:
    """The description of an instruction set; "native" is this machine's."""
    return TARGETS[instruction_set() if isa == "native" else isa]


def pitch(width: int, depth: int, dtype: str, tile: Tile) -> int:
    """Elements from row to row of a packed operand of ``depth`` rows: whole tiles, and rows do not crowd the cache.

    >>> tile = Tile(6, 16, 8)
    >>> pitch(100, 256, "float32", tile), pitch(512, 256, "float32", tile), pitch(512, 8, "float32", tile)
    (112, 528, 512)
    """
    found = math.ceil(width / tile.columns) * tile.columns
    return found + LINE // ITEMSIZE[dtype] if crowded(found, depth, dtype) else found


def crowded(row: int, depth: int, dtype: str) -> bool:
    """Whether so many rows, ``row`` elements apart, drive each other out of the first-level cache.

    >>> crowded(512, 256, "float32"), crowded(528, 256, "float32"), crowded(512, 8, "float32")
    (True, False, False)
    """
    lines = row * ITEMSIZE[dtype] / LINE
    distinct = SETS // math.gcd(int(lines), SETS) if lines == int(lines) else SETS
    return depth > distinct * WAYS
