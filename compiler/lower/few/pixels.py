"""Convolutions of few examples: neighbouring results in the lanes of vectors, across the ends of lines.

    for l in lanes(16):
        for y by LINES, for o by RT:                          either of them outside, shared among threads
            for p in positions of LINES lines by 16 * CT:
                acc = registers(RT, CT)
                for c, i, j:
                    acc[r, q] += w[o + r, c, i, j] * x[c, i, j, y * pitch + p + 16*q + l]
                sums[r, p + 16*q + l] = acc[r, q]
            for r, for each line, for x by 16:
                out[o + r, y, x + l] = epilogue(sums[r, y * pitch + x + l])

How x lies: ``dense.py``. Weights are read where they lie, in memory's order, once for each of the blocks of lines.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from math import prod
from typing import Final

from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.ir import Element, Lit, Load, Prefetch, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.along import along
from graphad.compiler.lower.examples.tiles import Piece, pieces, tiles
from graphad.compiler.lower.few.finish import Finish, Sums
from graphad.compiler.lower.few.pixels_plan import Pixels, number_of
from graphad.compiler.lower.maps import Stores
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import LINE

SHARES: Final = 8
"""Iterations of a loop from which on threads share it evenly enough."""
WRITTEN_OUT: Final = 150
"""Multiply-adds that loops over taps are written out to."""


def lower_pixels(context: Context, nodes: Sequence[Node], anchor: Node, pixels: Pixels, stores: Stores) -> list[Launch]:
    """The contraction, behind the copy of its column operand where that needs one."""
    x = pixels.x
    if x.copy is None:
        first, storage, inside = [], context.stored[x.stored], context
    else:
        storage = context.local(anchor.type.dtype, x.stored.type.size + pixels.lanes)
        first = [x.copy.write(context, nodes, storage, pixels.lanes)]
        inside = context.with_stored(x.stored, storage)
    builder, puller = inside.builder("contract", nodes)
    work = _Work(inside, builder, puller, anchor, storage, stores, pixels)
    with builder.together(LANE, pixels.lanes):
        work.write()
    return [*first, builder.launch(tuple(nodes))]


class _Work:
    """One contraction."""

    def __init__(
        self, context: Context, builder: Builder, puller: Puller, anchor: Node, storage: Storage, stores: Stores,
        pixels: Pixels,
    ) -> None:  # fmt: skip
        self.context, self.builder, self.puller, self.anchor = context, builder, puller, anchor
        self.storage, self.stores, self.pixels, self.found = storage, stores, pixels, pixels.found
        self.lanes, self.dtype = pixels.lanes, anchor.type.dtype
        tall, wide = (max(f(b) for b in pixels.blocks) for f in (lambda b: pixels.tile(b)[0], pixels.vectors))
        self.sums = context.local(self.dtype, tall * wide * self.lanes, per_part=True)

    def write(self) -> None:
        """Loops over everything but a tile's rows and columns; the one that threads share outside of the others."""
        builder, found, pixels = self.builder, self.found, self.pixels
        outer = pixels.outer
        longest = max((c for c in outer if isinstance(found.sizes[c], int)), key=found.sizes.__getitem__, default="")
        blocks, rows = tiles(pixels.blocks), -(-pixels.rows // pixels.tile(pixels.blocks[0])[0])
        by_rows = self._heavy() if min(blocks, rows) >= SHARES else rows >= blocks
        apart = longest if longest and number_of(found.sizes[longest]) > max(blocks, rows) else ""
        builder.kernel.parallel = bool(apart) or max(blocks, rows) > 1
        with ExitStack() as stack:
            at: dict[str, Dim] = {}
            for c in sorted(outer, key=lambda c: c != apart):
                loop = builder.shared if c == apart else builder.loop
                at[c] = stack.enter_context(loop(found.sizes[c], stem="i"))
            self._tiles(at, by_rows, not apart and builder.kernel.parallel)

    def _heavy(self) -> bool:
        """Weights are more than the pixels they meet: better to read them once."""
        sizes = self.found.sizes
        weights = prod(number_of(sizes[c]) for c in self.found.rows_letters)
        read = prod(d for d in self.pixels.x.stored.type.shape if isinstance(d, int))
        return weights > read

    def _tiles(self, at: dict[str, Dim], by_rows: bool, shared: bool) -> None:
        builder, pixels = self.builder, self.pixels
        letter, extent = pixels.along, self.found.sizes[pixels.along]
        for block in pixels.blocks:
            for piece in pieces(pixels.rows, pixels.tile(block)[0]):
                with ExitStack() as stack:
                    place: dict[str, Dim] = {}

                    def rows(part: Piece = piece, to: ExitStack = stack, put: dict[str, Dim] = place) -> None:
                        own = shared and by_rows
                        put["row"] = to.enter_context(along(builder, part, pixels.rows, "o", own, 1))

                    if by_rows:
                        rows()
                        self._fetch(at, place["row"], piece.size)
                    first = stack.enter_context(along(builder, block, extent, "i", shared and not by_rows, 1))
                    if not by_rows:
                        rows()
                    self._block({**at, letter: first}, block, (place["row"], piece.size))

    def _fetch(self, at: dict[str, Dim], row: Dim, many: int) -> None:
        """The weights of the next rows: too many short rows at once for the machine to foresee."""
        builder, w, sizes = self.builder, self.pixels.w, self.found.sizes
        steps = prod(number_of(sizes[c]) for c in self.found.depth)
        if not self._heavy() or not self.pixels.row or w.found.strides[self.pixels.row] != steps:
            return
        start, line = w.place({**at, self.pixels.row: row + many}), LINE // ITEMSIZE[self.dtype]
        with builder.loop(-(-many * steps // line), stem="q") as q:
            builder.emit(Prefetch(builder.buffer(self.context.stored[w.found.stored]), start + q * line))

    def _block(self, at: dict[str, Dim], block: Piece, rows: tuple[Dim, int]) -> None:
        """Sums of some rows and some lines, then what follows on them."""
        pixels, builder = self.pixels, self.builder
        vectors = pixels.vectors(block)
        for part in pieces(vectors, pixels.tile(block)[1]):
            with along(builder, part, vectors, "q") as first:
                self._tile(at, block, rows, (first, part.size))
        self._finish(at, block, rows)

    def _tile(self, outer: dict[str, Dim], block: Piece, rows: tuple[Dim, int], columns: tuple[Dim, int]) -> None:
        builder, pixels, dtype = self.builder, self.pixels, self.dtype
        (row, many), (first, vectors) = rows, columns
        starts = [self._start(first + q, block) for q in range(vectors)]
        acc = builder.registers((many, vectors), Lit(0, dtype))
        with ExitStack() as stack:
            at = dict(outer)
            written, size = many * vectors, self.found.sizes
            out = []
            for c in reversed(self.found.depth):
                written *= number_of(size[c])
                out.append(written <= WRITTEN_OUT)
            for c, short in zip(self.found.depth, reversed(out), strict=True):
                n = size[c]
                loop = builder.unrolled(0, n, n, "k") if short and n != 1 else builder.loop(n, stem="k")
                at[c] = stack.enter_context(loop)
            base = pixels.x.place(builder, at) + symbol(LANE)
            for q in range(vectors):
                value = builder.let("v", Load(builder.buffer(self.storage), base + starts[q], dtype))
                with builder.unrolled(0, many, many, "r") as r:
                    if pixels.row:
                        at[pixels.row] = row + r
                    product = Prim("mul", (value, pixels.w.load(self.context, builder, at)), dtype)
                    builder.add_to(acc, (r, q), product)
        pitch = pixels.vectors(block) * self.lanes
        for q in range(vectors):
            with builder.unrolled(0, many, many, "r") as r:
                builder.store(self.sums, r * pitch + starts[q] + symbol(LANE), Element(acc, (r, q), dtype))

    def _start(self, vector: Dim, block: Piece) -> Dim:
        """Where a vector starts: the last ends with the block, where there is nothing behind that may be read."""
        positions = self.pixels.positions(block)
        if self.pixels.x.copy is not None or positions % self.lanes == 0:
            return vector * self.lanes
        last = positions - self.lanes
        if isinstance(vector, int):
            return min(vector * self.lanes, last)
        return self.builder.least(vector * self.lanes, last, last + 1)

    def _finish(self, outer: dict[str, Dim], block: Piece, rows: tuple[Dim, int]) -> None:
        pixels, line, column = self.pixels, self.pixels.x.line, self.pixels.column
        width = number_of(self.found.sizes[column]) if line else block.size
        pitches = (pixels.vectors(block) * self.lanes, number_of(pixels.x.pitch))
        lines = block.size if line else 1
        sums = Sums(self.sums, pixels.row, *rows, line, lines, column, width, pitches)
        Finish(self.builder, self.puller, self.anchor, self.stores, self.found.out, self.lanes).write(sums, outer)
