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

    ``columns``: how many may be read of each row, 0 where no more than there are. ``tall``: of a column operand that
    lies panel by panel, its rows. ``rows``: of those there are, in a block of at most ``block``, if it is a block of a
    larger operand.
    """

    storage: Storage
    start: Dim
    row: Dim
    step: Dim
    columns: int = 0
    tall: Dim = 0
    rows: Dim = 0
    block: int = 0


Rows = Callable[[Dim, Dim], Panel]
"""The row operand from a place of the inner axis on, for so many of its steps."""


@dataclass(eq=False)
class Gemm:
    """Writes the loops of one product. ``add``: onto what C holds; ``ahead``: as large as C, what is read next.

    ``most``: rows that there are at most, if that is a number.
    """

    builder: Builder
    tile: Tile
    c: Panel
    b: Panel
    rows: Dim
    columns: int
    add: bool = False
    ahead: Panel | None = None
    most: Dim | None = None

    def write(self, a: Rows, depth: Dim) -> None:
        """All of it; of an empty sum, zeros."""
        if isinstance(depth, int) and depth <= DEPTH:
            self._block(a(0, depth), 0, depth)
            return
        builder = self.builder
        at_least_once = depth if isinstance(depth, int) else builder.index(_prim("max", depth, 1), depth + 1)
        most = even(depth)
        with builder.between(0, at_least_once, depth, most, stem="e") as p:
            whole = isinstance(depth, int) and depth % most == 0
            steps = most if whole else builder.index(_prim("min", depth - p, most), most + 1)
            self._block(a(p, steps), p, steps)

    def _block(self, a: Panel, p: Dim, steps: Dim) -> None:
        """The panels of columns, widest first; one that may not be read as a whole goes by itself."""
        readable = self.tile.covered(self.columns) if self.b.tall != 0 else self.b.columns or self.columns
        for first, count, across in self.tile.panels(self.columns):
            whole = min(count, (readable - first) // across)
            end = first + count * across
            if whole < count == 2:  # one kind of panel, which reads no more than there is: half the code
                with self.builder.between(first, end, self.columns, across, stem="u") as u:
                    some = self.builder.least(readable - u, across, across + 1)
                    self._panel(a, p, steps, u, across, some)
                continue
            with ExitStack() as stack:
                if whole > 1:
                    last = first + whole * across
                    u = stack.enter_context(self.builder.between(first, last, self.columns, across, stem="u"))
                    self._panel(a, p, steps, u, across, across)
            for j in range(first + across * (whole if whole > 1 else 0), end, across):
                self._panel(a, p, steps, j, across, min(readable - j, across))

    def _panel(self, a: Panel, p: Dim, steps: Dim, j: Dim, across: int, width: Dim) -> None:
        """All rows of one panel of columns, in tiles as even as they come."""
        count, height = self.rows, self.tile.rows
        most = count if isinstance(count, int) else self.most
        if isinstance(most, int):
            tiles = max(-(-most // height), 1)
            height = max(-(-most // tiles), 1)
        c, b, name = self.c, self.b, self.builder.buffer
        ahead = self.ahead or c
        start, row = b.start + p * b.row + j, b.row
        if b.tall != 0:
            start, row = b.start + b.tall * j + p * across, across
        self.builder.emit(
            Call(
                "multiply_panel",
                (
                    (name(c.storage, write=True), c.start + j),
                    (name(a.storage), a.start),
                    (name(b.storage), start),
                    (name(ahead.storage), ahead.start + j),
                    *(count, width, steps, c.row, a.row, a.step, row, ahead.row),
                    *(1 if self.add else p, height, across, self.tile.narrow),
                ),
            )
        )


def even(depth: Dim) -> int:
    """Steps of a block of the inner axis: at most DEPTH, and as even as they come.

    >>> even(784), even(512), even(100)
    (196, 256, 100)
    """
    return -(-depth // -(-depth // DEPTH)) if isinstance(depth, int) and depth else DEPTH


def _prim(name: str, a: Dim, b: int) -> Prim:
    return Prim(name, (At(a), At(b)), "int64")
