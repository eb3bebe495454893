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

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.loops.index import split
from graphad.compiler.loops.ir import Expr, Lit, Load, Prim, Ref
from graphad.compiler.lower.accumulate import CHUNKS
from graphad.compiler.lower.blocks import count_of
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.letters import start
from graphad.compiler.lower.maps import Stores, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.vector_roles import AT_ONCE, COLUMNS, Roles, in_chunks

DEEP: Final = 512  # rows summed before their sum is added on: keeps the rounding error small


def lower_weighted(context: Context, nodes: Sequence[Node], anchor: Node, found: Roles, stores: Stores) -> list[Launch]:
    """The product with its epilogue."""
    work = _Work(context, nodes, anchor, found, stores)
    return work.chunks() if in_chunks(found) else [work.blocks()]


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
            columns = count_of(builder, first, width, found.width)
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
            high = builder.least(end, found.count, found.count + 1)
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
            stop = builder.least(start + DEEP, high, count + 1)
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
