"""Whether a contraction may have its results in lanes, how it is gone through, and what that costs."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Final

from graphad.compiler.ir.size import Dim, Size
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.operands import Operand, in_place
from graphad.compiler.lower.examples.tiles import Piece, choose, pieces, step_cost
from graphad.compiler.lower.few.dense import Dense, dense
from graphad.compiler.lower.letters import Plan
from graphad.compiler.lower.target import Target, target

POSITIONS: Final = 1024
"""Results of a row that are summed before the epilogue: with 8 rows 32 KiB of float32, in the second-level cache."""
ALONE: Final = 8
"""Vectors of a tile of one row: sums enough to hide a multiply-add's latency, and little code."""
EPILOGUE: Final = 6.0
"""Cycles of a vector of results behind its sum: stored, read again, and finished."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """A contraction that can be done so: its letters, the row operand where it lies, the column operand."""

    option: ClassVar = "pixels"
    name: ClassVar = "sums in registers, a pixel a lane"

    found: Plan
    w: Operand
    x: Dense
    row: str
    """The letter of the rows in a tile, "" for none."""
    blocks: tuple[Piece, ...]
    """Lines, or parts of a line, of a block."""
    registers: int
    lanes: int

    @property
    def column(self) -> str:
        return self.x.column

    @property
    def along(self) -> str:
        """The letter that blocks go along."""
        return self.x.line or self.x.column

    def positions(self, block: Piece) -> int:
        """Results of a block, those between lines among them."""
        if not self.x.line:
            return block.size
        assert isinstance(self.x.pitch, int)
        return (block.size - 1) * self.x.pitch + number_of(self.found.sizes[self.column])

    def vectors(self, block: Piece) -> int:
        return -(-self.positions(block) // self.lanes)

    @property
    def rows(self) -> int:
        return number_of(self.found.sizes[self.row]) if self.row else 1

    def tile(self, block: Piece) -> tuple[int, int]:
        """Rows and vectors of a tile."""
        vectors = self.vectors(block)
        return (1, min(ALONE, vectors)) if self.rows == 1 else choose(self.rows, vectors, self.registers)

    @property
    def outer(self) -> list[str]:
        """Letters that loops around tiles go through."""
        return [c for c in self.found.out if c not in (self.row, self.column, self.x.line)]

    def cycles(self) -> float:
        """Of one example, by a count of multiply-adds, loads, and what is done with each result."""
        total, depth = 0.0, prod(number_of(self.found.sizes[c]) for c in self.found.depth)
        for block in self.blocks:
            r, c = self.tile(block)
            vectors = self.vectors(block)
            finished = self.rows * (block.size if self.x.line else 1)
            finished *= -(-number_of(self.found.sizes[self.column]) // self.lanes)
            step = sum(
                p.count * q.count * p.size * q.size * step_cost(p.size, q.size)
                for p in pieces(self.rows, r)
                for q in pieces(vectors, c)
            )
            total += block.count * (depth * step + EPILOGUE * finished)
        return total * prod(d for c in self.outer if isinstance(d := self.found.sizes[c], int))


def plan_pixels(context: Context, found: Plan) -> Pixels | None:
    """The schedule, where it is legal, None elsewhere: the one test for choosing it and for building it.

    The last axis belongs to the column operand alone. A size that is a name is the batch, which a loop goes through.
    The row operand is read where it lies, one stride a letter.
    """
    if not found.out or 0 in found.sizes.values() or not found.node.type.dtype.startswith("float"):
        return None
    column, sizes = found.out[-1], found.sizes
    loops = [c for c in found.out if c not in found.rows and c != column]
    if column in found.rows_letters or any(isinstance(d, Size) and c not in loops for c, d in sizes.items()):
        return None
    w = in_place(found.rows_operand, found.rows_letters, context)
    if w is None:
        return None
    machine = target(context.options.isa)
    lanes, width = machine.lanes(found.node.type.dtype), number_of(sizes[column])
    line = found.out[-2] if len(found.out) > 1 else ""
    whole = line not in found.rows_letters and isinstance(sizes.get(line), int) and sizes[line] != 1
    if not whole or width > POSITIONS // 2:
        line = ""
    return _planned(context, found, w, (line, column), machine, lanes)


def _planned(
    context: Context, found: Plan, w: Operand, moving: tuple[str, str], machine: Target, lanes: int
) -> Pixels | None:
    row = max((c for c in found.rows if found.sizes[c] != 1), key=lambda c: number_of(found.sizes[c]), default="")
    for copied in (False, True):
        x = dense(found.columns_operand, found.columns_letters, *moving, context, copied)
        if x is None:
            continue
        pitch = x.pitch if isinstance(x.pitch, int) else POSITIONS
        extent = number_of(found.sizes[x.line or x.column])
        blocks = pieces(extent, max(POSITIONS // max(pitch, 1), 1) if x.line else POSITIONS)
        plan = Pixels(found, w, x, row, blocks, machine.vectors, lanes)
        if x.copy is not None or min(map(plan.positions, blocks)) >= lanes:
            return plan
    return None


def number_of(size: Dim) -> int:
    assert isinstance(size, int)
    return size
