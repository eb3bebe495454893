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
from itertools import product
from math import prod
from typing import Final

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import Element, Lit, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.along import along
from graphad.compiler.lower.examples.operands import Bound, Operand, extents
from graphad.compiler.lower.examples.tiles import Piece, choose, choose_outer, pieces, tiles
from graphad.compiler.lower.examples.trim import trimmed
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import Target

BLOCK: Final = 1 << 20
"""Bytes of all channels' pixels that stay in the second-level cache."""
RATE: Final = 1.74
"""Multiply-adds a cycle."""
LANES: Final = 12
"""Cycles of a sum over the lanes."""
NEAR: Final = 24 * 1024
"""Bytes of a tile's rows that stay in the first-level cache from one tile of taps to the next."""


def lower_weights(
    context: Context,
    builder: Builder,
    anchor: Node,
    operands: tuple[Operand, Operand],
    sums: Storage,
    machine: Target,
    bounds: Sequence[Bound] = (),
) -> str:
    """Adds the block's part of a contraction that sums over the batch to ``sums``; what was done, in words.

    ``bounds``: of pixels and taps beyond which there are zeros.
    """
    kind = anchor.kind
    assert isinstance(kind, Contract)
    sizes = extents((kind.left, kind.right), [o.type.shape for o in anchor.operands])
    depth = [c for c in sizes if c not in kind.out and sizes[c] != 1]
    shape, operands = _shape(kind, operands, depth, sizes, machine)
    others = [c for c in kind.out if c not in shape.letters]
    tile = _Tile(context, builder, anchor, operands, sums, shape, depth, sizes, bounds)
    rows, *taps = (pieces(sizes.get(c, 1), most) for c, most in zip(shape.letters, shape.most, strict=True))
    by_row = tiles(rows) > 1
    outer = "" if by_row else next((c for c in others if sizes[c] != 1), "")
    builder.kernel.parallel = by_row or bool(outer)
    for block, p, q, s in product(_blocks(operands, depth, sizes, machine), rows, *taps):
        with ExitStack() as stack:
            pixel = stack.enter_context(along(builder, block, sizes[depth[0]] if depth else 1, "k"))
            row = stack.enter_context(along(builder, p, sizes.get(shape.letters[0], 1), "o", by_row))
            at: dict[str, Dim] = {}
            for c in others:
                at[c] = stack.enter_context(builder.loop(sizes[c], "parallel" if c == outer else "serial", stem="o"))
            first = [
                stack.enter_context(along(builder, piece, sizes.get(c, 1), "o"))
                for c, piece in zip(shape.letters[1:], (q, s), strict=True)
            ]
            tile.write(at, (row, *first), (p.size, q.size, s.size), pixel, block.size)
    return f"{' x '.join(str(m) for m in shape.most if m > 1)} sums in registers, one example a lane"


def cycles(kind: Contract, operands: tuple[Operand, Operand], sizes: dict[str, int], machine: Target) -> float:
    """Cycles of a block of examples: multiply-adds, and the sums over the lanes at the end."""
    depth = [c for c in sizes if c not in kind.out and sizes[c] != 1]
    blocks = tiles(_blocks(operands, depth, sizes, machine))
    return prod(sizes.values()) / RATE + prod(sizes[c] for c in kind.out) * blocks * LANES


@dataclass(frozen=True)
class _Shape:
    """The letters of rows and of two axes of taps, "" for none; and how many of each a tile has."""

    letters: tuple[str, str, str]
    most: tuple[int, int, int]


def _shape(
    kind: Contract, operands: tuple[Operand, Operand], depth: Sequence[str], sizes: dict[str, int], machine: Target
) -> tuple[_Shape, tuple[Operand, Operand]]:
    """The tile, and the operands in the order rows, taps."""
    a, b = operands
    wide = [c for c in kind.out if sizes[c] != 1]
    sides = [[c for c in wide if c in one.letters and c not in two.letters] for one, two in ((a, b), (b, a))]
    taps = [taps_of(side, one, depth, sizes) for side, one in zip(sides, (a, b), strict=True)]
    if taps[0] and not taps[1]:
        (a, b), sides, taps = (b, a), sides[::-1], taps[::-1]
    row, found = longest(sides[0], sizes), taps[1][-2:]
    if not found:
        column = longest(sides[1], sizes)
        r, c = choose(sizes.get(row, 1), sizes.get(column, 1), machine.vectors)
        return _Shape((row, "", column), (r, 1, c)), (a, b)
    outer, inner = found if len(found) == 2 else ("", found[0])
    pixels = prod(sizes[c] for c in depth) // sizes[depth[0]] * _blocks((a, b), depth, sizes, machine)[0].size
    far = 3 * pixels * machine.vector_bytes > NEAR
    best = choose_outer(sizes.get(row, 1), (sizes.get(outer, 1), sizes[inner]), machine.vectors, far)
    return _Shape((row, outer, inner), (best.rows, *best.taps)), (a, b)


def _blocks(
    operands: tuple[Operand, Operand], depth: Sequence[str], sizes: dict[str, int], machine: Target
) -> tuple[Piece, ...]:
    """The outermost pixels in blocks of which the second-level cache holds all channels of both operands."""
    if not depth:
        return (Piece(0, 1, 1),)
    extent = sizes[depth[0]]
    vectors = sum(_elements(o, depth, sizes) for o in operands) // extent
    return pieces(extent, min(extent, max(1, BLOCK // (vectors * machine.vector_bytes))))


def _elements(operand: Operand, depth: Sequence[str], sizes: dict[str, int]) -> int:
    """How many elements an operand has: pixels that taps share count once."""
    taps = taps_of([c for c in operand.letters if c not in depth], operand, depth, sizes)
    strides = {c: s for c, s in operand.found.strides.items() if isinstance(s, int)}
    shared = [c for c in taps if any(strides.get(d) == strides[c] for d in depth)]
    return prod(sizes[c] for c in operand.letters if c not in shared)


@dataclass(frozen=True)
class _Tile:
    """What all tiles of a gradient share."""

    context: Context
    builder: Builder
    anchor: Node
    operands: tuple[Operand, Operand]
    sums: Storage
    shape: _Shape
    depth: Sequence[str]
    sizes: dict[str, int]
    bounds: Sequence[Bound]

    def write(
        self, outer: dict[str, Dim], first: tuple[Dim, ...], counts: tuple[int, int, int], pixel: Dim, pixels: int
    ) -> None:
        """A tile's sums over the pixels, then over the lanes. The fewer vectors are kept while the others pass by."""
        builder, dtype = self.builder, self.anchor.type.dtype
        acc = builder.registers(counts, Lit(0, dtype))
        taps_inside = counts[0] > counts[1] * counts[2]
        known = {c: (d, d) for c, d in outer.items()}
        known |= {c: (f, f + (n - 1)) for c, f, n in zip(self.shape.letters, first, counts, strict=True) if c}
        with ExitStack() as stack:
            at = dict(outer)
            for c in self.depth:
                within = (pixel, pixel + pixels) if c == self.depth[0] else (0, self.sizes[c])
                at[c] = stack.enter_context(trimmed(builder, c, within, self.sizes[c], self.bounds, known))
            place: list[Dim] = [0, 0, 0]
            for i in (0, 1, 2) if taps_inside else (1, 2, 0):
                place[i] = stack.enter_context(builder.unrolled(0, counts[i], counts[i], "rsq"[i]))
                at |= {c: f + u for c, f, u in zip(self.shape.letters, first, place, strict=True) if c}
                if i == (0 if taps_inside else 2):
                    kept = builder.let("v", self.operands[0 if taps_inside else 1].load(self.context, builder, at))
            other = self.operands[1 if taps_inside else 0].load(self.context, builder, at)
            builder.add_to(acc, tuple(place), Prim("mul", (kept, other), dtype))
        self._add(acc, outer, first, counts)

    def _add(self, acc: str, outer: dict[str, Dim], first: tuple[Dim, ...], counts: tuple[int, int, int]) -> None:
        kind, dtype = self.anchor.kind, self.anchor.type.dtype
        assert isinstance(kind, Contract)
        with ExitStack() as stack:
            place = [stack.enter_context(self.builder.unrolled(0, n, n, s)) for n, s in zip(counts, "rsq", strict=True)]
            at = {**outer, **{c: f + u for c, f, u in zip(self.shape.letters, first, place, strict=True) if c}}
            where = flat([at[c] for c in kind.out], self.anchor.type.shape)
            self.builder.store(self.sums, where, Element(acc, tuple(place), dtype))


def longest(side: list[str], sizes: dict[str, int]) -> str:
    """The longest axis, the last of equal ones."""
    return max(reversed(side), key=sizes.__getitem__, default="")


def taps_of(side: list[str], operand: Operand, depth: Sequence[str], sizes: dict[str, int]) -> list[str]:
    """The axes along which windows overlap, the nearest elements last: they share the cache with their pixels."""
    strides = {c: s for c, s in operand.found.strides.items() if isinstance(s, int)}
    pixels = [strides[c] for c in depth if c in strides and sizes[c] != 1]
    taps = [c for c in side if c in strides and any(p % strides[c] == 0 for p in pixels if strides[c])]
    return sorted(taps, key=lambda c: -abs(strides[c]))
