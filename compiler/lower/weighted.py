"""A vector times a matrix: rows of the matrix, weighted and added up where they lie, several at a time.

    y[j] = sum over k of v[k] m[k, j]       with j along memory

    for each block of columns j (or chunk of k), in parallel:
        for k by 8:
            for j in the block:
                t[j] = t[j] + v[k] m[k, j] + ... + v[k+7] m[k+7, j]

The matrix is read once, in order, and nothing is packed. Threads share blocks of columns where there are several, else
chunks of the depth, whose number is fixed, so that results do not depend on the threads.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.loops.index import split
from graphad.compiler.loops.ir import Expr, Lit, Load, Prim, Ref
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.letters import Strided, joint, start, strided
from graphad.compiler.lower.maps import Stores, store_all
from graphad.compiler.lower.panels import least
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

AT_ONCE: Final = 8
"""Rows added in one pass over the sums, whose loads and stores are then a tenth of the work. Of 16, that lie 16 KiB
apart, the same takes 3.4 ms: they meet in one set of the cache."""
COLUMNS: Final = 2048
"""Columns of a block: its sums stay in the first cache, its pieces of rows are long enough to be fetched ahead. A row
times 4096 x 4096 takes 2.4 ms, with blocks of 512 columns 4.2 ms (Zen, AVX-512, one thread)."""
DEEP: Final = 512  # rows summed before their sum is added on: keeps the rounding error small
CHUNKS: Final = 16  # parts of the depth; fixed, so that results do not depend on the threads
VECTORS: Final = 3  # that go through a matrix together: what a batch of a handful has at most
_SHORT: Final = 8  # columns or rows of a matrix below which a sum of its own for each column is as quick
_SMALL: Final = 65536  # elements of a matrix that one thread reads sooner than several agree


@dataclass(frozen=True)
class Roles:
    """The letters. ``outer``: in both operands and the result; ``rows``: in the vectors and the result; ``columns``: in
    the matrix and the result; ``depth``: in both operands.

    ``step``, ``stride``, ``line``: from row to row of the matrix, from element to element of a vector, to the next one.
    """

    out: str
    outer: str
    rows: str
    columns: str
    depth: str
    sizes: dict[str, Dim]
    matrix: Strided
    vector: Strided
    step: Dim
    stride: Dim
    line: Dim

    @property
    def rows_at_most(self) -> int:
        """Vectors that there may be."""
        return VECTORS if self.rows else 1

    @property
    def width(self) -> Dim:
        return product(self.sizes[c] for c in self.columns)

    @property
    def count(self) -> Dim:
        return product(self.sizes[c] for c in self.depth)


def roles(node: Node, context: Context) -> Roles | None:
    """How a contraction is a vector, or a few, times a matrix that is stored row by row; None if it is not."""
    kind = node.kind
    assert isinstance(kind, Contract)
    letters = (kind.left, kind.right)
    sizes = {
        c: d
        for x, operand in zip(letters, node.operands, strict=True)
        for c, d in zip(x, operand.type.shape, strict=True)
    }
    both = set(kind.left) & set(kind.right)
    outer = "".join(c for c in kind.out if c in both and sizes[c] != 1)
    own = ["".join(c for c in kind.out if c in x and c not in both and sizes[c] != 1) for x in letters]
    tried = (_roles(node, context, sizes, outer, own, matrix) for matrix in (0, 1))
    return next((found for found in tried if found is not None), None)


def _roles(
    node: Node, context: Context, sizes: dict[str, Dim], outer: str, own: Sequence[str], matrix: int
) -> Roles | None:
    """With one of the operands as the matrix."""
    kind = node.kind
    assert isinstance(kind, Contract)
    letters, vector = (kind.left, kind.right), 1 - matrix
    columns, rows = own[matrix], own[vector]
    if not columns or not all(_few(sizes[c], context) for c in rows) or len(rows) > 1:
        return None
    depth = "".join(c for c in letters[matrix] if c not in kind.out)
    if set(depth) != {c for c in letters[vector] if c not in kind.out}:
        return None
    m, v = (strided(node.operands[i], letters[i], context) for i in (matrix, vector))
    if m is None or v is None or joint(columns, m.strides, sizes) != 1:
        return None
    step, stride, line = joint(depth, m.strides, sizes), joint(depth, v.strides, sizes), joint(rows, v.strides, sizes)
    if step is None or stride is None or line is None:
        return None
    found = Roles(kind.out, outer, rows, columns, depth, sizes, m, v, step, stride, line if rows else 0)
    small = any(isinstance(d, int) and d < _SHORT for d in (found.width, found.count))
    return None if small else found


def _few(size: Dim, context: Context) -> bool:
    """At most so many vectors that each may meet a row of the matrix while that is near."""
    return size <= VECTORS if isinstance(size, int) else context.few and str(size) in context.most


def lower_weighted(context: Context, nodes: Sequence[Node], anchor: Node, found: Roles, stores: Stores) -> list[Launch]:
    """The product with its epilogue."""
    work = _Work(context, nodes, anchor, found, stores)
    return work.chunks() if in_chunks(found) else [work.blocks()]


def in_chunks(found: Roles) -> bool:
    """Whether threads share the depth: of a matrix with few columns and many rows."""
    wide = not isinstance(found.width, int) or found.width > COLUMNS
    deep = not isinstance(found.count, int) or found.count >= CHUNKS * AT_ONCE
    total = found.width * found.count
    return not found.outer and deep and not wide and not (isinstance(total, int) and total <= _SMALL)


def scratch_of(found: Roles, width: int) -> int:
    """Elements that a thread works with, ``width`` the columns in numbers."""
    own = min(width, COLUMNS)
    return found.rows_at_most * (own + (CHUNKS * width if in_chunks(found) else own))


@dataclass(frozen=True)
class _Work:
    context: Context
    nodes: Sequence[Node]
    anchor: Node
    roles: Roles
    stores: Stores

    @property
    def dtype(self) -> str:
        return self.anchor.type.dtype

    def blocks(self) -> Launch:
        """Blocks of columns, of each index of the outer letters."""
        builder, puller = self.context.builder("contract", self.nodes)
        found = self.roles
        width = COLUMNS if not isinstance(found.width, int) else min(COLUMNS, found.width)
        sums = _Sums(self.context.local(self.dtype, found.rows_at_most * width, per_part=True), width)
        extents = [found.sizes[c] for c in found.outer]
        parts = (found.width + width - 1) // width
        with ExitStack() as stack:
            number = stack.enter_context(builder.loop(product([*extents, parts]), "parallel", stem="o"))
            builder.kernel.parallel = product([*extents, parts]) != 1
            *outer, part = split(number, (*extents, parts), builder.extents)
            known = dict(zip(found.outer, outer, strict=True))
            first = part * width
            columns: Dim = width
            if not isinstance(found.width, int) or found.width % width:
                columns = builder.index(least(found.width - first, width), width + 1)
            self._sum(builder, known, sums, (first, columns), (0, found.count))
            self._finish(
                builder,
                puller,
                known,
                (first, columns),
                lambda p: Load(builder.buffer(sums.storage), p, self.dtype),
                width,
            )
        return builder.launch(tuple(self.nodes))

    def chunks(self) -> list[Launch]:
        """Chunks of the depth to sums each; then these, in order."""
        found, width = self.roles, self.roles.width
        size = found.rows_at_most * width
        partial = self.context.local(self.dtype, CHUNKS * size)
        builder, _ = self.context.builder("partial", self.nodes)
        with builder.loop(CHUNKS, "parallel", stem="c") as chunk:
            groups = (found.count + (AT_ONCE - 1)) // AT_ONCE  # whole ones, but for the last
            low, end = ((groups * (chunk + i)) // CHUNKS * AT_ONCE for i in (0, 1))
            high = builder.index(least(end, found.count), found.count + 1)
            self._sum(builder, {}, _Sums(partial, width, chunk * size), (0, width), (low, high))
        first = builder.launch((self.anchor,), "partial sums")
        builder, puller = self.context.builder("combine", self.nodes)

        def total(place: Dim) -> Expr:
            value: Expr = builder.let("v", Load(builder.buffer(partial), place, self.dtype))
            for i in range(1, CHUNKS):
                more = Load(builder.buffer(partial), i * size + place, self.dtype)
                value = builder.let("v", Prim("add", (value, more), self.dtype))
            return value

        self._finish(builder, puller, {}, (0, width), total, width)
        builder.kernel.parallel = False
        return [first, builder.launch(tuple(self.nodes))]

    def _sum(
        self,
        builder: Builder,
        known: dict[str, Dim],
        sums: "_Sums",
        columns: tuple[Dim, Dim],
        depth: tuple[Dim, Dim],
    ) -> None:
        """The sums of ``columns`` (the first, how many) over the rows ``depth`` (from, to)."""
        count, (low, high) = self.roles.count, depth
        self._clear(builder, sums, columns[1])
        if depth == (0, count) and isinstance(count, int) and count <= 2 * DEEP:
            self._through(builder, known, sums, columns, depth)
            return
        pitch = columns[1] if isinstance(columns[1], int) else COLUMNS
        inner = _Sums(self.context.local(self.dtype, self.roles.rows_at_most * pitch, per_part=True), pitch)
        with builder.between(low, high, count, DEEP, stem="b") as start:
            stop = builder.index(least(start + DEEP, high), count + 1)
            self._clear(builder, inner, columns[1])
            self._through(builder, known, inner, columns, (start, stop))
            with self._lines(builder) as r, builder.loop(columns[1], "vector", stem="q") as q:
                old, more = (Load(builder.buffer(s.storage), s.place(r, q), self.dtype) for s in (sums, inner))
                builder.store(sums.storage, sums.place(r, q), Prim("add", (old, more), self.dtype))

    def _lines(self, builder: Builder) -> AbstractContextManager[Dim]:
        """The vectors: one, or a few."""
        return builder.loop(product(self.roles.sizes[c] for c in self.roles.rows), stem="r")

    def _clear(self, builder: Builder, sums: "_Sums", width: Dim) -> None:
        with self._lines(builder) as r, builder.loop(width, "vector", stem="z") as q:
            builder.store(sums.storage, sums.place(r, q), Lit(0, self.dtype))

    def _through(
        self,
        builder: Builder,
        known: dict[str, Dim],
        sums: "_Sums",
        columns: tuple[Dim, Dim],
        depth: tuple[Dim, Dim],
    ) -> None:
        """Whole groups of rows, then what is left over."""
        low, high = depth
        left = low + (high - low) // AT_ONCE * AT_ONCE
        with builder.between(low, left, self.roles.count, AT_ONCE, stem="k") as k:
            self._add(builder, known, sums, columns, k, AT_ONCE)
        if left != high:
            with builder.between(left, high, self.roles.count, stem="k") as k:
                self._add(builder, known, sums, columns, k, 1)

    def _add(
        self, builder: Builder, known: dict[str, Dim], sums: "_Sums", columns: tuple[Dim, Dim], k: Dim, several: int
    ) -> None:
        """Rows k, k + 1, ... onto the sums."""
        found, first = self.roles, columns[0]
        m, v = (self.context.stored[x.stored] for x in (found.matrix, found.vector))
        with self._lines(builder) as r:
            weights: list[Ref] = []
            for i in range(several):
                place = start(found.vector, known) + r * found.line + (k + i) * found.stride
                weights.append(builder.let("v", Load(builder.buffer(v), place, self.dtype)))
            with builder.loop(columns[1], "vector", stem="q") as q:
                total: Expr = Load(builder.buffer(sums.storage), sums.place(r, q), self.dtype)
                for i, weight in enumerate(weights):
                    place = start(found.matrix, known) + (k + i) * found.step + first + q
                    one = Prim("mul", (weight, Load(builder.buffer(m), place, self.dtype)), self.dtype)
                    total = Prim("add", (total, one), self.dtype)
                builder.store(sums.storage, sums.place(r, q), total)

    def _finish(
        self,
        builder: Builder,
        puller: Puller,
        known: dict[str, Dim],
        columns: tuple[Dim, Dim],
        total: Callable[[Dim], Expr],
        pitch: Dim,
    ) -> None:
        """The maps that follow, on each sum."""
        found = self.roles
        with self._lines(builder) as r, builder.loop(columns[1], "vector", stem="q") as q:
            at = known | self._index(builder, found.columns, columns[0] + q) | self._index(builder, found.rows, r)
            puller.substituted[self.anchor] = builder.let("v", total(r * pitch + q))
            store_all(builder, puller, self.stores, tuple(at.get(c, 0) for c in found.out))

    def _index(self, builder: Builder, letters: str, place: Dim) -> dict[str, Dim]:
        shape = tuple(self.roles.sizes[c] for c in letters)
        return dict(zip(letters, split(place, shape, builder.extents), strict=True))


@dataclass(frozen=True)
class _Sums:
    """Where sums are: those of a vector follow each other, those of the next lie ``pitch`` on."""

    storage: Storage
    pitch: Dim
    start: Dim = 0

    def place(self, row: Dim, column: Dim) -> Dim:
        return self.start + row * self.pitch + column
