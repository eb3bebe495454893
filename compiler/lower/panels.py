"""Operands of a matrix product as panels: read where they lie, or packed; and the product's tile with its epilogue."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, evaluate, product
from graphad.compiler.loops.index import flat, split
from graphad.compiler.loops.ir import Lit, Load, Mark
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.gemm import DEPTH, Gemm, Panel
from graphad.compiler.lower.letters import Plan, Strided, joint, plan, start, strided
from graphad.compiler.lower.maps import Stores, store_all
from graphad.compiler.lower.packing import Packing
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import crowded, pitch, target

ROWS = 24  # rows of a product that one thread does at a time, about: at least
MOST_ROWS = 96
SHARES = 8  # of the rows, that there are to be for threads
DEEP = 2048  # steps of depth beyond which a panel is not packed at once
SPAN = 512  # of a product whose columns are shared among threads, the rows that a thread does at a time
GROUPS = (8, 4)  # of columns, that threads share; what divides the registers of a row evenly
GROUP_ROWS = 64  # of a block of a group: its sums and its rows stay in the nearer caches
REUSED = 64  # uses of each element, from which on copying it to a better place pays


class Panels:
    """What every schedule of one contraction is made of."""

    def __init__(self, context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> None:
        self.context, self.nodes, self.stores = context, nodes, stores
        self.anchor = anchor
        self.launches: list[Launch] = []
        self.dtype = anchor.type.dtype
        self.tile = target(context.options.isa).tile(self.dtype)

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

    def in_place(self, found: Plan, depth: str) -> Strided | None:
        """The column operand, if it is to be read where it lies: not if its rows crowd the cache and are much used."""
        direct = self.direct_columns(found, depth)
        rows, deep = found.extent(found.rows), found.extent(depth)
        if direct is None or (isinstance(rows, int) and rows < REUSED) or (isinstance(deep, int) and deep > DEEP):
            return direct
        row = joint(depth, direct.strides, found.sizes)
        at_once = min(deep, DEPTH) if isinstance(deep, int) else DEPTH
        return None if isinstance(row, int) and crowded(row, at_once, self.dtype) else direct

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
        """storage[major, minor] = operand, with rows of ``pitch``; zeros fill the last tile."""
        shape = tuple(sizes[c] for c in minor)
        width = product(shape)
        with ExitStack() as stack:
            place = dict(known)
            for i, c in enumerate(major):
                place[c] = stack.enter_context(builder.loop(sizes[c], "serial" if i else mark, stem="q"))
            row = flat([place[c] for c in major], tuple(sizes[c] for c in major))
            with ExitStack() as inner:
                for c in minor:
                    place[c] = inner.enter_context(builder.loop(sizes[c], stem="q"))
                value = puller.value(operand, tuple(place[c] for c in letters))
                builder.store(storage, row * pitch + flat([place[c] for c in minor], shape), value)
            if isinstance(width, int) and pitch != width and self.tile.covered(width) != width:
                with builder.between(width, self.tile.covered(width), pitch, stem="q") as q:
                    builder.store(storage, row * pitch + q, Lit(0, self.dtype))

    def pitch(self, width: Dim, rows: Dim = 0) -> Dim:
        """Elements from row to row of the result, or of a column operand packed row by row."""
        at_once = min(rows, DEPTH) if isinstance(rows, int) else DEPTH
        return pitch(width, at_once, self.dtype, self.tile) if isinstance(width, int) else width

    def call(
        self,
        builder: Builder,
        c: Panel,
        a: Panel,
        b: Panel,
        rows: Dim,
        columns: Dim,
        depth: Dim,
        add: bool = False,
        ahead: Panel | None = None,
    ) -> None:
        """C = A B, or C += A B; ``ahead``: what is read next of C's rows and columns."""
        assert isinstance(columns, int)

        def place(p: Dim, steps: Dim) -> Panel:
            far = a.step != 1 and a.block and columns >= REUSED
            return self._near(builder, a, p, steps) if far else replace(a, start=a.start + p * a.step)

        Gemm(builder, self.tile, c, b, rows, columns, add, ahead, self._at_most(rows)).write(place, depth)

    def _at_most(self, rows: Dim) -> Dim:
        """Rows that there are at most: a number, if the program is for batches of so many examples."""
        found = plan(self.anchor)
        return rows if isinstance(rows, int) else evaluate(found.extent(found.rows), self.context.most)

    def _near(self, builder: Builder, a: Panel, p: Dim, steps: Dim) -> Panel:
        """A block of the row operand whose steps lie far apart, copied so that they follow each other."""
        storage = self.context.local(self.dtype, DEPTH * a.block, per_part=True)
        with builder.loop(steps, stem="q") as k, builder.loop(a.rows, "vector", stem="q") as r:
            value = Load(builder.buffer(a.storage), a.start + (p + k) * a.step + r * a.row, self.dtype)
            builder.store(storage, k * a.block + r, value)
        return Panel(storage, 0, 1, a.block)

    def columns_panel(
        self, builder: Builder, puller: Puller, found: Plan, known: dict[str, Dim], depth: str, per_part: bool = True
    ) -> Panel:
        """The column operand at ``known`` letters, in place or packed."""
        direct = self.in_place(found, depth)
        if direct is not None:
            row = joint(depth, direct.strides, found.sizes)
            assert row is not None
            return Panel(self.context.stored[direct.stored], start(direct, known), row, 1)
        panel = self.packed_panel(found, depth, per_part)
        self.pack_columns(builder, puller, found, known, depth, panel)
        return panel

    def packed_width(self, found: Plan, depth: str) -> Dim:
        """Elements that the column operand, packed, takes for each step of the depth."""
        width = found.extent(found.columns)
        if len(found.columns) == 1 and isinstance(width, int):
            return self.tile.covered(width)
        return self.pitch(width, found.extent(depth))

    def packed_panel(self, found: Plan, depth: str, per_part: bool = True) -> Panel:
        """Memory for the column operand, packed: panel by panel, but windows row by row."""
        width, deep = found.extent(found.columns), found.extent(depth)
        assert isinstance(width, int)
        row = self.packed_width(found, depth)
        storage = self.context.local(self.dtype, deep * row, per_part=per_part)
        if len(found.columns) == 1:
            return Panel(storage, 0, 0, 1, tall=deep)
        return Panel(storage, 0, row, 1, self.tile.covered(width))

    def pack_columns(
        self,
        builder: Builder,
        puller: Puller,
        found: Plan,
        known: dict[str, Dim],
        depth: str,
        panel: Panel,
        mark: Mark = "serial",
    ) -> None:
        letters, columns = found.columns_letters, found.columns
        operand, sizes = found.columns_operand, found.sizes
        if panel.tall != 0:
            width = found.extent(columns)
            assert isinstance(width, int)
            Packing(self.context, builder, puller, self.tile, found, depth, known, mark).write(panel, width)
            return
        self.pack(builder, puller, operand, letters, known, depth, columns, sizes, panel.storage, panel.row, mark)

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
        columns: tuple[Dim, Dim] | None = None,
    ) -> None:
        """The maps that follow, on each element of the tile; or just the store."""
        with builder.loop(rows, stem="r") as row:
            if first_row != 0:
                builder.extents[str(row)] = found.extent(found.rows)
            first, width = columns or (0, found.extent(found.columns))
            with builder.loop(width, "vector", stem="q") as q:
                place = dict(known)
                place.update(
                    zip(found.rows, split(first_row + row, found.shape(found.rows), builder.extents), strict=True)
                )
                place.update(
                    zip(found.columns, split(first + q, found.shape(found.columns), builder.extents), strict=True)
                )
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

    def block_rows(self, count: Dim) -> int:
        """Rows of a block that a thread does at a time: more of many, to read columns less often.

        Whole tiles, or equal parts: neither needs code for a last block of fewer.
        """
        rows = min(max(count // SHARES, ROWS), MOST_ROWS) if isinstance(count, int) else ROWS
        rows = max(rows // self.tile.rows, 1) * self.tile.rows
        blocks = -(-count // rows) if isinstance(count, int) and count else 1
        return count // blocks if isinstance(count, int) and blocks > 1 and count % blocks == 0 else rows

    def group(self, found: Plan) -> int | None:
        """Columns that a thread packs and multiplies at a time; None where it is better to pack all at once.

        A copy of all is read from afar, after others' results; groups stay in the second-level cache. They are of equal
        size, since threads share them, and rows are many, since packing has to pay for itself.
        """
        count, depth, width = (found.extent(x) for x in (found.rows, found.depth, found.columns))
        direct = self.direct_rows_operand(found, found.depth)
        if self.in_place(found, found.depth) is not None or direct is None or len(found.columns) != 1:
            return None
        if not isinstance(width, int) or not isinstance(depth, int) or width % self.tile.narrow:
            return None
        if joint(found.depth, direct.strides, found.sizes) != 1 or (isinstance(count, int) and count < REUSED):
            return None
        registers = width // self.tile.narrow
        fitting = [n for n in GROUPS if registers % n == 0]
        return registers // fitting[0] * self.tile.narrow if fitting else None

    def packed_rows(self, builder: Builder, puller: Puller, found: Plan, first: Dim, rows: Dim, depth: Dim) -> Panel:
        storage = self.context.local(self.dtype, depth * self.block_rows(found.extent(found.rows)), per_part=True)
        with builder.loop(rows, stem="q") as row, ExitStack() as stack:
            builder.extents[str(row)] = found.extent(found.rows)
            place = dict(zip(found.rows, split(first + row, found.shape(found.rows), builder.extents), strict=True))
            for c in found.depth:
                place[c] = stack.enter_context(builder.loop(found.sizes[c], stem="q"))
            value = puller.value(found.rows_operand, tuple(place[c] for c in found.rows_letters))
            column = flat([place[c] for c in found.depth], found.shape(found.depth))
            builder.store(storage, row * depth + column, value)
        return Panel(storage, 0, depth, 1)
