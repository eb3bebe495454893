"""Kernels of scans: running values along one axis.

Along an axis with others behind it, those lie in lanes: a row of running values, to which one row after the other is
added. Threads share blocks of columns.

    for each block of columns, in parallel:
        t[j] = 0
        for k in 0 .. n:
            for j in the block:                 (lanes)
                t[j] = t[j] + x[k, j]
                y[k, j] = t[j]

Along the last axis a sum waits for the one before; several rows at a time wait together. Every value is added in the
order of its axis, so that results depend neither on blocks nor on threads. One long vector's sums are cut into a fixed
number of chunks, each of which begins with what those before it come to.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import Scan
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.loops.index import split
from graphad.compiler.loops.ir import Lit, Load, Ref
from graphad.compiler.lower.accumulate import CHUNKS, behind, combine
from graphad.compiler.lower.blocks import FEW, count_of, side_of
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.loops import collapse
from graphad.compiler.lower.maps import Stores, open_loops, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

ROWS: Final = 4
"""Rows that run side by side: sums wait four cycles for each other, and more rows that lie 16 KiB apart, with as many
of the result, compete for the ways of one set of the first cache."""
_LONG: Final = 65536  # elements of a vector that is gone through twice: sums of chunks are quick beside sums that wait


def lower_scan(context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> list[Launch]:
    """A scan with the maps before and behind it."""
    kind = anchor.kind
    assert isinstance(kind, Scan)
    if _long(context, anchor, kind):
        return _in_chunks(context, nodes, anchor, kind, stores)
    work = _work(context, "scan", nodes, anchor, kind, stores)
    around = product(anchor.type.shape[kind.axis + 1 :])
    if isinstance(around, int) and around < FEW:
        work.rows()
    else:
        work.columns()
    return [work.builder.launch(tuple(nodes))]


def scan_in_scalars(context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> Launch:
    """Every running value a scalar, the scanned axis innermost: of one example, which is a lane among others."""
    kind = anchor.kind
    assert isinstance(kind, Scan)
    work = _work(context, "scan", nodes, anchor, kind, stores)
    with ExitStack() as stack:
        others = [d for a, d in enumerate(work.shape) if a != kind.axis]
        work.one(stack, open_loops(work.builder, stack, others))
    return work.builder.launch(tuple(nodes))


def _work(context: Context, stem: str, nodes: Sequence[Node], anchor: Node, kind: Scan, stores: Stores) -> "_Work":
    builder, puller = context.builder(stem, nodes)
    return _Work(context, builder, puller, nodes, anchor, kind, stores)


def _long(context: Context, anchor: Node, kind: Scan) -> bool:
    """One long vector, whose sums may be added up in another order than its own.

    Products may not: those of a chunk leave a number's range where running ones stay inside.
    """
    count = anchor.type.shape[kind.axis]
    alone = product(d for a, d in enumerate(anchor.type.shape) if a != kind.axis) == 1
    free = kind.monoid.name != "prod" and context.options.precision != "strict"
    return alone and free and isinstance(count, int) and count >= _LONG


def _in_chunks(context: Context, nodes: Sequence[Node], anchor: Node, kind: Scan, stores: Stores) -> list[Launch]:
    """What each chunk comes to; then the running values of several chunks side by side, from what lies before them."""
    first = _work(context, "partial", behind(nodes, [anchor]), anchor, kind, stores)
    sums = context.local(anchor.type.dtype, CHUNKS)
    first.partial(sums)
    second = _work(context, "scan", nodes, anchor, kind, stores)
    second.chunks(sums)
    return [first.builder.launch(tuple(behind(nodes, [anchor]))), second.builder.launch(tuple(nodes))]


@dataclass(frozen=True)
class _Work:
    context: Context
    builder: Builder
    puller: Puller
    nodes: Sequence[Node]
    anchor: Node
    kind: Scan
    stores: Stores

    @property
    def shape(self) -> tuple[Dim, ...]:
        return self.anchor.type.shape

    @property
    def identity(self) -> Lit:
        dtype = self.anchor.type.dtype
        return Lit(self.kind.monoid.identity(dtype), dtype)

    def columns(self) -> None:
        """The axes behind in lanes."""
        builder, axis = self.builder, self.kind.axis
        groups = collapse(self.nodes, self.shape, (axis, axis + 1))
        inner = [g for g in groups if g[0] > axis]
        width = product(self.shape[a] for a in inner[-1])
        outer = [*self.shape[:axis], *(self.shape[a] for g in inner[:-1] for a in g)]
        side = side_of(width, product(outer))
        with ExitStack() as stack:
            *at, block = self._shared(stack, [*outer, (width + (side - 1)) // side])
            first = block * side
            count = count_of(builder, first, side, width)
            running = self.context.local(self.anchor.type.dtype, side, per_part=True)
            with builder.loop(count, "vector", stem="z") as q:
                builder.store(running, q, self.identity)
            step = stack.enter_context(builder.loop(self.shape[axis], stem="k"))
            q = stack.enter_context(builder.loop(count, "vector", stem="q"))
            last = split(first + q, tuple(self.shape[a] for a in inner[-1]), builder.extents)
            index = self._at((*at, *last), step)
            old = Load(builder.buffer(running), q, running.dtype)
            value = combine(self.kind.monoid, old, self.puller.value(self.anchor.operands[0], index))
            self.puller.substituted[self.anchor] = total = builder.let("acc", value)
            builder.store(running, q, total)
            store_all(builder, self.puller, self.stores, index)

    def rows(self) -> None:
        """Several rows at a time, then those that are left over one by one."""
        axis = self.kind.axis
        others = [d for a, d in enumerate(self.shape) if a != axis]
        total = product(others)
        whole = total // ROWS if all(isinstance(d, int) for d in others[1:]) else 0
        if whole == 0:
            with ExitStack() as stack:
                self.one(stack, self._shared(stack, others))
            return
        with ExitStack() as stack:
            (group,) = self._shared(stack, [whole])
            together = [self.builder.places(group * ROWS + r, others) for r in range(ROWS)]
            self._together(stack, together, self.shape[axis])
        if total != whole * ROWS:
            with ExitStack() as stack:
                (left,) = self._shared(stack, [total - whole * ROWS])
                self.one(stack, self.builder.places(whole * ROWS + left, others))

    def one(self, stack: ExitStack, row: Sequence[Dim]) -> None:
        """The running values at one index of the other axes."""
        self._together(stack, [row], self.shape[self.kind.axis])

    def partial(self, sums: Storage) -> None:
        """What each chunk comes to."""
        builder, length = self.builder, self._chunk
        builder.kernel.reassociate = True
        with builder.loop(CHUNKS, "parallel", stem="c") as chunk:
            total = builder.let("acc", self.identity, mutable=True)
            with builder.loop(length, "vector", stem="k") as k:
                value = self.puller.value(self.anchor.operands[0], self._at((), chunk * length + k))
                builder.assign(total, combine(self.kind.monoid, total, value))
            builder.store(sums, chunk, total)

    def chunks(self, sums: Storage) -> None:
        """Several chunks side by side, and the few elements behind them."""
        length, count = self._chunk, self.shape[self.kind.axis]
        with ExitStack() as stack:
            (group,) = self._shared(stack, [CHUNKS // ROWS])
            chunks = [group * ROWS + r for r in range(ROWS)]
            before = [self._before(sums, c) for c in chunks]
            self._together(stack, [()] * ROWS, length, before, [c * length for c in chunks])
        if count != CHUNKS * length:
            with ExitStack() as stack:
                stack.enter_context(self.builder.once())
                before = [self._before(sums, CHUNKS)]
                self._together(stack, [()], count - CHUNKS * length, before, [CHUNKS * length])

    def _before(self, sums: Storage, chunk: Dim) -> Ref:
        """What the chunks before one come to."""
        builder = self.builder
        total = builder.let("acc", self.identity, mutable=True)
        with builder.between(0, chunk, CHUNKS, stem="c") as c:
            more = Load(builder.buffer(sums), c, sums.dtype)
            builder.assign(total, combine(self.kind.monoid, total, more))
        return total

    @property
    def _chunk(self) -> int:
        count = self.shape[self.kind.axis]
        assert isinstance(count, int)
        return count // CHUNKS

    def _together(
        self,
        stack: ExitStack,
        rows: Sequence[Sequence[Dim]],
        count: Dim,
        before: Sequence[Ref] = (),
        firsts: Sequence[Dim] = (),
    ) -> None:
        """Running values of several rows, or of several parts of one that begin at ``firsts``, side by side."""
        builder = self.builder
        running = before or [builder.let("acc", self.identity, mutable=True) for _ in rows]
        step = stack.enter_context(builder.loop(count, stem="k"))
        totals: list[tuple[tuple[Dim, ...], Ref]] = []
        for at, total, first in zip(rows, running, firsts or [0] * len(rows), strict=True):
            index = self._at(at, first + step)
            value = self.puller.value(self.anchor.operands[0], index)
            builder.assign(total, combine(self.kind.monoid, total, value))
            totals.append((index, total))
        for index, total in totals:
            self.puller.substituted[self.anchor] = total
            store_all(builder, self.puller, self.stores, index)

    def _at(self, others: Sequence[Dim], step: Dim) -> tuple[Dim, ...]:
        """The index at the other axes (none: where they have one element), ``step`` elements along the axis."""
        axis = self.kind.axis
        rest = others or [0] * (len(self.shape) - 1)
        return (*rest[:axis], self.shape[axis] - 1 - step if self.kind.reverse else step, *rest[axis:])

    def _shared(self, stack: ExitStack, extents: Sequence[Dim]) -> list[Dim]:
        """An index into ``extents``, from one loop that threads share."""
        total, builder = product(extents), self.builder
        if total == 1:
            stack.enter_context(builder.once())
        return builder.places(stack.enter_context(builder.loop(total, "parallel")), extents)
