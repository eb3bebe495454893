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

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.make import viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, symbol
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.ir import At, Element, Lit, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.operands import Operand, in_place, padded
from graphad.compiler.lower.examples.products import along
from graphad.compiler.lower.examples.tiles import choose, pieces
from graphad.compiler.lower.letters import Plan
from graphad.compiler.lower.maps import Stores, lower_map, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.target import target


def lower_pixels(
    context: Context, nodes: Sequence[Node], anchor: Node, found: Plan, stores: Stores
) -> list[Launch] | None:
    """The contraction of a window, one launch behind the copy of its operand; None where its last axis has a stride."""
    kind = anchor.kind
    assert isinstance(kind, Contract)
    column = kind.out[-1]
    w = in_place(found.rows_operand, found.rows_letters, context)
    sizes = found.sizes
    if w is None or any(isinstance(d, Size) and c != kind.out[0] for c, d in sizes.items()):
        return None
    copy, window = padded(found.columns_operand)
    machine = target(context.options.isa)
    lanes = machine.lanes(anchor.type.dtype)
    storage = context.local(anchor.type.dtype, copy.type.size + lanes * machine.vectors)
    builder, puller = context.builder("pad", [*nodes, copy])
    pad = lower_map(builder, puller, [copy], [(copy, storage)])
    pad.note = "pack"
    inside = context.with_stored(copy, storage)
    x = in_place(viewed(copy, window), found.columns_letters, inside)
    if x is None or x.found.strides[column] != 1:
        return None
    builder, puller = inside.builder("contract", nodes)
    work = _Work(inside, builder, puller, anchor, (x, w), stores, found, column, lanes)
    with builder.together(LANE, lanes):
        work.write(machine.vectors)
    builder.kernel.parallel = False
    return [pad, builder.launch(tuple(nodes))]


class _Work:
    """One contraction."""

    def __init__(
        self, context: Context, builder: Builder, puller: Puller, anchor: Node, operands: tuple[Operand, Operand],
        stores: Stores, found: Plan, column: str, lanes: int,
    ) -> None:  # fmt: skip
        self.context, self.builder, self.puller, self.anchor = context, builder, puller, anchor
        self.x, self.w = operands
        self.stores, self.found, self.column, self.lanes = stores, found, column, lanes

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
