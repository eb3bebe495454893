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

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from graphad.compiler.ir.kinds import Constant, Contract, Fold, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, product
from graphad.compiler.ir.view import Affine, Reshape
from graphad.compiler.loops.index import flat, split
from graphad.compiler.loops.ir import At, Call, Lit, Load, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.folds import Block, add_folded, passive
from graphad.compiler.lower.gemm import gemm
from graphad.compiler.lower.maps import Stores, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

CHUNKS = 8  # partial results of a sum over examples; fixed, so that results do not depend on the threads
LANES = 16  # packed rows are filled up to a multiple of this
ROWS = 32  # rows of a product that one thread does at a time
_WIDE = 4096  # columns beyond which they are split among outer iterations


@dataclass(eq=False)
class Plan:
    """How the letters of a contraction are looped over."""

    node: Node
    columns_operand: Node
    rows_operand: Node
    columns_letters: str
    rows_letters: str
    outer: str
    rows: str
    columns: str
    steps: str
    depth: str
    out: str
    sizes: dict[str, Dim]

    def extent(self, letters: str) -> Dim:
        return product(self.sizes[c] for c in letters)

    def shape(self, letters: str) -> tuple[Dim, ...]:
        return tuple(self.sizes[c] for c in letters)


def plan(node: Node, columns_from: Node | None = None, out: str | None = None) -> Plan:
    """The roles of the letters. ``out`` may give the result another order of axes, where the caller is free."""
    kind = node.kind
    assert isinstance(kind, Contract)
    left, right = node.operands
    out = kind.out if out is None else out
    sizes = {
        c: d for letters, x in ((kind.left, left), (kind.right, right)) for c, d in zip(letters, x.type.shape, strict=True)
    }
    last = out[-1] if out else ""
    by_left = last in kind.left and not (last in kind.right and columns_from is right)
    both = set(kind.left) & set(kind.right)
    columns_letters, rows_letters = (kind.left, kind.right) if by_left else (kind.right, kind.left)
    columns = ""
    for c in reversed(out):
        if c in both or c not in columns_letters or isinstance(sizes[c], Size):
            break
        columns = c + columns
    rows = "".join(c for c in out if c in rows_letters and c not in both)
    outer = "".join(c for c in out if c not in rows and c not in columns)
    summed = [c for c in columns_letters if c not in out]
    found = Plan(
        node,
        left if by_left else right,
        right if by_left else left,
        columns_letters, rows_letters, outer, rows, columns, "", "".join(summed), out, sizes,
    )
    return found


@dataclass(frozen=True)
class Strided:
    """A stored tensor read with one stride a letter, from ``start`` on; in elements."""

    stored: Node
    start: Dim
    strides: dict[str, Dim]


def strided(node: Node, letters: str, context: Context) -> Strided | None:
    """How ``node`` lies in memory, through views that neither fill nor divide; None where it has to be packed."""
    views: list[Affine] = []
    while node not in context.stored or isinstance(node.kind, Constant):
        if not isinstance(node.kind, View):
            return None
        found = node.kind.map
        (x,) = node.operands
        if isinstance(found, Reshape):
            if x not in context.stored or isinstance(x.kind, Constant):
                return None
            break
        if found.guarded or any(a.divisor != 1 for a in found.axes):
            return None
        views.append(found)
        node = x
    start: Dim = 0
    steps = _row_major(node.type.shape)
    for view in reversed(views):
        outer: list[Dim] = [0] * len(view.shape)
        for axis, step in zip(view.axes, steps, strict=True):
            start = start + axis.offset * step
            for j, c in axis.terms:
                outer[j] = outer[j] + c * step
        steps = outer
    stored = node if node in context.stored else node.operands[0]
    return Strided(stored, start, dict(zip(letters, steps, strict=True)))


def _row_major(shape: Sequence[Dim]) -> list[Dim]:
    steps: list[Dim] = []
    step: Dim = 1
    for d in reversed(shape):
        steps.insert(0, step)
        step = step * d
    return steps


def _joint(letters: str, strides: dict[str, Dim], sizes: dict[str, Dim]) -> Dim | None:
    """The one stride that walks ``letters`` in row-major order, or None."""
    found: Dim | None = None
    expected: Dim | None = None
    for c in reversed(letters):
        if sizes[c] == 1:
            continue
        if found is None:
            found = strides[c]
        elif strides[c] != expected:
            return None
        expected = strides[c] * sizes[c]
    return 1 if found is None else found


@dataclass(eq=False)
class Panel:
    """A matrix operand ready for the product: a buffer, where it starts, and its strides."""

    storage: Storage
    start: Dim
    row: Dim
    step: Dim


class Lowering:
    """Lowers one contraction (and the fold it feeds, if any)."""

    def __init__(self, context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> None:
        self.context, self.nodes, self.stores = context, nodes, stores
        self.anchor = anchor
        self.launches: list[Launch] = []
        self.dtype = anchor.type.dtype

    def run(self) -> list[Launch]:
        found = plan(self.anchor)
        if not found.columns or found.extent(found.columns) == 1 or self._tiny(found):
            self.context.choices[self.anchor] = "loop nest"
            return [self._direct_sum(found)]
        if self.context.options.convolution == "direct" and self._windowed(found):
            self.context.choices[self.anchor] = "direct loop nest"
            return [self._direct_rows(found)]
        steps = self._steps(found)
        if steps and not found.outer:
            return self._partial_sums(found, steps)
        if not found.outer:
            return self._row_blocks(found)
        return self._outer_loops(found)

    def _tiny(self, found: Plan) -> bool:
        """Not worth packing and a call: one row, or next to no work."""
        work = found.extent(found.rows) * found.extent(found.columns) * found.extent(found.depth)
        return (found.extent(found.rows) == 1 and found.rows == "") or (isinstance(work, int) and work <= 64)

    def _windowed(self, found: Plan) -> bool:
        return isinstance(found.columns_operand.kind, View)

    # -- operands as panels ------------------------------------------------------------------------------------------

    def _direct_columns(self, found: Plan, depth: str) -> Strided | None:
        """The column operand, if it can be read where it lies."""
        operand = strided(found.columns_operand, found.columns_letters, self.context)
        if operand is None or _joint(found.columns, operand.strides, found.sizes) != 1:
            return None
        return operand if _joint(depth, operand.strides, found.sizes) is not None else None

    def _direct_rows_operand(self, found: Plan, depth: str) -> Strided | None:
        operand = strided(found.rows_operand, found.rows_letters, self.context)
        if operand is None or _joint(found.rows, operand.strides, found.sizes) is None:
            return None
        return operand if _joint(depth, operand.strides, found.sizes) is not None else None

    def _steps(self, found: Plan) -> str:
        """Leading summed letters that loop around the product: an unknown size, or more than is good to pack."""
        direct = all(f(found, found.depth) is not None for f in (self._direct_columns, self._direct_rows_operand))
        if direct and not any(isinstance(found.sizes[c], Size) for c in found.depth[1:]):
            return ""
        steps = ""
        while len(found.depth) - len(steps) > 1:
            rest = found.extent(found.depth[len(steps) :])
            if isinstance(rest, int) and rest <= 2048:
                break
            steps += found.depth[len(steps)]
        rest = found.depth[len(steps) :]
        if len(rest) == 1 and isinstance(found.sizes[rest], Size) and not direct:
            steps += rest
        return steps

    def pack(
        self, builder: Builder, puller: Puller, operand: Node, letters: str, known: dict[str, Dim], major: str,
        minor: str, sizes: dict[str, Dim], storage: Storage, pitch: Dim, mark: str = "serial",
    ) -> None:
        """storage[major, minor] = operand, with rows of ``pitch``; what is beyond ``minor`` is zero."""
        shape = tuple(sizes[c] for c in minor)
        with ExitStack() as stack:
            place = dict(known)
            first = True
            for c in major:
                loop = builder.loop(sizes[c], mark if first else "serial", stem="q")  # type: ignore[arg-type]
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

    # -- schedules ---------------------------------------------------------------------------------------------------

    def _pitch(self, width: Dim) -> Dim:
        return (width + LANES - 1) // LANES * LANES if isinstance(width, int) else width

    def _width(self, found: Plan, depth: str) -> Dim:
        """Columns of the product: filled up where the column operand is packed."""
        width = found.extent(found.columns)
        return width if self._direct_columns(found, depth) is not None else self._pitch(width)

    def _call(
        self, builder: Builder, c: tuple[Storage, Dim], a: Panel, b: Panel, rows: Dim, columns: Dim, depth: Dim,
        pitch: Dim,
    ) -> None:
        helper = gemm(self.dtype)
        if helper not in builder.kernel.helpers:
            builder.kernel.helpers = (*builder.kernel.helpers, helper)
        c_name = builder.buffer(c[0], write=True)
        arguments: tuple[tuple[str, Dim] | Dim, ...] = (
            (c_name, c[1]), (builder.buffer(a.storage), a.start), (builder.buffer(b.storage), b.start),
            rows, columns, depth, pitch, a.row, a.step, b.row,
        )
        builder.emit(Call(helper.name, arguments))

    def _columns_panel(
        self, builder: Builder, puller: Puller, found: Plan, known: dict[str, Dim], depth: str, per_part: bool = True
    ) -> tuple[Panel, Dim]:
        """The column operand at ``known`` letters, in place or packed; and how many columns a row has."""
        width = found.extent(found.columns)
        direct = self._direct_columns(found, depth)
        if direct is not None:
            row = _joint(depth, direct.strides, found.sizes)
            assert row is not None
            return Panel(self.context.stored[direct.stored], _start(direct, known), row, 1), width
        pitch = self._pitch(width)
        storage = self.context.local(self.dtype, found.extent(depth) * pitch, per_part=per_part)
        letters = found.columns_letters
        self.pack(
            builder, puller, found.columns_operand, letters, known, depth, found.columns, found.sizes, storage, pitch
        )
        return Panel(storage, 0, pitch, 1), pitch

    def _rows_panel(
        self, builder: Builder, puller: Puller, found: Plan, known: dict[str, Dim], rows: str, depth: str
    ) -> Panel:
        direct = self._direct_rows_operand(found, depth)
        if direct is not None:
            row, step = _joint(rows, direct.strides, found.sizes), _joint(depth, direct.strides, found.sizes)
            assert row is not None
            assert step is not None
            return Panel(self.context.stored[direct.stored], _start(direct, known), row, step)
        count = found.extent(depth)
        storage = self.context.local(self.dtype, found.extent(rows) * count, per_part=True)
        self.pack(builder, puller, found.rows_operand, found.rows_letters, known, rows, depth, found.sizes, storage, count)
        return Panel(storage, 0, count, 1)

    def _zero(self, builder: Builder, storage: Storage, start: Dim, count: Dim) -> None:
        with builder.loop(count, "vector", stem="z") as q:
            builder.store(storage, start + q, Lit(0, storage.dtype))

    def _epilogue(
        self, builder: Builder, puller: Puller, found: Plan, known: dict[str, Dim], tile: Storage, pitch: Dim,
        rows: Dim, first_row: Dim = 0,
    ) -> None:
        """The maps that follow, on each element of the tile; or just the store."""
        with builder.loop(rows, stem="r") as row:
            if first_row != 0:
                builder.extents[str(row)] = found.extent(found.rows)
            with builder.loop(found.extent(found.columns), "vector", stem="q") as q:
                place = dict(known)
                place.update(zip(found.rows, split(first_row + row, found.shape(found.rows), builder.extents), strict=True))
                place.update(zip(found.columns, split(q, found.shape(found.columns), builder.extents), strict=True))
                load = Load(builder.buffer(tile), row * pitch + q, tile.dtype)
                puller.substituted[self.anchor] = builder.let("v", load)
                store_all(builder, puller, self.stores, tuple(place[c] for c in found.out))

    def _outer_loops(self, found: Plan) -> list[Launch]:
        """One product for each index of the outer letters: a convolution's images, a batch of matrices."""
        builder, puller = self.context.builder("contract", self.nodes)
        steps = self._steps(found)
        depth = found.depth[len(steps) :]
        known: dict[str, Dim] = {}
        fixed_rows = not (set(found.rows_letters) & (set(found.outer) | set(steps)))
        a = self._rows_panel(builder, puller, found, {}, found.rows, depth) if fixed_rows else None
        with ExitStack() as stack:
            self._open(builder, stack, found, known)
            pitch = self._width(found, depth)
            count = found.extent(found.rows)
            tile = self.context.local(self.dtype, count * pitch, per_part=True)
            self._zero(builder, tile, 0, count * pitch)
            with ExitStack() as inner:
                for c in steps:
                    known[c] = inner.enter_context(builder.loop(found.sizes[c], stem="s"))
                panel, width = self._columns_panel(builder, puller, found, known, depth)
                rows = a or self._rows_panel(builder, puller, found, known, found.rows, depth)
                self._call(builder, (tile, 0), rows, panel, count, width, found.extent(depth), pitch)
            self._epilogue(builder, puller, found, known, tile, pitch, count)
        self.context.choices[self.anchor] = "im2col" if self._windowed(found) else "matrix product"
        return [*self.launches, builder.launch(tuple(self.nodes))]

    def _open(self, builder: Builder, stack: ExitStack, found: Plan, known: dict[str, Dim]) -> None:
        """Loops over the outer letters; the first that iterates is shared among threads."""
        shared = False
        for c in found.outer:
            mark = "parallel" if not shared and found.sizes[c] != 1 else "serial"
            shared = shared or found.sizes[c] != 1
            known[c] = stack.enter_context(builder.loop(found.sizes[c], mark, stem="o"))  # type: ignore[arg-type]
        builder.kernel.parallel = shared

    def _row_blocks(self, found: Plan) -> list[Launch]:
        """One matrix product; threads share blocks of its rows. A column operand that needs packing is packed once."""
        packed: Panel | None = None
        width = found.extent(found.columns)
        pitch = width
        if self._direct_columns(found, found.depth) is None:
            pitch = self._pitch(width)
            storage = self.context.local(self.dtype, found.extent(found.depth) * pitch)
            builder, puller = self.context.builder("pack", self.nodes)
            self.pack(
                builder, puller, found.columns_operand, found.columns_letters, {}, found.depth, found.columns,
                found.sizes, storage, pitch, "parallel",
            )
            self.launches.append(builder.launch((self.anchor,), "pack"))
            packed = Panel(storage, 0, pitch, 1)
        builder, puller = self.context.builder("contract", self.nodes)
        count = found.extent(found.rows)
        depth = found.extent(found.depth)
        with ExitStack() as stack:
            blocks = (count + ROWS - 1) // ROWS
            block = stack.enter_context(builder.loop(blocks, "parallel", stem="o"))
            builder.kernel.parallel = blocks != 1
            first = block * ROWS
            rows: Dim = count if blocks == 1 else builder.index(_least(count - first, ROWS), ROWS + 1)
            tile = self.context.local(self.dtype, (count if blocks == 1 else ROWS) * pitch, per_part=True)
            self._zero(builder, tile, 0, rows * pitch)
            panel = packed or self._columns_panel(builder, puller, found, {}, found.depth)[0]
            if self._direct_rows_operand(found, found.depth) is not None:
                a = self._rows_panel(builder, puller, found, {}, found.rows, found.depth)
                a = Panel(a.storage, a.start + first * a.row, a.row, a.step)
            else:
                a = self._packed_rows(builder, puller, found, first, rows, depth)
            self._call(builder, (tile, 0), a, panel, rows, pitch, depth, pitch)
            self._epilogue(builder, puller, found, {}, tile, pitch, rows, first)
        self.context.choices[self.anchor] = "matrix product"
        return [*self.launches, builder.launch(tuple(self.nodes))]

    def _packed_rows(
        self, builder: Builder, puller: Puller, found: Plan, first: Dim, rows: Dim, depth: Dim
    ) -> Panel:
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

    def _partial_sums(self, found: Plan, steps: str) -> list[Launch]:
        """The sum over the outermost letter in a fixed number of chunks, each to a matrix of its own; then these."""
        depth = found.depth[len(steps) :]
        pitch = self._width(found, depth)
        count = found.extent(found.rows)
        size = count * pitch
        partial = self.context.local(self.dtype, CHUNKS * size)
        builder, puller = self.context.builder("partial", self.nodes)
        outermost = found.sizes[steps[0]]
        with builder.loop(CHUNKS, "parallel", stem="c") as chunk:
            self._zero(builder, partial, chunk * size, size)
            low, high = ((outermost * (chunk + i)) // CHUNKS for i in (0, 1))
            with ExitStack() as stack:
                known = {steps[0]: stack.enter_context(builder.between(low, high, outermost, stem="s"))}
                for c in steps[1:]:
                    known[c] = stack.enter_context(builder.loop(found.sizes[c], stem="s"))
                panel, width = self._columns_panel(builder, puller, found, known, depth)
                rows = self._rows_panel(builder, puller, found, known, found.rows, depth)
                self._call(builder, (partial, chunk * size), rows, panel, count, width, found.extent(depth), pitch)
        first = builder.launch((self.anchor,), "partial sums")
        builder, puller = self.context.builder("combine", self.nodes)
        with builder.loop(count, "parallel", stem="r") as row:
            with builder.loop(found.extent(found.columns), "vector", stem="q") as q:
                total = Load(builder.buffer(partial), row * pitch + q, self.dtype)
                value = builder.let("v", total)
                for c in range(1, CHUNKS):
                    more = Load(builder.buffer(partial), row * pitch + q + c * size, self.dtype)
                    value = builder.let("v", Prim("add", (value, more), self.dtype))
                place = dict(zip(found.rows, split(row, found.shape(found.rows), builder.extents), strict=True))
                place.update(zip(found.columns, split(q, found.shape(found.columns), builder.extents), strict=True))
                puller.substituted[self.anchor] = value
                store_all(builder, puller, self.stores, tuple(place[c] for c in found.out))
        builder.kernel.parallel = count != 1
        self.context.choices[self.anchor] = "im2col" if self._windowed(found) else "matrix product"
        return [first, builder.launch(tuple(self.nodes))]

    def _direct_sum(self, found: Plan) -> Launch:
        """One accumulator an element, the summed letters inside: dot products, and products too small for panels."""
        builder, puller = self.context.builder("contract", self.nodes)
        known: dict[str, Dim] = {}
        with ExitStack() as stack:
            shared = False
            for c in found.out:
                mark = "parallel" if not shared and found.sizes[c] != 1 else "serial"
                shared = shared or found.sizes[c] != 1
                known[c] = stack.enter_context(builder.loop(found.sizes[c], mark, stem="o"))  # type: ignore[arg-type]
            total = builder.let("acc", Lit(0, self.dtype), mutable=True)
            with ExitStack() as inner:
                place = dict(known)
                for c in found.depth:
                    place[c] = inner.enter_context(builder.loop(found.sizes[c], stem="k"))
                x = puller.value(found.columns_operand, tuple(place[c] for c in found.columns_letters))
                y = puller.value(found.rows_operand, tuple(place[c] for c in found.rows_letters))
                builder.assign(total, Prim("add", (total, Prim("mul", (x, y), self.dtype)), self.dtype))
            puller.substituted[self.anchor] = total
            store_all(builder, puller, self.stores, tuple(known[c] for c in found.out))
        builder.kernel.reassociate = True
        builder.kernel.parallel = shared
        return builder.launch(tuple(self.nodes))

    def _direct_rows(self, found: Plan) -> Launch:
        """A row of accumulators for each outer and row index; each element of the row operand meets the columns."""
        builder, puller = self.context.builder("contract", self.nodes)
        width = found.extent(found.columns)
        line = self.context.local(self.dtype, width, per_part=True)
        known: dict[str, Dim] = {}
        with ExitStack() as stack:
            self._open(builder, stack, found, known)
            for c in found.rows:
                known[c] = stack.enter_context(builder.loop(found.sizes[c], stem="o"))
            self._zero(builder, line, 0, width)
            with ExitStack() as inner:
                place = dict(known)
                for c in found.depth:
                    place[c] = inner.enter_context(builder.loop(found.sizes[c], stem="k"))
                y = puller.value(found.rows_operand, tuple(place[c] for c in found.rows_letters))
                for c in found.columns:
                    place[c] = inner.enter_context(builder.loop(found.sizes[c], stem="q"))
                x = puller.value(found.columns_operand, tuple(place[c] for c in found.columns_letters))
                at = flat([place[c] for c in found.columns], found.shape(found.columns))
                old = Load(builder.buffer(line), at, self.dtype)
                builder.store(line, at, Prim("add", (old, Prim("mul", (x, y), self.dtype)), self.dtype))
            with builder.loop(width, "vector", stem="q") as q:
                load = Load(builder.buffer(line), q, self.dtype)
                puller.substituted[self.anchor] = builder.let("v", load)
                known.update(zip(found.columns, split(q, found.shape(found.columns), builder.extents), strict=True))
                store_all(builder, puller, self.stores, tuple(known[c] for c in found.out))
        return builder.launch(tuple(self.nodes))


def _start(operand: Strided, known: dict[str, Dim]) -> Dim:
    start = operand.start
    for c, at in known.items():
        start = start + operand.strides.get(c, 0) * at
    return start


def _least(a: Dim, b: int) -> Prim:
    return Prim("min", (At(a), At(b)), "int64")


def lower_contract(context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> list[Launch]:
    """A contraction with its epilogue."""
    return Lowering(context, nodes, anchor, stores).run()


def lower_folded_contract(
    context: Context, nodes: Sequence[Node], fold: Node, anchor: Node, stores: Stores
) -> list[Launch] | None:
    """A fold of a contraction, a convolution's input gradient: products per outer index, folded while in cache.

    None where the letters do not fall into passive ones, rows and columns.
    """
    assert isinstance(fold.kind, Fold)
    assert isinstance(anchor.kind, Contract)
    lead = passive(fold.kind.map, fold.kind.shape)
    letters = anchor.kind.out
    left, right = anchor.kind.left, anchor.kind.right
    out_letters = letters[:lead]
    for own, other in ((left, right), (right, left)):
        columns = "".join(c for c in letters if c in own and c not in other and c not in out_letters)
        rows = "".join(c for c in letters if c in other and c not in own)
        outer = "".join(c for c in out_letters if c in own)
        kept = [c for c in out_letters if c not in outer]
        if columns and rows and outer and set(outer + rows + columns) == set(letters) and letters.startswith(outer):
            return _folded(context, nodes, fold, anchor, stores, outer, rows, columns, len(outer), kept)
    return None


def _folded(
    context: Context, nodes: Sequence[Node], fold: Node, anchor: Node, stores: Stores, outer: str, rows: str,
    columns: str, lead: int, kept: Sequence[str],
) -> list[Launch] | None:
    assert isinstance(fold.kind, Fold)
    assert isinstance(anchor.kind, Contract)
    lowering = Lowering(context, nodes, anchor, stores)
    operand = anchor.operands[0] if columns[-1] in anchor.kind.left else anchor.operands[1]
    found = plan(anchor, operand, outer + rows + columns)
    if found.columns != columns or found.outer != outer or lowering._steps(found):
        return None
    builder, puller = context.builder("fold", nodes)
    block = Block(context, builder, fold, stores, lead)
    fixed = not (set(found.rows_letters) & set(outer))
    a = lowering._rows_panel(builder, puller, found, {}, rows, found.depth) if fixed else None
    count, width = found.extent(rows), found.extent(columns)
    pitch = lowering._width(found, found.depth)
    tile = context.local(lowering.dtype, count * pitch, per_part=True)
    with ExitStack() as stack:
        known: dict[str, Dim] = {}
        lowering._open(builder, stack, found, known)
        index = [known[c] for c in outer]
        block.clear(index)
        panel, wide = lowering._columns_panel(builder, puller, found, known, found.depth)
        b = a or lowering._rows_panel(builder, puller, found, known, rows, found.depth)
        lowering._zero(builder, tile, 0, count * pitch)
        lowering._call(builder, (tile, 0), b, panel, count, wide, found.extent(found.depth), pitch)
        with ExitStack() as inner:
            for c in rows + columns:
                known[c] = inner.enter_context(builder.loop(found.sizes[c], stem="k"))
            row = flat([known[c] for c in rows], found.shape(rows))
            column = flat([known[c] for c in columns], found.shape(columns))
            value = builder.let("v", Load(builder.buffer(tile), row * pitch + column, tile.dtype))
            add_folded(builder, inner, block, fold.kind, lead, [known[c] for c in anchor.kind.out], value)
        block.finish(puller, index, stores)
    context.choices[anchor] = "matrix product, folded back"
    return [builder.launch(tuple(nodes))]
