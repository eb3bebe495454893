"""Winograd's convolution F(4x4, 3x3) in a region: 36 products where direct sums take 144.

    for every four lines of the result:
        v[p, c, t] = (B^T d B)[p]          d: the 6 x 6 elements that tile t of channel c reads; p: one of 36 points
        m[p, o, t] = sum over c of u[p, o, c] * v[p, c, t]
        out[o, 4 x 4 of tile t] = A^T m[., o, t] A
    with u[., o, c] = G w[o, c] G^T once for all examples

Source: A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks" (2016), arXiv 1509.09308. Rounding
errors are some ten times those of direct sums. Everything is lane-wise: an example a lane, as elsewhere.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.ir import Element, Expr, Lit, Load, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.operands import Operand, extents
from graphad.compiler.lower.examples.products import Finish, along
from graphad.compiler.lower.examples.tiles import choose, pieces
from graphad.compiler.lower.examples.winograd_letters import POINTS, SPAN, TAPS, TILE, Winograd
from graphad.compiler.lower.examples.winograd_transforms import of_inputs, of_outputs, of_weights
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import Target

CACHE: Final = 5 << 18
"""Bytes of the second-level cache that transforms may take."""


def transform_weights(
    builder: Builder, context: Context, w: Operand, letters: Winograd, sizes: dict[str, int], u: Storage
) -> None:
    """u[p, o, c] = (G w[o, c] G^T)[p], once for all examples."""
    rows, depth = sizes[letters.rows], sizes[letters.depth]
    with builder.loop(rows, "parallel") as o, builder.loop(depth) as c:
        at = {letters.rows: o, letters.depth: c}
        order = [range(TAPS)[:: -1 if origin else 1] for origin in letters.origins]
        taps = [
            [
                builder.let("v", w.load(context, builder, {**at, letters.taps[0]: i, letters.taps[1]: j}))
                for j in order[1]
            ]
            for i in order[0]
        ]
        across = [_named(builder, of_weights(row)) for row in taps]
        for s in range(SPAN):
            for r, value in enumerate(_named(builder, of_weights([across[i][s] for i in range(TAPS)]))):
                builder.store(u, ((r * SPAN + s) * rows + o) * depth + c, value)


def letter_sizes(anchor: Node) -> dict[str, int]:
    """Each letter's extent."""
    kind = anchor.kind
    assert isinstance(kind, Contract)
    return extents((kind.left, kind.right), [x.type.shape for x in anchor.operands])


def lower_winograd(
    context: Context,
    builder: Builder,
    anchor: Node,
    operands: tuple[Operand, Storage],
    letters: Winograd,
    finish: Finish,
    machine: Target,
) -> str:
    """Every result, handed to ``finish``; what was done, in words. Operands: windows, and the weights' transform."""
    sizes = letter_sizes(anchor)
    lines, width = (sizes[c] for c in letters.pixels)
    tiles = -(-width // TILE)
    most = _at_once(sizes[letters.rows] + sizes[letters.depth], tiles, machine.vector_bytes)
    work = _Work(context, builder, anchor, *operands, letters, sizes, most)
    work.v = context.local(anchor.type.dtype, POINTS * work.apart(sizes[letters.depth]), per_part=True)
    work.m = context.local(anchor.type.dtype, POINTS * work.apart(sizes[letters.rows]), per_part=True)
    strips = -(-lines // TILE)
    builder.kernel.parallel = strips > 1
    with builder.loop(strips, "parallel", stem="i") as strip:
        for part in pieces(tiles, most):
            with along(builder, "t", part, {"t": tiles}, "i") as first:
                work.tiles, work.first = part.size, first
                work.transform(strip)
                work.multiply(machine.vectors)
                work.gather(strip, finish)
    return "Winograd F(4x4, 3x3), one example a lane"


def _at_once(channels: int, tiles: int, vector_bytes: int) -> int:
    """Tiles whose transforms, v and m, stay in the second-level cache; two at least, for the products' sake."""
    most = max(2, CACHE // (POINTS * channels * vector_bytes))
    return -(-tiles // -(-tiles // min(most, tiles)))


@dataclass
class _Work:
    """Tiles of a strip of four lines: so many at a time, from ``first`` on."""

    context: Context
    builder: Builder
    anchor: Node
    x: Operand
    u: Storage
    letters: Winograd
    sizes: dict[str, int]
    tiles: int
    first: Dim = 0
    v: Storage | None = None
    m: Storage | None = None

    def apart(self, channels: int) -> int:
        """Vectors from point to point: an odd number, or all 36 of a tile would compete for one set of the cache."""
        return channels * self.tiles | 1

    def transform(self, strip: Dim) -> None:
        """v from the lines that the strip reads."""
        builder, letters = self.builder, self.letters
        depth, dtype = self.sizes[letters.depth], self.anchor.type.dtype
        assert self.v is not None
        with builder.loop(depth, stem="k") as c, builder.loop(self.tiles, stem="i") as t:
            half = builder.registers((SPAN, SPAN), Lit(0, dtype))
            with builder.unrolled(0, SPAN, SPAN, "r") as r:
                first = {
                    letters.depth: c,
                    letters.pixels[0]: TILE * strip + r,
                    **dict(zip(letters.taps, letters.origins, strict=True)),
                }
                place = [{**first, letters.pixels[1]: TILE * (self.first + t) + j} for j in range(SPAN)]
                line = [builder.let("v", self.x.load(self.context, builder, at)) for at in place]
                for i, value in enumerate(_named(builder, of_inputs(line))):
                    builder.put(half, (r, i), value)
            with builder.unrolled(0, SPAN, SPAN, "s") as s:
                column = [Element(half, (i, s), dtype) for i in range(SPAN)]
                for i, value in enumerate(_named(builder, of_inputs(column))):
                    builder.store(self.v, (i * SPAN + s) * self.apart(depth) + c * self.tiles + t, value)

    def multiply(self, registers: int) -> None:
        """m, point by point."""
        builder, dtype = self.builder, self.anchor.type.dtype
        rows, depth = self.sizes[self.letters.rows], self.sizes[self.letters.depth]
        assert self.v is not None
        assert self.m is not None
        most = choose(rows, self.tiles, registers)
        with builder.loop(POINTS, stem="k") as p:
            for columns in pieces(self.tiles, most[1]):
                with along(builder, "t", columns, {"t": self.tiles}, "i") as t:
                    for block in pieces(rows, most[0]):
                        with along(builder, "o", block, {"o": rows}, "o") as o:
                            acc = builder.registers((block.size, columns.size), Lit(0, dtype))
                            with ExitStack() as stack:
                                c = stack.enter_context(builder.loop(depth, stem="k"))
                                q = stack.enter_context(builder.unrolled(0, columns.size, columns.size, "q"))
                                place = p * self.apart(depth) + c * self.tiles + t + q
                                value = builder.let("v", Load(builder.buffer(self.v), place, dtype))
                                r = stack.enter_context(builder.unrolled(0, block.size, block.size, "r"))
                                factor = Load(builder.buffer(self.u), (p * rows + o + r) * depth + c, dtype)
                                builder.add_to(acc, (r, q), Prim("mul", (value, factor), dtype))
                            with (
                                builder.unrolled(0, block.size, block.size, "r") as r,
                                builder.unrolled(0, columns.size, columns.size, "q") as q,
                            ):
                                builder.store(
                                    self.m,
                                    p * self.apart(rows) + (o + r) * self.tiles + t + q,
                                    Element(acc, (r, q), dtype),
                                )

    def gather(self, strip: Dim, finish: Finish) -> None:
        """The results of the strip from m."""
        builder, letters, dtype = self.builder, self.letters, self.anchor.type.dtype
        rows = self.sizes[letters.rows]
        lines, width = (self.sizes[c] for c in letters.pixels)
        assert self.m is not None
        m = builder.buffer(self.m)
        with builder.loop(rows, stem="o") as o, builder.loop(self.tiles, stem="i") as t:
            half = builder.registers((TILE, SPAN), Lit(0, dtype))
            with builder.unrolled(0, SPAN, SPAN, "s") as s:
                column = [
                    builder.let("v", Load(m, (r * SPAN + s) * self.apart(rows) + o * self.tiles + t, dtype))
                    for r in range(SPAN)
                ]
                for i, value in enumerate(_named(builder, of_outputs(column))):
                    builder.put(half, (i, s), value)
            with builder.unrolled(0, TILE, TILE, "r") as r:
                line = [Element(half, (r, s), dtype) for s in range(SPAN)]
                for q, value in enumerate(_named(builder, of_outputs(line))):
                    places = (TILE * strip + r, TILE * (self.first + t) + q)
                    with builder.ensured(zip(places, (lines, width), strict=True)):
                        finish({letters.rows: o, **dict(zip(letters.pixels, places, strict=True))}, value)


def _named(builder: Builder, values: Sequence[Expr]) -> list[Expr]:
    return [builder.let("v", v) for v in values]
