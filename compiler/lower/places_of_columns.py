"""Kernels of argmax and argmin that keep the last axis: rows of the best so far and of their places, columns in lanes.

    for each block of columns, in parallel:
        best[j], place[j] = -inf, 0
        for k in 0 .. n:
            for j in the block:                                      (lanes)
                if x[k, j] > best[j]: best[j], place[j] = x[k, j], k

Rows are read in order, as they lie; both rows of a block stay in the first cache.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import At, Expr, Lit, Load, Prim, ToDtype
from graphad.compiler.lower.accumulate import axes_of, behind, combine, first_better, groups_of, monoid_of
from graphad.compiler.lower.blocks import FEW, count_of, side_of
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.loops import extent, index_of
from graphad.compiler.lower.maps import Stores, store_all
from graphad.compiler.lower.places import BETTER
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

_MOST: Final = 1 << 31  # places that int32 has, which stand beside float32 in vectors of one width

Group = tuple[int, ...]


def lower_places_of_columns(
    context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores
) -> Launch | None:
    """Reductions of one operand, argmax or argmin among them, that keep its last axis; None for all others."""
    operand, axes = anchors[0].operands[0], axes_of(anchors[0])
    shape = operand.type.shape
    groups = groups_of(behind(nodes, anchors), shape, axes)
    if operand.type.dtype == "bool" or not all(monoid_of(a).name in BETTER for a in anchors):
        return None
    if groups[-1][0] in axes or not all(isinstance(d, int) for d in shape[1:]):
        return None
    width = extent(groups[-1], shape)
    if not isinstance(width, int) or width < FEW:
        return None
    builder, puller = context.builder("reduce", nodes)
    _Columns(context, builder, puller, anchors, groups, width).write(stores)
    return builder.launch(tuple(nodes))


@dataclass(frozen=True)
class _Best:
    """A reduction's rows: of its values, and of their places."""

    anchor: Node
    values: Storage
    places: Storage | None


@dataclass(frozen=True)
class _Columns:
    context: Context
    builder: Builder
    puller: Puller
    anchors: Sequence[Node]
    groups: Sequence[Group]
    width: int

    @property
    def operand(self) -> Node:
        return self.anchors[0].operands[0]

    @property
    def shape(self) -> tuple[Dim, ...]:
        return self.operand.type.shape

    def write(self, stores: Stores) -> None:
        builder, axes = self.builder, axes_of(self.anchors[0])
        outer = [g for g in self.groups[:-1] if g[0] not in axes]
        extents = [extent(g, self.shape) for g in outer]
        side = side_of(self.width, product(extents))
        extents.append(-(-self.width // side))
        bests = [self._rows(a, side) for a in self.anchors]
        with ExitStack() as stack:
            if product(extents) == 1:
                stack.enter_context(builder.once())
            number = stack.enter_context(builder.loop(product(extents), "parallel"))
            *at, block = builder.places(number, extents)
            first, known = block * side, dict(zip(outer, at, strict=True))
            count = count_of(builder, first, side, self.width)
            self._clear(bests, count)
            self._search(bests, known, first, count)
            self._finish(bests, known, first, count, stores)

    def _rows(self, anchor: Node, side: int) -> _Best:
        values = self.context.local(self.operand.type.dtype, side, per_part=True)
        if not monoid_of(anchor).is_arg:
            return _Best(anchor, values, None)
        count = product(self.shape[a] for a in axes_of(anchor))
        narrow = ITEMSIZE[values.dtype] == ITEMSIZE["int32"] and isinstance(count, int) and count < _MOST
        return _Best(anchor, values, self.context.local("int32" if narrow else "int64", side, per_part=True))

    def _clear(self, bests: Sequence[_Best], count: Dim) -> None:
        with self.builder.loop(count, "vector", stem="z") as q:
            for best in bests:
                dtype = best.values.dtype
                self.builder.store(best.values, q, Lit(monoid_of(best.anchor).identity(dtype), dtype))
                if best.places is not None:
                    self.builder.store(best.places, q, Lit(0, best.places.dtype))

    def _search(self, bests: Sequence[_Best], known: dict[Group, Dim], first: Dim, count: Dim) -> None:
        """Row after row of the operand."""
        builder, axes = self.builder, axes_of(self.anchors[0])
        with ExitStack() as stack:
            found = dict(known)
            for group in self.groups:
                if group[0] in axes:
                    found[group] = stack.enter_context(builder.loop(extent(group, self.shape), stem="k"))
            reduced = [g for g in self.groups if g[0] in axes]
            place = flat([found[g] for g in reduced], tuple(extent(g, self.shape) for g in reduced))
            dtypes = dict.fromkeys(b.places.dtype for b in bests if b.places is not None)
            rows = {d: builder.let("row", At(place) if d == "int64" else ToDtype(At(place), d)) for d in dtypes}
            found[self.groups[-1]] = first + (q := stack.enter_context(builder.loop(count, "vector", stem="q")))
            index = index_of(self.groups, [found[g] for g in self.groups], self.shape, builder.extents)
            value = builder.let("v", self.puller.value(self.operand, index))
            for best in bests:
                self._take(best, q, value, rows)

    def _take(self, best: _Best, q: Dim, value: Expr, rows: Mapping[str, Expr]) -> None:
        """One more value of a column."""
        builder, monoid, dtype = self.builder, monoid_of(best.anchor), best.values.dtype
        old = builder.let("v", Load(builder.buffer(best.values), q, dtype))
        if best.places is None:
            builder.store(best.values, q, combine(monoid, old, value))
            return
        place = builder.let("v", Load(builder.buffer(best.places), q, best.places.dtype))
        wins = builder.let("g", first_better(monoid, value, old))
        builder.store(best.values, q, Prim("select", (wins, value, old), dtype))
        row = rows[best.places.dtype]
        builder.store(best.places, q, Prim("select", (wins, row, place), best.places.dtype))

    def _finish(self, bests: Sequence[_Best], known: dict[Group, Dim], first: Dim, count: Dim, stores: Stores) -> None:
        """The maps that follow, in each column."""
        builder, axes = self.builder, axes_of(self.anchors[0])
        kept = [g for g in self.groups if g[0] not in axes]
        with builder.loop(count, "vector", stem="q") as q:
            for best in bests:
                storage = best.places or best.values
                value: Expr = Load(builder.buffer(storage), q, storage.dtype)
                wide = ToDtype(value, "int64") if storage.dtype == "int32" and best.places is not None else value
                self.puller.substituted[best.anchor] = builder.let("v", wide)
            found = {**known, self.groups[-1]: first + q}
            index = index_of(kept, [found[g] for g in kept], self.shape, builder.extents)
            store_all(builder, self.puller, stores, index)
