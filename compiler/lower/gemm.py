"""Matrix products as loops over panels: C = A B, or C += A B, on strided A and row-major B and C.

    for p in range(0, depth, 256):              blocks of the inner axis: what follows stays in the caches
        for j in range(0, columns, 16):         a panel of B, 256 x 16: in the first-level cache
            multiply_panel(C[:, j], A[:, p], B[p, j], ...)          6 x 16 sums at a time, in registers

The order is that of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008). Every element
of C is a sum of blocks' sums, each of them added up from zero in order: the same for any tile and number of threads,
and more accurate than one sum over a long inner axis.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.ir import At, Call, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import Tile

DEPTH = 256


@dataclass(eq=False)
class Panel:
    """A matrix operand ready for the product: a buffer, where it starts, and its strides in elements.

    ``columns``: how many may be read of each row, 0 where no more than there are. ``rows``: of those there are, in a
    block of at most ``block``, if it is a block of a larger operand.
    """

    storage: Storage
    start: Dim
    row: Dim
    step: Dim
    columns: int = 0
    rows: Dim = 0
    block: int = 0


Rows = Callable[[Dim, Dim], Panel]
"""The row operand from a place of the inner axis on, for so many of its steps."""


@dataclass(eq=False)
class Gemm:
    """Writes the loops of one product. ``add``: onto what C holds."""

    builder: Builder
    tile: Tile
    c: Panel
    b: Panel
    rows: Dim
    columns: int
    add: bool = False

    def write(self, a: Rows, depth: Dim) -> None:
        """All of it; of an empty sum, zeros."""
        if isinstance(depth, int) and depth <= DEPTH:
            self._block(a(0, depth), 0, depth)
            return
        builder = self.builder
        at_least_once = depth if isinstance(depth, int) else builder.index(_prim("max", depth, 1), depth + 1)
        with builder.between(0, at_least_once, depth, DEPTH, stem="e") as p:
            steps = builder.index(_prim("min", depth - p, DEPTH), DEPTH + 1)
            self._block(a(p, steps), p, steps)

    def _block(self, a: Panel, p: Dim, steps: Dim) -> None:
        """Whole panels of columns, then what is left of them."""
        wide = self.columns // self.tile.columns * self.tile.columns
        if wide:
            with self._counted(wide, self.tile.columns) as j:
                self._panel(a, p, steps, j, self.tile.columns)
        if wide != self.columns:
            self._panel(a, p, steps, wide, self.tile.covered(self.columns) - wide)

    def _panel(self, a: Panel, p: Dim, steps: Dim, j: Dim, across: int) -> None:
        """All rows of one panel of columns, in tiles as even as they come."""
        count, height = self.rows, self.tile.rows
        if isinstance(count, int):
            tiles = max(-(-count // height), 1)
            height = max(-(-count // tiles), 1)
        c, b, name = self.c, self.b, self.builder.buffer
        readable = (b.columns or self.columns) - j
        width = across if not isinstance(readable, int) else min(readable, across)
        self.builder.emit(
            Call(
                "multiply_panel",
                (
                    (name(c.storage, write=True), c.start + j),
                    (name(a.storage), a.start),
                    (name(b.storage), b.start + p * b.row + j),
                    *(count, width, steps, c.row, a.row, a.step, b.row),
                    *(1 if self.add else p, height, across),
                ),
            )
        )

    def _counted(self, extent: Dim, step: int) -> "_Counted":
        return _Counted(self.builder, extent, step)


class _Counted(ExitStack):
    """A loop in steps, or none where it would go round once."""

    def __init__(self, builder: Builder, extent: Dim, step: int) -> None:
        super().__init__()
        self.builder, self.extent, self.step = builder, extent, step

    def __enter__(self) -> Dim:  # type: ignore[override]
        super().__enter__()
        if self.extent == self.step:
            return 0
        return self.enter_context(self.builder.between(0, self.extent, self.extent, self.step, stem="u"))


def _prim(name: str, a: Dim, b: int) -> Prim:
    return Prim(name, (At(a), At(b)), "int64")
