"""Convolutions of few results, with the summed elements in the lanes of vectors.

    for p, for c, i, j:                                   pack: what result p reads, in the order of its weights
        t[p, c, i, j] = x[c, y + i, x + j]
    for l in lanes(16):
        for o by RT (shared among threads), for p by CT:
            acc = registers(RT, CT)
            for k by 16:
                acc[r, q] += w[o + r, k + l] * t[p + q, k + l]
            sums[r, p + q] = sum_lanes(acc[r, q])
        for r, for p by 16:
            out[o + r, p + l] = epilogue(sums[r, p + l])

Weights, which are all there is to read, are read once, in memory's order; no lane is idle however small the image.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product, symbol
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.ir import At, Element, Expr, Lit, Load, Prefetch, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.along import along
from graphad.compiler.lower.examples.tiles import pieces, tiles
from graphad.compiler.lower.few.depth_plan import Depth, count_of
from graphad.compiler.lower.few.finish import Finish, Sums
from graphad.compiler.lower.few.packed import Packing, packed_at
from graphad.compiler.lower.maps import Stores
from graphad.compiler.lower.storage import Storage

AHEAD: Final = 4096
"""Elements by which weights are fetched ahead: rows are too short and too many for the machine to foresee them."""


def lower_depth(context: Context, nodes: Sequence[Node], anchor: Node, plan: Depth, stores: Stores) -> list[Launch]:
    """The contraction, behind the copy of what its results read."""
    found = plan.found
    outer = tuple(found.sizes[c] for c in plan.outer if c in found.columns_letters)
    packed = context.local(anchor.type.dtype, product(outer) * (plan.pixels * plan.steps))
    builder, puller = context.builder("pack", nodes)
    Packing(builder, puller, plan, packed).write()
    first = builder.launch((anchor,), "pack")
    builder, puller = context.builder("contract", nodes)
    work = _Work(context, builder, Finish(builder, puller, anchor, stores, found.out, plan.lanes), plan, packed)
    with builder.together(LANE, plan.lanes):
        work.write()
    return [first, builder.launch(tuple(nodes))]


class _Work:
    """Products and sums."""

    def __init__(self, context: Context, builder: Builder, finish: Finish, plan: Depth, packed: Storage) -> None:
        self.context, self.builder, self.finish, self.plan, self.packed = context, builder, finish, plan, packed
        self.dtype = packed.dtype
        self.sums = context.local(self.dtype, plan.tile[0] * plan.pixels + plan.lanes, per_part=True)

    def write(self) -> None:
        """Rows outside, so that each weight is read once; then examples, then results."""
        builder, plan = self.builder, self.plan
        sizes, rows = plan.found.sizes, pieces(plan.rows, plan.tile[0])
        builder.kernel.parallel = tiles(rows) > 1
        for piece in rows:
            with ExitStack() as stack:
                first = stack.enter_context(along(builder, piece, plan.rows, "o", builder.kernel.parallel, 1))
                at = {c: stack.enter_context(builder.loop(sizes[c], stem="i")) for c in plan.outer}
                for part in pieces(plan.pixels, plan.tile[1]):
                    with along(builder, part, plan.pixels, "q") as pixel:
                        self._tile(at, (first, piece.size), (pixel, part.size))
                width = count_of(plan.found, plan.column)
                lines, pitches = plan.pixels // width, (plan.pixels, width)
                sums = Sums(self.sums, plan.row, first, piece.size, plan.line, lines, plan.column, width, pitches)
                self.finish.write(sums, at)

    def _tile(self, at: dict[str, Dim], rows: tuple[Dim, int], columns: tuple[Dim, int]) -> None:
        builder, plan = self.builder, self.plan
        many, (pixel, across) = rows[1], columns
        acc = builder.registers((many, across), Lit(0, self.dtype))
        whole, rest = divmod(plan.steps, plan.lanes)
        with builder.loop(whole, stem="k") as k:
            self._step(acc, at, rows, columns, k * plan.lanes, 0)
        if rest:
            self._step(acc, at, rows, columns, plan.steps - plan.lanes, plan.lanes - rest)
        for r in range(many):
            with builder.unrolled(0, across, across, "q") as q:
                total = Prim("sum_lanes", (Element(acc, (r, q), self.dtype),), self.dtype)
                builder.store(self.sums, r * plan.pixels + pixel + q, total)

    def _step(
        self, acc: str, at: dict[str, Dim], rows: tuple[Dim, int], columns: tuple[Dim, int], k: Dim, done: int
    ) -> None:
        """A vector of products for each sum; in the first ``done`` lanes there is nothing new."""
        builder, plan = self.builder, self.plan
        (row, many), (pixel, across) = rows, columns
        name, there = builder.buffer(self.packed), k + symbol(LANE)

        def read(buffer: str, place: Dim) -> Expr:
            value: Expr = Load(buffer, place, self.dtype)
            if done:
                new = Prim("ge", (At(symbol(LANE)), At(done)), "bool")
                value = Prim("select", (new, value, Lit(0, self.dtype)), self.dtype)
            return builder.let("v", value)

        values = [read(name, packed_at(plan, at, there, pixel + q)) for q in range(across)]
        weights = builder.buffer(self.context.stored[plan.w.found.stored])
        for r in range(many):
            place = plan.w.place({**at, plan.row: row + r} if plan.row else at) + k
            if not done:
                builder.emit(Prefetch(weights, place + AHEAD))
            weight = read(weights, place + symbol(LANE))
            for q, value in enumerate(values):
                builder.add_to(acc, (r, q), Prim("mul", (value, weight), self.dtype))
