"""A convolution in a region by a bilinear algorithm.

    for every strip of lines that one row of tiles covers:
        v[p, c, t] = transform of what tile t of channel c reads
        m[p, o, t] = sum over c of u[p, o, c] * v[p, c, t]
        out[o, tile t] = transform of m[., o, t] back, handed to the epilogue

Everything is lane-wise: an example a lane, as elsewhere.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.in_lanes import PIXEL
from graphad.compiler.loops.ir import Element, Expr, Lit, Load, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.along import along
from graphad.compiler.lower.examples.bilinear.algorithm import Memory, Pair
from graphad.compiler.lower.examples.bilinear.letters import Letters
from graphad.compiler.lower.examples.bilinear.weights import Factors
from graphad.compiler.lower.examples.columns import beside, in_words
from graphad.compiler.lower.examples.operands import Operand, extents
from graphad.compiler.lower.examples.products import Finish
from graphad.compiler.lower.examples.tiles import choose, pieces
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import Target

CACHE: Final = 5 << 18
"""Bytes of the second-level cache that transforms may take."""


def letter_sizes(anchor: Node) -> dict[str, int]:
    """Each letter's extent."""
    kind = anchor.kind
    assert isinstance(kind, Contract)
    return extents((kind.left, kind.right), [x.type.shape for x in anchor.operands])


def lower_convolution(
    context: Context,
    builder: Builder,
    anchor: Node,
    operands: tuple[Operand, Storage],
    factors: Factors,
    letters: Letters,
    finish: Finish,
    machine: Target,
    side_by_side: int = 1,
) -> str:
    """Every result, handed to ``finish``; what was done, in words. Operands: windows, and the weights' transform.

    ``side_by_side``: neighbouring tiles that lanes have at once; windows have as many as are multiples of that.
    """
    sizes, algorithm = letter_sizes(anchor), factors.algorithm
    lines, columns = algorithm.tile
    strips, tiles = -(-sizes[letters.pixels[0]] // lines), -(-sizes[letters.pixels[1]] // (columns * side_by_side))
    rows, depth = (sizes[c] * algorithm.parts for c in (letters.rows, letters.depth))
    most = _at_once(algorithm.points * (rows + depth) * machine.vector_bytes, tiles)
    dtype = anchor.type.dtype
    v = context.local(dtype, algorithm.points * (depth * most | 1) * side_by_side, per_part=True)
    m = context.local(dtype, algorithm.points * (rows * most | 1) * side_by_side, per_part=True)
    work = _Work(context, builder, dtype, *operands, v, m, factors, letters, sizes, side_by_side)
    builder.kernel.parallel = strips > 1
    builder.kernel.side_by_side = builder.extents[PIXEL] = side_by_side
    with builder.loop(strips, "parallel", stem="i") as strip:
        for part in pieces(tiles, most):
            with along(builder, part, tiles, "i") as first:
                work.tiles, work.first = part.size, first
                work.transform(strip)
                work.multiply(machine.vectors)
                work.gather(strip, finish)
    return f"{algorithm.name}, {in_words(side_by_side)}"


def _at_once(nbytes: int, tiles: int) -> int:
    """Tiles whose transforms, v and m, stay in the second-level cache; two at least, for the products' sake."""
    most = max(2, CACHE // nbytes)
    return -(-tiles // -(-tiles // min(most, tiles)))


@dataclass
class _Work:
    """Tiles of a strip: so many at a time, from ``first`` on; those side by side count as one."""

    context: Context
    builder: Builder
    dtype: str
    x: Operand
    u: Storage
    v: Storage
    m: Storage
    factors: Factors
    letters: Letters
    sizes: dict[str, int]
    side_by_side: int
    tiles: int = 0
    first: Dim = 0

    def __post_init__(self) -> None:
        self.algorithm = self.factors.algorithm
        self.parts = self.algorithm.parts
        self.rows, self.depth = self.sizes[self.letters.rows], self.sizes[self.letters.depth]
        many = self.side_by_side
        self.memory = Memory(
            lambda dtype, size: self.context.local(dtype, size * many, per_part=True), lambda place: beside(place, many)
        )

    def place(self, channels: int, point: Dim, part: Dim, channel: Dim, tile: Dim) -> Dim:
        """Where a tile's part of a point lies.

        Points are an odd number of vectors apart, or all of a tile would compete for one set of the cache.
        """
        place = point * (channels * self.parts * self.tiles | 1) + (part * channels + channel) * self.tiles + tile
        return beside(place, self.side_by_side)

    def column(self, tile: Dim, offset: Dim) -> Dim:
        """The column at an offset in a tile."""
        return self.algorithm.tile[1] * beside(self.first + tile, self.side_by_side) + offset

    def transform(self, strip: Dim) -> None:
        """v from the lines that the strip reads."""
        builder, letters, lines = self.builder, self.letters, self.algorithm.tile[0]
        with builder.loop(self.depth, stem="k") as c, builder.loop(self.tiles, stem="i") as t:

            def read(i: Dim, j: Dim) -> Expr:
                places = (lines * strip + i, self.column(t, j))
                origins = dict(zip(letters.taps, letters.origins, strict=True))
                at = {letters.depth: c, **dict(zip(letters.pixels, places, strict=True)), **origins}
                return self.x.load(self.context, builder, at)

            def write(p: Dim, part: Dim, value: Expr) -> None:
                builder.store(self.v, self.place(self.depth, p, part, c, t), value)

            self.algorithm.of_input(builder, self.memory, self.dtype, read, write)

    def multiply(self, registers: int) -> None:
        """m, point by point."""
        builder = self.builder
        most = choose(self.rows, self.tiles, registers)
        with builder.loop(self.algorithm.points, stem="k") as p, builder.loop(self.parts, stem="k") as part:
            for columns in pieces(self.tiles, most[1]):
                with along(builder, columns, self.tiles, "i") as t:
                    for block in pieces(self.rows, most[0]):
                        with along(builder, block, self.rows, "o") as o:
                            self._products((block.size, columns.size), p, part, o, t)

    def _products(self, size: Pair, p: Dim, part: Dim, o: Dim, t: Dim) -> None:
        """A tile of m in registers."""
        builder, dtype, letters = self.builder, self.dtype, self.letters
        acc = builder.registers(size, Lit(0, dtype))
        with ExitStack() as stack:
            other = stack.enter_context(builder.loop(self.parts, stem="k"))
            c = stack.enter_context(builder.loop(self.depth, stem="k"))
            q = stack.enter_context(builder.unrolled(0, size[1], size[1], "q"))
            place = self.place(self.depth, p, other, c, t + q)
            value = builder.let("v", Load(builder.buffer(self.v), place, dtype))
            r = stack.enter_context(builder.unrolled(0, size[0], size[0], "r"))
            pair = self.factors.pair({letters.rows: o + r, letters.depth: c})
            factor = Load(builder.buffer(self.u), self.factors.place(p, (part, other), pair), dtype)
            builder.add_to(acc, (r, q), Prim("mul", (value, factor), dtype))
        with builder.unrolled(0, size[0], size[0], "r") as r, builder.unrolled(0, size[1], size[1], "q") as q:
            builder.store(self.m, self.place(self.rows, p, part, o + r, t + q), Element(acc, (r, q), dtype))

    def gather(self, strip: Dim, finish: Finish) -> None:
        """The results of the strip from m."""
        builder, letters, lines = self.builder, self.letters, self.algorithm.tile[0]
        with builder.loop(self.rows, stem="o") as o, builder.loop(self.tiles, stem="i") as t:

            def read(p: Dim, part: Dim) -> Expr:
                return Load(builder.buffer(self.m), self.place(self.rows, p, part, o, t), self.dtype)

            def write(r: Dim, q: Dim, value: Expr) -> None:
                places = (lines * strip + r, self.column(t, q))
                inside = [(at, self.sizes[c]) for at, c in zip(places, letters.pixels, strict=True)]
                with builder.ensured(inside):
                    finish({letters.rows: o, **dict(zip(letters.pixels, places, strict=True))}, value)

            self.algorithm.of_output(builder, self.memory, self.dtype, read, write)
