"""Kernels of contractions: matrix products over packed or strided panels, convolution among them.

One operand, the *columns*, has the result's last axes and is read row by row; the other, the *rows*, is read element by
element. Letters of a contraction fall into

    outer   loops around one product: batch letters, and column letters that are not at the end of the result
    rows    letters of the row operand alone
    columns letters of the column operand alone, at the end of the result
    depth   the summed letters; the outermost of them may loop around the product, too (``steps``)

An operand that is no matrix with fixed strides (a window, a transpose, padding) is packed first. Packing a window is
im2col. Without packing, as a direct loop nest, each element of the row operand meets rows of the column operand where
they lie.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import split
from graphad.compiler.loops.ir import Load, Prim
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.direct import Direct
from graphad.compiler.lower.few.ways import Few, few_ways, lower_few
from graphad.compiler.lower.gemm import Panel
from graphad.compiler.lower.letters import Plan, plan, strided
from graphad.compiler.lower.maps import Stores, store_all
from graphad.compiler.lower.packing import Packing
from graphad.compiler.lower.panels import GROUP_ROWS, SPAN
from graphad.compiler.lower.vector_roles import roles
from graphad.compiler.lower.weighted import lower_weighted

Schedule: TypeAlias = Literal["sum", "direct", "partial", "blocks", "outer"]

IM2COL: Final = "im2col"
DIRECT: Final = "direct loop nest"
WEIGHTED: Final = "rows of the matrix, weighted and added"
CHUNKS = 8  # partial results of a sum over examples; fixed, so that results do not depend on the threads


def lower_contract(context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> list[Launch]:
    """A contraction with its epilogue."""
    return Lowering(context, nodes, anchor, stores).run()


class Lowering(Direct):
    """Chooses a schedule for one contraction."""

    def run(self) -> list[Launch]:
        found = plan(self.anchor)
        windowed, weighted = self.windowed(found), roles(self.anchor, self.context)
        if weighted is not None and (self.context.options.convolution == "auto" or not windowed):
            self.context.choices[self.anchor] = WEIGHTED
            return lower_weighted(self.context, self.nodes, self.anchor, weighted, self.stores)
        how = IM2COL
        if windowed:
            few = few_ways(self.context, found)
            how = self._picked(found, few)
            if how in few:
                self.context.choices[self.anchor] = how
                return lower_few(self.context, self.nodes, self.anchor, few[how], self.stores)
        match self.schedule(found, how):
            case "sum":
                self.context.choices[self.anchor] = "loop nest"
                return [self.direct_sum(found)]
            case "direct":
                self.context.choices[self.anchor] = DIRECT
                return [self.direct_rows(found)]
            case "partial":
                return self._partial_sums(found, self.steps(found))
            case "blocks":
                group = self.group(found)
                return self._row_blocks(found) if group is None else self._column_groups(found, group)
            case "outer":
                return self._outer_loops(found)

    def schedule(self, found: Plan, how: str = IM2COL) -> Schedule:
        """Which of them it is to be. ``how``: what is done with windows."""
        if not found.columns or found.extent(found.columns) == 1 or self.tiny(found) or self._dots(found):
            return "sum"
        if how == DIRECT:
            return "direct"
        if found.outer:
            return "outer"
        return "partial" if self.steps(found) else "blocks"

    def _picked(self, found: Plan, few: Mapping[str, Few]) -> str:
        """How a window is multiplied. ``few``: the ways for few examples that there are."""
        option, context = self.context.options.convolution, self.context
        if option != "auto":
            asked = [way for way in few if few[way].option == option]
            return min(asked, key=lambda way: few[way].cycles(), default=DIRECT if option == "direct" else IM2COL)
        cycles = {way: plan.cycles() for way, plan in few.items()} if context.few else {}
        own = min(cycles, key=cycles.__getitem__, default=IM2COL)
        operands = " x ".join(str(x.type) for x in (found.columns_operand, found.rows_operand))
        question = context.picks.asked[self.anchor] = f"{operands} to {self.anchor.type}"
        if cycles:
            context.picks.cycles[question] = cycles
        return context.picks.pick(question, own, (IM2COL, DIRECT, *few))

    def _dots(self, found: Plan) -> bool:
        """Few rows that meet columns along which memory runs: dot products, rather than a copy of all columns."""
        if not self.context.few or found.outer or len(found.depth) != 1:
            return False
        operand = strided(found.columns_operand, found.columns_letters, self.context)
        return operand is not None and operand.strides[found.depth] == 1

    def _outer_loops(self, found: Plan) -> list[Launch]:
        """One product for each index of the outer letters: a convolution's images, a batch of matrices."""
        builder, puller = self.context.builder("contract", self.nodes)
        steps = self.steps(found)
        depth = found.depth[len(steps) :]
        known: dict[str, Dim] = {}
        fixed_rows = not (set(found.rows_letters) & (set(found.outer) | set(steps)))
        a = self.rows_panel(builder, puller, found, {}, found.rows, depth) if fixed_rows else None
        with ExitStack() as stack:
            self.open(builder, stack, found, known)
            width = found.extent(found.columns)
            pitch = self.pitch(width)
            count = found.extent(found.rows)
            tile = self.context.local(self.dtype, count * pitch, per_part=True)
            if steps:
                self.zero(builder, tile, 0, count * pitch)
            with ExitStack() as inner:
                for c in steps:
                    known[c] = inner.enter_context(builder.loop(found.sizes[c], stem="s"))
                panel = self.columns_panel(builder, puller, found, known, depth)
                rows = a or self.rows_panel(builder, puller, found, known, found.rows, depth)
                target = Panel(tile, 0, pitch, 1)
                self.call(builder, target, rows, panel, count, width, found.extent(depth), add=bool(steps))
            self.epilogue(builder, puller, found, known, tile, pitch, count)
        self.context.choices[self.anchor] = IM2COL if self.windowed(found) else "matrix product"
        return [*self.launches, builder.launch(tuple(self.nodes))]

    def _row_blocks(self, found: Plan) -> list[Launch]:
        """One matrix product; threads share blocks of its rows. A column operand that needs packing is packed once."""
        packed: Panel | None = None
        width, count = found.extent(found.columns), found.extent(found.rows)
        most = self.block_rows(count)
        pitch = self.pitch(width, most)
        if self.in_place(found, found.depth) is None:
            packed = self.packed_panel(found, found.depth, per_part=False)
            builder, puller = self.context.builder("pack", self.nodes)
            self.pack_columns(builder, puller, found, {}, found.depth, packed, "parallel")
            self.launches.append(builder.launch((self.anchor,), "pack"))
        builder, puller = self.context.builder("contract", self.nodes)
        depth = found.extent(found.depth)
        with ExitStack() as stack:
            blocks = (count + most - 1) // most
            block = stack.enter_context(builder.loop(blocks, "parallel", stem="o"))
            builder.kernel.parallel = blocks != 1
            first = block * most
            rows: Dim
            if isinstance(count, int) and (count % most == 0 or blocks == 1):
                rows = min(count, most)
            else:
                rows = builder.least(count - first, most, most + 1)
            tile = self.context.local(self.dtype, (count if blocks == 1 else most) * pitch, per_part=True)
            panel = packed or self.columns_panel(builder, puller, found, {}, found.depth)
            if self.direct_rows_operand(found, found.depth) is not None:
                a = self.rows_panel(builder, puller, found, {}, found.rows, found.depth)
                a = Panel(a.storage, a.start + first * a.row, a.row, a.step, rows=rows, block=most)
            else:
                a = self.packed_rows(builder, puller, found, first, rows, depth)
            ahead = self.updated(first * width, width)
            self.call(builder, Panel(tile, 0, pitch, 1), a, panel, rows, width, depth, ahead=ahead)
            self.epilogue(builder, puller, found, {}, tile, pitch, rows, first)
        self.context.choices[self.anchor] = "matrix product"
        return [*self.launches, builder.launch(tuple(self.nodes))]

    def updated(self, start: Dim, width: Dim) -> Panel | None:
        """The rows of a state that the results of these rows update, as they lie in memory."""
        for node, storage in self.stores:
            if storage.place == "state" and node.type == self.anchor.type:
                return Panel(storage, start, width, 1)
        return None

    def _column_groups(self, found: Plan, group: int) -> list[Launch]:
        """One matrix product; threads share groups of its columns, which each packs where it needs them."""
        builder, puller = self.context.builder("contract", self.nodes)
        count, depth, width = found.extent(found.rows), found.extent(found.depth), found.extent(found.columns)
        pitch, most = self.pitch(group), GROUP_ROWS
        spans, groups = (count + SPAN - 1) // SPAN, width // group
        with ExitStack() as stack:
            o = stack.enter_context(builder.loop(spans * groups, "parallel", stem="o"))
            builder.kernel.parallel = True
            span, at = split(o, (spans, groups), builder.extents)
            first_column = at * group
            panel = Panel(self.context.local(self.dtype, depth * group, per_part=True), 0, 0, 1, tall=depth)
            packing = Packing(self.context, builder, puller, self.tile, found, found.depth, {})
            packing.write(panel, group, first_column)
            tile = self.context.local(self.dtype, most * pitch, per_part=True)
            last = count if spans == 1 else builder.least((span + 1) * SPAN, count, count + 1)
            first = stack.enter_context(builder.between(span * SPAN, last, count, most, stem="b"))
            rows = builder.least(last - first, most, most + 1)
            a = self.rows_panel(builder, puller, found, {}, found.rows, found.depth)
            a = replace(a, start=a.start + first * a.row, rows=rows, block=most)
            self.call(builder, Panel(tile, 0, pitch, 1), a, panel, rows, group, depth)
            self.epilogue(builder, puller, found, {}, tile, pitch, rows, first, (first_column, group))
        self.context.choices[self.anchor] = "matrix product"
        return [*self.launches, builder.launch(tuple(self.nodes))]

    def _partial_sums(self, found: Plan, steps: str) -> list[Launch]:
        """The sum over the outermost letter in a fixed number of chunks, each to a matrix of its own; then these."""
        depth = found.depth[len(steps) :]
        width = found.extent(found.columns)
        pitch = self.pitch(width)
        count = found.extent(found.rows)
        size = count * pitch
        partial = self.context.local(self.dtype, CHUNKS * size)
        builder, puller = self.context.builder("partial", self.nodes)
        outermost = found.sizes[steps[0]]
        with builder.loop(CHUNKS, "parallel", stem="c") as chunk:
            self.zero(builder, partial, chunk * size, size)
            low, high = ((outermost * (chunk + i)) // CHUNKS for i in (0, 1))
            with ExitStack() as stack:
                known = {steps[0]: stack.enter_context(builder.between(low, high, outermost, stem="s"))}
                for c in steps[1:]:
                    known[c] = stack.enter_context(builder.loop(found.sizes[c], stem="s"))
                panel = self.columns_panel(builder, puller, found, known, depth)
                rows = self.rows_panel(builder, puller, found, known, found.rows, depth)
                target = Panel(partial, chunk * size, pitch, 1)
                self.call(builder, target, rows, panel, count, width, found.extent(depth), add=True)
        first = builder.launch((self.anchor,), "partial sums")
        builder, puller = self.context.builder("combine", self.nodes)
        with ExitStack() as stack:
            row = stack.enter_context(builder.loop(count, "parallel", stem="r"))
            column = stack.enter_context(builder.loop(found.extent(found.columns), "vector", stem="q"))
            value = builder.let("v", Load(builder.buffer(partial), row * pitch + column, self.dtype))
            for i in range(1, CHUNKS):
                more = Load(builder.buffer(partial), row * pitch + column + i * size, self.dtype)
                value = builder.let("v", Prim("add", (value, more), self.dtype))
            place = dict(zip(found.rows, split(row, found.shape(found.rows), builder.extents), strict=True))
            place.update(zip(found.columns, split(column, found.shape(found.columns), builder.extents), strict=True))
            puller.substituted[self.anchor] = value
            store_all(builder, puller, self.stores, tuple(place[c] for c in found.out))
        builder.kernel.parallel = count != 1
        self.context.choices[self.anchor] = IM2COL if self.windowed(found) else "matrix product"
        return [first, builder.launch(tuple(self.nodes))]
