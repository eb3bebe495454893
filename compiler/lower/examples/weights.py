"""Weights' gradients in a region: sums over the pixels of a block's examples, then over its lanes.

for o by RT, for c, i:
    acc = registers(RT, CT)
    for y, x:
        acc[r, j] += d[o + r, y, x] * x[c, y + i, x + j]                  both vectors of examples
    sums[o + r, c, i, j] += sum_lanes(acc[r, j])
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import Element, Lit, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.operands import Operand, extents
from graphad.compiler.lower.examples.products import along
from graphad.compiler.lower.examples.tiles import choose, pieces
from graphad.compiler.lower.storage import Storage

FEW: Final = 3
"""Taps that are worth a tile's side."""


def lower_weights(
    context: Context, builder: Builder, anchor: Node, a: Operand, b: Operand, sums: Storage, registers: int
) -> str:
    """Adds the block's part of a contraction that sums over the batch to ``sums``; what was done, in words."""
    kind = anchor.kind
    assert isinstance(kind, Contract)
    sizes = extents((kind.left, kind.right), [o.type.shape for o in anchor.operands])
    wide = [c for c in kind.out if sizes[c] != 1]
    depth = [c for c in sizes if c not in kind.out]
    sides = [[c for c in wide if c in one.letters and c not in two.letters] for one, two in ((a, b), (b, a))]
    if any(_tap(side, one, depth, sizes) for side, one in ((sides[0], a),)):
        a, b, sides = b, a, [sides[1], sides[0]]
    row = _letter(sides[0], sizes)
    column = _tap(sides[1], b, depth, sizes) or _letter(sides[1], sizes)
    r_most, c_most = choose(sizes.get(row, 1), sizes.get(column, 1), registers)
    others = [c for c in kind.out if c not in (row, column)]
    tile = _Tile(context, builder, anchor, (a, b), sums, (row, column), depth, sizes)
    for p in pieces(sizes.get(row, 1), r_most):
        for q in pieces(sizes.get(column, 1), c_most):
            with ExitStack() as stack:
                first_row = stack.enter_context(along(builder, row, p, sizes, "o"))
                at: dict[str, Dim] = {c: stack.enter_context(builder.loop(sizes[c], stem="o")) for c in others}
                first_column = stack.enter_context(along(builder, column, q, sizes, "o"))
                tile.write(at, (first_row, first_column), (p.size, q.size))
    return f"{r_most} x {c_most} sums in registers, one example a lane"


@dataclass(frozen=True)
class _Tile:
    """What all tiles of a gradient share; ``sides``: the letters of rows and columns, "" for none."""

    context: Context
    builder: Builder
    anchor: Node
    operands: tuple[Operand, Operand]
    sums: Storage
    sides: tuple[str, str]
    depth: Sequence[str]
    sizes: dict[str, int]

    def write(self, outer: dict[str, Dim], first: tuple[Dim, Dim], shape: tuple[int, int]) -> None:
        """A tile's sums over the pixels, then over the lanes."""
        builder, (rows, columns), dtype = self.builder, shape, self.anchor.type.dtype
        acc = builder.registers(shape, Lit(0, dtype))
        with ExitStack() as stack:
            pixel = {c: stack.enter_context(builder.loop(self.sizes[c], stem="k")) for c in self.depth}
            r = stack.enter_context(builder.unrolled(0, rows, rows, "r"))
            value = builder.let(
                "v", self.operands[0].load(self.context, builder, self._at(outer, pixel, first, (r, 0)))
            )
            q = stack.enter_context(builder.unrolled(0, columns, columns, "q"))
            other = self.operands[1].load(self.context, builder, self._at(outer, pixel, first, (r, q)))
            builder.add_to(acc, (r, q), Prim("mul", (value, other), dtype))
        kind = self.anchor.kind
        assert isinstance(kind, Contract)
        with builder.unrolled(0, rows, rows, "r") as r, builder.unrolled(0, columns, columns, "q") as q:
            at = self._at(outer, {}, first, (r, q))
            where = flat([at[c] for c in kind.out], self.anchor.type.shape)
            builder.store(self.sums, where, Element(acc, (r, q), dtype))

    def _at(
        self, outer: dict[str, Dim], pixel: dict[str, Dim], first: tuple[Dim, Dim], inside: tuple[Dim, Dim]
    ) -> dict[str, Dim]:
        tile = {c: f + i for c, f, i in zip(self.sides, first, inside, strict=True) if c}
        return {**outer, **pixel, **tile}


def _letter(side: list[str], sizes: dict[str, int]) -> str:
    """The longest axis, the last of equal ones."""
    return max(reversed(side), key=sizes.__getitem__, default="")


def _tap(side: list[str], operand: Operand, depth: list[str], sizes: dict[str, int]) -> str:
    """The last axis along which windows overlap: its elements are next to each other, and in the cache."""
    strides = operand.found.strides
    pixels = [strides[c] for c in depth if c in strides and sizes[c] != 1]
    taps = [c for c in side if sizes[c] >= FEW and any(_overlap(strides[c], p) for p in pixels)]
    return min(
        taps, key=lambda c: str(strides[c]) if not isinstance(strides[c], int) else f"{strides[c]:09d}", default=""
    )


def _overlap(tap: Dim, pixel: Dim) -> bool:
    return isinstance(tap, int) and isinstance(pixel, int) and tap != 0 and pixel != 0 and pixel % tap == 0
