"""Operands of a matrix product as panels: read where they lie, or packed; and the product's tile with its epilogue."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, product
from graphad.compiler.loops.index import flat, split
from graphad.compiler.loops.ir import At, Call, Lit, Load, Mark, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.gemm import gemm
from graphad.compiler.lower.letters import Plan, Strided, joint, start, strided
from graphad.compiler.lower.maps import Stores, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

LANES = 16  # packed rows are filled up to a multiple of this
ROWS = 32  # rows of a product that one thread does at a time
DEEP = 2048  # steps of depth beyond which a panel is not packed at once


@dataclass(eq=False)
class Panel:
    """A matrix operand ready for the product: a buffer, where it starts, and its strides."""

    storage: Storage
    start: Dim
    row: Dim
    step: Dim


class Panels:
    """What every schedule of one contraction is made of."""

    def __init__(self, context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> None:
        self.context, self.nodes, self.stores = context, nodes, stores
        self.anchor = anchor
        self.launches: list[Launch] = []
        self.dtype = anchor.type.dtype

    def tiny(self, found: Plan) -> bool:
        """Not worth packing and a call: one row, or next to no work."""
        work = found.extent(found.rows) * found.extent(found.columns) * found.extent(found.depth)
        return (found.extent(found.rows) == 1 and found.rows == "") or (isinstance(work, int) and work <= 64)

    def windowed(self, found: Plan) -> bool:
        return isinstance(found.columns_operand.kind, View)

    def direct_columns(self, found: Plan, depth: str) -> Strided | None:
        """The column operand, if it can be read where it lies."""
        operand = strided(found.columns_operand, found.columns_letters, self.context)
        if operand is None or joint(found.columns, operand.strides, found.sizes) != 1:
            return None
        return operand if joint(depth, operand.strides, found.sizes) is not None else None

    def direct_rows_operand(self, found: Plan, depth: str) -> Strided | None:
        operand = strided(found.rows_operand, found.rows_letters, self.context)
        if operand is None or joint(found.rows, operand.strides, found.sizes) is None:
            return None
        return operand if joint(depth, operand.strides, found.sizes) is not None else None

    def steps(self, found: Plan) -> str:
        """Leading summed letters that loop around the product: an unknown size, or more than is good to pack."""
        direct = all(f(found, found.depth) is not None for f in (self.direct_columns, self.direct_rows_operand))
        if direct and not any(isinstance(found.sizes[c], Size) for c in found.depth[1:]):
            return ""
        steps = ""
        while len(found.depth) - len(steps) > 1:
            extent = found.extent(found.depth[len(steps) :])
            if isinstance(extent, int) and extent <= DEEP:
                break
            steps += found.depth[len(steps)]
        rest = found.depth[len(steps) :]
        if len(rest) == 1 and isinstance(found.sizes[rest], Size) and not direct:
            steps += rest
        return steps

    def pack(
        self,
        builder: Builder,
        puller: Puller,
        operand: Node,
        letters: str,
        known: dict[str, Dim],
        major: str,
        minor: str,
        sizes: dict[str, Dim],
        storage: Storage,
        pitch: Dim,
        mark: Mark = "serial",
    ) -> None:
        """storage[major, minor] = operand, with rows of ``pitch``; what is beyond ``minor`` is zero."""
        shape = tuple(sizes[c] for c in minor)
        with ExitStack() as stack:
            place = dict(known)
            first = True
            for c in major:
                loop = builder.loop(sizes[c], mark if first else "serial", stem="q")
                place[c] = stack.enter_context(loop)
                first = False
            row = flat([place[c] for c in major], tuple(sizes[c] for c in major))
            with ExitStack() as inner:
                for c in minor:
                    place[c] = inner.enter_context(builder.loop(sizes[c], stem="q"))
                value = puller.value(operand, tuple(place[c] for c in letters))
                builder.store(storage, row * pitch + flat([place[c] for c in minor], shape), value)
            width = product(shape)
            if pitch != width:
                with builder.between(width, pitch, pitch, stem="q") as q:
                    builder.store(storage, row * pitch + q, Lit(0, self.dtype))

    def pitch(self, width: Dim) -> Dim:
        return (width + LANES - 1) // LANES * LANES if isinstance(width, int) else width

    def width(self, found: Plan, depth: str) -> Dim:
        """Columns of the product: filled up where the column operand is packed."""
        width = found.extent(found.columns)
        return width if self.direct_columns(found, depth) is not None else self.pitch(width)

    def call(
        self,
        builder: Builder,
        c: tuple[Storage, Dim],
        a: Panel,
        b: Panel,
        rows: Dim,
        columns: Dim,
        depth: Dim,
        pitch: Dim,
    ) -> None:
        helper = gemm(self.dtype, builder.kernel.strict)
        if helper not in builder.kernel.helpers:
            builder.kernel.helpers = (*builder.kernel.helpers, helper)
        c_name = builder.buffer(c[0], write=True)
        arguments: tuple[tuple[str, Dim] | Dim, ...] = (
            (c_name, c[1]),
            (builder.buffer(a.storage), a.start),
            (builder.buffer(b.storage), b.start),
            rows,
            columns,
            depth,
            pitch,
            a.row,
            a.step,
            b.row,
        )
        builder.emit(Call(helper.name, arguments))

    def columns_panel(
        self, builder: Builder, puller: Puller, found: Plan, known: dict[str, Dim], depth: str, per_part: bool = True
    ) -> tuple[Panel, Dim]:
        """The column operand at ``known`` letters, in place or packed; and how many columns a row has."""
        width = found.extent(found.columns)
        direct = self.direct_columns(found, depth)
        if direct is not None:
            row = joint(depth, direct.strides, found.sizes)
            assert row is not None
            return Panel(self.context.stored[direct.stored], start(direct, known), row, 1), width
        pitch = self.pitch(width)
        storage = self.context.local(self.dtype, found.extent(depth) * pitch, per_part=per_part)
        letters = found.columns_letters
        self.pack(
            builder, puller, found.columns_operand, letters, known, depth, found.columns, found.sizes, storage, pitch
        )
        return Panel(storage, 0, pitch, 1), pitch

    def rows_panel(
        self, builder: Builder, puller: Puller, found: Plan, known: dict[str, Dim], rows: str, depth: str
    ) -> Panel:
        direct = self.direct_rows_operand(found, depth)
        if direct is not None:
            row, step = joint(rows, direct.strides, found.sizes), joint(depth, direct.strides, found.sizes)
            assert row is not None
            assert step is not None
            return Panel(self.context.stored[direct.stored], start(direct, known), row, step)
        count = found.extent(depth)
        storage = self.context.local(self.dtype, found.extent(rows) * count, per_part=True)
        self.pack(
            builder, puller, found.rows_operand, found.rows_letters, known, rows, depth, found.sizes, storage, count
        )
        return Panel(storage, 0, count, 1)

    def zero(self, builder: Builder, storage: Storage, start: Dim, count: Dim) -> None:
        with builder.loop(count, "vector", stem="z") as q:
            builder.store(storage, start + q, Lit(0, storage.dtype))

    def epilogue(
        self,
        builder: Builder,
        puller: Puller,
        found: Plan,
        known: dict[str, Dim],
        tile: Storage,
        pitch: Dim,
        rows: Dim,
        first_row: Dim = 0,
    ) -> None:
        """The maps that follow, on each element of the tile; or just the store."""
        with builder.loop(rows, stem="r") as row:
            if first_row != 0:
                builder.extents[str(row)] = found.extent(found.rows)
            with builder.loop(found.extent(found.columns), "vector", stem="q") as q:
                place = dict(known)
                place.update(
                    zip(found.rows, split(first_row + row, found.shape(found.rows), builder.extents), strict=True)
                )
                place.update(zip(found.columns, split(q, found.shape(found.columns), builder.extents), strict=True))
                load = Load(builder.buffer(tile), row * pitch + q, tile.dtype)
                puller.substituted[self.anchor] = builder.let("v", load)
                store_all(builder, puller, self.stores, tuple(place[c] for c in found.out))

    def open(self, builder: Builder, stack: ExitStack, found: Plan, known: dict[str, Dim]) -> None:
        """Loops over the outer letters; the first that iterates is shared among threads."""
        shared = False
        for c in found.outer:
            mark = "parallel" if not shared and found.sizes[c] != 1 else "serial"
            shared = shared or found.sizes[c] != 1
            known[c] = stack.enter_context(builder.loop(found.sizes[c], mark, stem="o"))  # type: ignore[arg-type]
        builder.kernel.parallel = shared

    def packed_rows(self, builder: Builder, puller: Puller, found: Plan, first: Dim, rows: Dim, depth: Dim) -> Panel:
        storage = self.context.local(self.dtype, depth * ROWS, per_part=True)
        with builder.loop(rows, stem="q") as row, ExitStack() as stack:
            builder.extents[str(row)] = found.extent(found.rows)
            place = dict(zip(found.rows, split(first + row, found.shape(found.rows), builder.extents), strict=True))
            for c in found.depth:
                place[c] = stack.enter_context(builder.loop(found.sizes[c], stem="q"))
            value = puller.value(found.rows_operand, tuple(place[c] for c in found.rows_letters))
            column = flat([place[c] for c in found.depth], found.shape(found.depth))
            builder.store(storage, row * depth + column, value)
        return Panel(storage, 0, depth, 1)


def least(a: Dim, b: int) -> Prim:
    return Prim("min", (At(a), At(b)), "int64")
