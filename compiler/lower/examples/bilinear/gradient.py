"""The gradient of a convolution's weights by Winograd's algorithm, summed over tiles and examples point by point.

    for every few tiles t of a block of examples:
        v[p, c, t] = transform of what tile t of channel c reads           an example a lane
        d[p, o, t] = transform of the results' cotangents
        for p in points:
            m[p, o, c] += sum over t and lanes of d[p, o, t] * v[p, c, t]  a matrix product: channels in the lanes
    g[o, c] = transform of m[., o, c] back                                 once for all blocks of a chunk

It is the transpose of the convolution by the same algorithm, F(4x4, 3x3) say: its points, matrices and rounding errors.

Source: A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks" (2016), arXiv 1509.09308, section 4.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, TypeAlias

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.in_lanes import COUNT, LANE, Layout
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import At, Expr, Lit, Load, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.bilinear.algorithm import Memory
from graphad.compiler.lower.examples.bilinear.letters import Letters
from graphad.compiler.lower.examples.bilinear.toom import Toom
from graphad.compiler.lower.examples.operands import Operand
from graphad.compiler.lower.examples.stage import Inside
from graphad.compiler.lower.storage import Storage

FIRST_TILE: Final = "tile"
TILES: Final = "tiles"

Loop: TypeAlias = AbstractContextManager[Dim]


@dataclass(frozen=True)
class Shape:
    """Tiles of a block, so many ``at_once``; ``width``: channels of the input in whole vectors."""

    algorithm: Toom
    rows: int
    depth: int
    width: int
    across: int
    tiles: int
    at_once: int

    def pitch(self, channels: int) -> int:
        """Vectors from point to point, an odd number: or all of a tile would compete for one set of the cache."""
        return channels * self.at_once | 1


@dataclass(frozen=True)
class Points:
    """Transforms of both operands, a panel of one with its channels in lanes, and the sums; every thread's own."""

    v: Storage
    d: Storage
    panel: Storage
    m: Storage


def points_of(context: Inside, outer: Context, shape: Shape, dtype: str) -> Points:
    """New memory."""
    many = shape.algorithm.points
    sizes = (many * shape.pitch(shape.width), many * shape.pitch(shape.rows), shape.at_once * shape.width)
    v, d, panel = (context.local(dtype, size, per_part=True) for size in sizes)
    m = outer.local(dtype, many * shape.rows * shape.width, per_part=True)
    context.layouts[m] = Layout("shared")
    return Points(v, d, panel, m)


@dataclass(frozen=True)
class Transforms:
    """Writes the kernels, each for one example, that transform some tiles of either operand."""

    context: Inside
    letters: Letters
    shape: Shape
    dtype: str

    def of_input(self, x: Operand, v: Storage, nodes: tuple[Node, ...]) -> Launch:
        """v from the windows."""
        origins = dict(zip(self.letters.taps, self.letters.origins, strict=True))
        builder = self._builder("tiles", nodes)
        with builder.loop(self.shape.depth, stem="k") as c, self._tiles(builder) as t:
            corner = self._corner(builder, t)

            def read(i: Dim, j: Dim) -> Expr:
                pixels = zip(self.letters.pixels, (corner[0] + i, corner[1] + j), strict=True)
                return x.load(self.context, builder, {self.letters.depth: c, **dict(pixels), **origins})

            def write(p: Dim, _: Dim, value: Expr) -> None:
                builder.store(v, self._place(self.shape.width, p, c, t), value)

            self.shape.algorithm.of_input(builder, Memory(self.context.local, _same), self.dtype, read, write)
        return builder.launch(nodes)

    def of_cotangents(self, y: Operand, d: Storage, nodes: tuple[Node, ...]) -> Launch:
        """d from the cotangents; examples that there are not count as zeros."""
        builder = self._builder("tiles", nodes)
        there = Prim("lt", (At(symbol(LANE)), At(symbol(COUNT))), "bool")
        with builder.loop(self.shape.rows, stem="o") as o, self._tiles(builder) as t:
            corner = self._corner(builder, t)

            def read(i: Dim, j: Dim) -> Expr:
                pixels = zip(self.letters.pixels, (corner[0] + i, corner[1] + j), strict=True)
                value = y.load(self.context, builder, {self.letters.rows: o, **dict(pixels)})
                return Prim("select", (there, value, Lit(0, self.dtype)), self.dtype)

            def write(p: Dim, _: Dim, value: Expr) -> None:
                builder.store(d, self._place(self.shape.rows, p, o, t), value)

            self.shape.algorithm.of_cotangents(builder, self.dtype, read, write)
        return builder.launch(nodes)

    def _builder(self, stem: str, nodes: tuple[Node, ...]) -> Builder:
        builder = self.context.builder(stem, nodes)[0]
        builder.kernel.scheduled = True
        builder.kernel.scalars += [FIRST_TILE, TILES]
        builder.extents |= {FIRST_TILE: self.shape.tiles, TILES: self.shape.at_once + 1}
        return builder

    def _tiles(self, builder: Builder) -> Loop:
        return builder.between(0, symbol(TILES), self.shape.at_once, stem="q")

    def _corner(self, builder: Builder, t: Dim) -> tuple[Dim, Dim]:
        """Line and column of the first pixel of a tile."""
        lines, columns = self.shape.algorithm.tile
        if self.shape.across == 1:
            return (symbol(FIRST_TILE) + t) * lines, 0
        number = At(symbol(FIRST_TILE) + t)
        down, along = (
            builder.index(Prim(how, (number, At(self.shape.across)), "int64"), self.shape.tiles)
            for how in ("floordiv", "mod")
        )
        return down * lines, along * columns

    def _place(self, channels: int, point: Dim, channel: Dim, tile: Dim) -> Dim:
        return point * self.shape.pitch(channels) + channel * self.shape.at_once + tile


def back(
    builder: Builder, shape: Shape, m: Storage, sums: tuple[Storage, dict[str, int], str], letters: Letters, lanes: int
) -> Launch:
    """The kernels' gradients from the points' sums, pairs of channels in the lanes. ``sums``: sizes, and their order.

    Lanes beyond the last channel do it again.
    """
    storage, sizes, order = sums
    extents = tuple(sizes[c] for c in order)
    dtype = storage.dtype
    builder.kernel.scheduled = True
    with (
        builder.loop(shape.rows, stem="o") as o,
        builder.loop(-(-shape.depth // lanes), stem="k") as first,
        builder.together(LANE, lanes),
    ):
        c: Dim = first * lanes + symbol(LANE)
        if shape.depth % lanes:
            c = builder.least(c, shape.depth - 1, shape.depth)

        def read(p: Dim, _: Dim) -> Expr:
            return Load(builder.buffer(m), (p * shape.rows + o) * shape.width + c, dtype)

        def write(i: Dim, j: Dim, value: Expr) -> None:
            taps = [t if origin == 0 else origin - t for t, origin in zip((i, j), letters.origins, strict=True)]
            at = {letters.rows: o, letters.depth: c, **dict(zip(letters.taps, taps, strict=True))}
            builder.store(storage, flat([at.get(k, 0) for k in order], extents), value)

        shape.algorithm.of_products(builder, dtype, read, write)
    return builder.launch(())


def _same(place: Dim) -> Dim:
    return place
