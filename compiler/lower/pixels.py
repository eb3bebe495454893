"""Convolutions of few examples: neighbours along the last axis of the result in the lanes of vectors.

    for l in lanes(16):
        for y, for x by 16 * CT, for o by RT:
            acc = registers(RT, CT)
            for c, i, j:
                acc[r, q] += w[o + r, c, i, j] * x[c, y + i, x + 16*q + l + j]
            where x + 16*q + l is inside:  out[o + r, y, x + 16*q + l] = epilogue(acc[r, q])

The operand is copied, margins and all, so that vectors may read beyond the end of the last line.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from graphad.compiler.ir.make import viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, symbol
from graphad.compiler.ir.view import Affine
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.ir import At, Element, Lit, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.operands import Operand, in_place, padded
from graphad.compiler.lower.examples.products import along
from graphad.compiler.lower.examples.tiles import choose, pieces
from graphad.compiler.lower.letters import Plan, row_major
from graphad.compiler.lower.maps import Stores, lower_map, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.target import target


@dataclass(frozen=True, eq=False)
class Pixels:
    """A contraction that can be done so: its letters, the row operand where it lies, the column operand's copy."""

    found: Plan
    rows: Operand
    copy: Node
    window: Affine


def plan_pixels(context: Context, found: Plan) -> Pixels | None:
    """The schedule, where it is legal, None elsewhere: the one test for choosing it and for building it.

    The last axis belongs to the column operand alone, with stride 1. A size that is a name is the batch, which a loop
    goes through. The row operand is read where it lies, one stride a letter.
    """
    column = found.out[-1]
    loops = [c for c in found.out if c not in found.rows and c != column]
    if column in found.rows_letters or 0 in found.sizes.values():
        return None
    if any(isinstance(d, Size) and c not in loops for c, d in found.sizes.items()):
        return None
    rows = in_place(found.rows_operand, found.rows_letters, context)
    copy, window = padded(found.columns_operand)
    at = found.columns_letters.index(column)
    pitches = zip(window.axes, row_major(copy.type.shape), strict=True)
    stride = sum((c * pitch for axis, pitch in pitches for j, c in axis.terms if j == at), start=0)
    return Pixels(found, rows, copy, window) if rows is not None and stride == 1 else None


def lower_pixels(context: Context, nodes: Sequence[Node], anchor: Node, pixels: Pixels, stores: Stores) -> list[Launch]:
    """The contraction, one launch behind the copy of its column operand."""
    found, copy = pixels.found, pixels.copy
    machine = target(context.options.isa)
    lanes = machine.lanes(anchor.type.dtype)
    storage = context.local(anchor.type.dtype, copy.type.size + lanes * machine.vectors)
    builder, puller = context.builder("pad", [*nodes, copy])
    pad = lower_map(builder, puller, [copy], [(copy, storage)])
    pad.note = "pack"
    inside = context.with_stored(copy, storage)
    x = in_place(viewed(copy, pixels.window), found.columns_letters, inside)
    assert x is not None
    builder, puller = inside.builder("contract", nodes)
    work = _Work(inside, builder, puller, anchor, (x, pixels.rows), stores, found, lanes)
    with builder.together(LANE, lanes):
        work.write(machine.vectors)
    builder.kernel.parallel = False
    return [pad, builder.launch(tuple(nodes))]


class _Work:
    """One contraction."""

    def __init__(
        self, context: Context, builder: Builder, puller: Puller, anchor: Node, operands: tuple[Operand, Operand],
        stores: Stores, found: Plan, lanes: int,
    ) -> None:  # fmt: skip
        self.context, self.builder, self.puller, self.anchor = context, builder, puller, anchor
        self.x, self.w = operands
        self.stores, self.found, self.column, self.lanes = stores, found, found.out[-1], lanes

    def write(self, registers: int) -> None:
        """Loops over everything but a tile's rows and columns."""
        builder, sizes = self.builder, self.found.sizes
        rows = max(self.found.rows, key=lambda c: _number(sizes[c]), default="")
        width = _number(sizes[self.column])
        vectors = -(-width // self.lanes)
        count = _number(sizes[rows]) if rows else 1
        most = choose(count, vectors, registers)
        out = [c for c in self.found.out if c not in (rows, self.column)]
        with ExitStack() as stack:
            at: dict[str, Dim] = {c: stack.enter_context(builder.loop(sizes[c], stem="i")) for c in out}
            for part in pieces(vectors, most[1]):
                with along(builder, "q", part, {"q": vectors}, "i") as first:
                    for piece in pieces(count, most[0]):
                        with along(builder, rows, piece, {rows: count}, "o") as row:
                            self._tile(at, (rows, row, piece.size), (first, part.size))

    def _tile(self, outer: dict[str, Dim], rows: tuple[str, Dim, int], columns: tuple[Dim, int]) -> None:
        builder, dtype = self.builder, self.anchor.type.dtype
        letter, row, many = rows
        first, vectors = columns
        acc = builder.registers((many, vectors), Lit(0, dtype))
        with ExitStack() as stack:
            at = dict(outer)
            for c in self.found.depth:
                at[c] = stack.enter_context(builder.loop(self.found.sizes[c], stem="k"))
            q = stack.enter_context(builder.unrolled(0, vectors, vectors, "q"))
            at[self.column] = (first + q) * self.lanes + symbol(LANE)
            value = builder.let("v", self.x.load(self.context, builder, at))
            r = stack.enter_context(builder.unrolled(0, many, many, "r"))
            if letter:
                at[letter] = row + r
            builder.add_to(acc, (r, q), Prim("mul", (value, self.w.load(self.context, builder, at)), dtype))
        with builder.unrolled(0, many, many, "r") as r, builder.unrolled(0, vectors, vectors, "q") as q:
            at = dict(outer)
            at[self.column] = place = (first + q) * self.lanes + symbol(LANE)
            if letter:
                at[letter] = row + r
            with builder.when(Prim("lt", (At(place), At(self.found.sizes[self.column])), "bool")):
                self.puller.substituted[self.anchor] = Element(acc, (r, q), dtype)
                store_all(builder, self.puller, self.stores, tuple(at[c] for c in self.found.out))


def _number(size: Dim) -> int:
    assert isinstance(size, int)
    return size
