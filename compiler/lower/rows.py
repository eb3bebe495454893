"""Kernels of reductions that keep the last axis: accumulators are a row of memory, the last axis is the innermost loop.

So loads stay contiguous. Sums are sums of sums, each short, as in ``accumulate.py``. Where nothing but the last axis is
kept, a fixed number of chunks of the outermost reduced axis are reduced to a row each, then these in order.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final, TypeAlias

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.ir import Expr, Lit, Load
from graphad.compiler.lower.accumulate import CHUNKS, Accumulator, axes_of, behind, combine, groups_of, monoid_of
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.loops import extent, index_of
from graphad.compiler.lower.maps import Stores, open_loops, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

BLOCK: Final = 128  # rows summed before their sum is added on
_SMALL: Final = 4096  # elements that one thread reduces sooner than several agree

Group: TypeAlias = tuple[int, ...]


def lower_rows(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> list[Launch]:
    """Reductions of one operand over the same axes, the last axis kept, with their epilogue."""
    nest = _Nest(nodes, anchors)
    total = nest.operand.type.size
    if len(nest.kept) > 1 or (isinstance(total, int) and total <= _SMALL):
        return [_whole(context, nest, stores)]
    parts = [context.local(a.type.dtype, CHUNKS * nest.width) for a in anchors]
    return [_partial(context, nest, parts), _combined(context, nest, parts, stores)]


class _Nest:
    """The loops of one reduction: groups of axes that are kept and reduced, the last kept one innermost."""

    def __init__(self, nodes: Sequence[Node], anchors: Sequence[Node]) -> None:
        self.nodes, self.anchors = nodes, anchors
        self.monoids = [monoid_of(a) for a in anchors]
        self.operand = anchors[0].operands[0]
        self.shape = self.operand.type.shape
        axes = axes_of(anchors[0])
        self.groups: list[Group] = groups_of(behind(nodes, anchors), self.shape, axes)
        self.kept = [g for g in self.groups if g[0] not in axes]
        self.reduced = [g for g in self.groups if g[0] in axes]
        self.width = self.extent(self.kept[-1])

    def extent(self, group: Group) -> Dim:
        return extent(group, self.shape)

    def place(self, builder: Builder, groups: Sequence[Group], known: dict[Group, Dim]) -> tuple[Dim, ...]:
        return index_of(groups, [known[g] for g in groups], self.shape, builder.extents)


def _whole(context: Context, nest: _Nest, stores: Stores) -> Launch:
    """One row for each index of the other kept axes."""
    builder, puller = context.builder("reduce", nest.nodes)
    with ExitStack() as stack:
        variables = open_loops(builder, stack, [nest.extent(g) for g in nest.kept[:-1]])
        known = dict(zip(nest.kept[:-1], variables, strict=True))
        rows = [context.local(a.type.dtype, nest.width, per_part=True) for a in nest.anchors]
        _clear(builder, nest, rows)
        _reduce(context, builder, puller, nest, rows, 0, known, nest.reduced)
        with builder.loop(nest.width, "vector", stem="q") as q:
            for anchor, row in zip(nest.anchors, rows, strict=True):
                puller.substituted[anchor] = builder.let("v", Load(builder.buffer(row), q, row.dtype))
            known[nest.kept[-1]] = q
            store_all(builder, puller, stores, nest.place(builder, nest.kept, known))
    return builder.launch(tuple(nest.nodes))


def _partial(context: Context, nest: _Nest, parts: Sequence[Storage]) -> Launch:
    """A row for each chunk of the outermost reduced axis."""
    builder, puller = context.builder("partial", nest.nodes)
    outer, *rest = nest.reduced
    count = nest.extent(outer)
    with builder.loop(CHUNKS, "parallel", stem="c") as chunk:
        start = chunk * nest.width
        _clear(builder, nest, parts, start)
        low, high = ((count * (chunk + i)) // CHUNKS for i in (0, 1))
        if rest:
            with builder.between(low, high, count, stem="k") as k:
                _reduce(context, builder, puller, nest, parts, start, {outer: k}, rest)
        else:
            _blocks(context, builder, puller, nest, parts, start, {}, outer, low, high)
    return builder.launch(tuple(behind(nest.nodes, nest.anchors)))


def _combined(context: Context, nest: _Nest, parts: Sequence[Storage], stores: Stores) -> Launch:
    builder, puller = context.builder("combine", nest.nodes)
    with builder.loop(nest.width, "parallel", stem="q") as q:
        accumulators = [Accumulator(builder, a) for a in nest.anchors]
        with builder.loop(CHUNKS, stem="c") as chunk:
            for accumulator, part in zip(accumulators, parts, strict=True):
                value = Load(builder.buffer(part), chunk * nest.width + q, part.dtype)
                builder.assign(accumulator.value, combine(accumulator.monoid, accumulator.value, value))
        for anchor, accumulator in zip(nest.anchors, accumulators, strict=True):
            puller.substituted[anchor] = accumulator.value
        store_all(builder, puller, stores, nest.place(builder, nest.kept, {nest.kept[-1]: q}))
    return builder.launch(tuple(nest.nodes))


def _reduce(
    context: Context,
    builder: Builder,
    puller: Puller,
    nest: _Nest,
    rows: Sequence[Storage],
    start: Dim,
    known: dict[Group, Dim],
    reduced: Sequence[Group],
) -> None:
    """Loops over ``reduced``; the innermost of several, and blocks of a long one, have rows of their own."""
    *outer, last = reduced
    count = nest.extent(last)
    with ExitStack() as stack:
        found = dict(known)
        for group in outer:
            found[group] = stack.enter_context(builder.loop(nest.extent(group), stem="k"))
        if not isinstance(count, int) or count > 2 * BLOCK:
            _blocks(context, builder, puller, nest, rows, start, found, last, 0, count)
        elif count > 4 and len(nest.reduced) > 1:
            inner = _own_rows(context, nest)
            _clear(builder, nest, inner)
            with builder.loop(count, stem="k") as found[last]:
                _take(builder, puller, nest, inner, 0, found)
            _add(builder, nest, rows, start, inner)
        else:
            with builder.loop(count, stem="k") as found[last]:
                _take(builder, puller, nest, rows, start, found)


def _blocks(
    context: Context,
    builder: Builder,
    puller: Puller,
    nest: _Nest,
    rows: Sequence[Storage],
    start: Dim,
    known: dict[Group, Dim],
    group: Group,
    low: Dim,
    high: Dim,
) -> None:
    """``group`` from ``low`` to ``high`` in blocks, each to rows of its own that are added on."""
    inner = _own_rows(context, nest)
    count = nest.extent(group)
    found = dict(known)
    with builder.between(low, high, count, BLOCK, stem="b") as first:
        _clear(builder, nest, inner)
        end = builder.least(first + BLOCK, high, count + 1)
        with builder.between(first, end, count, stem="k") as found[group]:
            _take(builder, puller, nest, inner, 0, found)
        _add(builder, nest, rows, start, inner)


def _own_rows(context: Context, nest: _Nest) -> list[Storage]:
    return [context.local(a.type.dtype, nest.width, per_part=True) for a in nest.anchors]


def _clear(builder: Builder, nest: _Nest, rows: Sequence[Storage], start: Dim = 0) -> None:
    with builder.loop(nest.width, "vector", stem="z") as q:
        for monoid, row in zip(nest.monoids, rows, strict=True):
            builder.store(row, start + q, Lit(monoid.identity(row.dtype), row.dtype))


def _take(
    builder: Builder, puller: Puller, nest: _Nest, rows: Sequence[Storage], start: Dim, known: dict[Group, Dim]
) -> None:
    """One more row of the operand."""
    with builder.loop(nest.width, "vector", stem="q") as q:
        value = puller.value(nest.operand, nest.place(builder, nest.groups, {**known, nest.kept[-1]: q}))
        _combine_into(builder, nest, rows, start + q, [value] * len(rows))


def _add(builder: Builder, nest: _Nest, rows: Sequence[Storage], start: Dim, inner: Sequence[Storage]) -> None:
    with builder.loop(nest.width, "vector", stem="q") as q:
        values: list[Expr] = [Load(builder.buffer(row), q, row.dtype) for row in inner]
        _combine_into(builder, nest, rows, start + q, values)


def _combine_into(builder: Builder, nest: _Nest, rows: Sequence[Storage], place: Dim, values: Sequence[Expr]) -> None:
    for monoid, row, value in zip(nest.monoids, rows, values, strict=True):
        old = Load(builder.buffer(row), place, row.dtype)
        builder.store(row, place, combine(monoid, old, value))
