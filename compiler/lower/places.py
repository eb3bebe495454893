"""Kernels of argmax and argmin: where the best is, by blocks.

The best of a block is found in vectors, and in the block that has the best of all its place, in vectors again: the
least of the places of what equals it.

    best, block = -inf, 0
    for b in 0 .. count by BLOCK:
        m = max(x[b ..])                                          (lanes)
        if m > best: best, block = m, b
    place = block + min(k if x[block + k] == best else BLOCK - 1) (lanes)

The first NaN is the best there is: m is NaN then, and so is what is looked for.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.kinds import Monoid
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.ir import At, Expr, Lit, Load, Prim, Ref, ToDtype
from graphad.compiler.lower.accumulate import (
    CHUNKS,
    Accumulator,
    axes_of,
    behind,
    combine,
    first_better,
    groups_of,
    monoid_of,
)
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.loops import extent, index_of
from graphad.compiler.lower.maps import Stores, open_loops, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

BLOCK: Final = 2048
"""Elements of a block. Places in it are exact as float32, and what is kept of it stays in the first cache. Of 10^6
float32, 512 take 82 us, 1024 take 72 us, 2048 take 63 us (Zen, AVX-512)."""
ROW_BLOCK: Final = 512
"""Where there are many rows, each with a block that is gone through twice: 4096 rows of 4096 take 2.6 ms, with 1024
elements 2.9 ms, with 2048 3.7 ms."""
BETTER: Final = {"max": "max", "min": "min", "argmax": "max", "argmin": "min"}  # what each looks for
_SHORT: Final = 64  # elements of which the best is as soon found one by one
_SMALL: Final = 65536  # elements that one thread looks through sooner than several agree


def lower_places(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> list[Launch]:
    """Reductions of one operand over its last axes, argmax or argmin among them; none if they do not go this way."""
    nest = _nest(nodes, anchors)
    if nest is None:
        return []
    total = anchors[0].operands[0].type.size
    if nest.kept or (isinstance(total, int) and total <= _SMALL):
        return [_rows(context, nest, stores)]
    bests = [context.local(anchors[0].operands[0].type.dtype, CHUNKS) for _ in anchors]
    places = [context.local("int64", CHUNKS) for _ in anchors]
    return [_partial(context, nest, bests, places), _combined(context, nest, stores, bests, places)]


@dataclass(frozen=True)
class _Nest:
    """The axes of the loops: ``kept`` groups outside, one ``reduced`` group inside."""

    nodes: Sequence[Node]
    anchors: Sequence[Node]
    kept: list[tuple[int, ...]]
    reduced: tuple[int, ...]

    @property
    def operand(self) -> Node:
        return self.anchors[0].operands[0]

    @property
    def block(self) -> int:
        """Elements of a block."""
        return ROW_BLOCK if self.kept else BLOCK

    @property
    def count(self) -> Dim:
        return extent(self.reduced, self.operand.type.shape)


def _nest(nodes: Sequence[Node], anchors: Sequence[Node]) -> _Nest | None:
    shape, axes = anchors[0].operands[0].type.shape, axes_of(anchors[0])
    groups = groups_of(behind(nodes, anchors), shape, axes)
    if not all(monoid_of(a).name in BETTER for a in anchors) or not groups or groups[-1] != axes:
        return None
    count = extent(axes, shape)
    if isinstance(count, int) and count < _SHORT:
        return None
    return _Nest(nodes, anchors, groups[:-1], axes)


def _rows(context: Context, nest: _Nest, stores: Stores) -> Launch:
    """One search for each index of the kept axes."""
    builder, puller = context.builder("reduce", nest.nodes)
    shape = nest.operand.type.shape
    with ExitStack() as stack:
        variables = open_loops(builder, stack, [extent(g, shape) for g in nest.kept])
        found = _search(context, builder, puller, nest, variables, 0, nest.count)
        puller.substituted.update((a, f.result) for a, f in zip(nest.anchors, found, strict=True))
        place = index_of(nest.kept, variables, shape, builder.extents)
        store_all(builder, puller, stores, place if nest.kept else ())
    return builder.launch(tuple(nest.nodes))


def _partial(context: Context, nest: _Nest, bests: Sequence[Storage], places: Sequence[Storage]) -> Launch:
    """The best of each chunk, and its place."""
    builder, puller = context.builder("partial", nest.nodes)
    with builder.loop(CHUNKS, "parallel", stem="c") as chunk:
        low, high = ((nest.count * (chunk + i)) // CHUNKS for i in (0, 1))
        found = _search(context, builder, puller, nest, [], low, high)
        for one, best, place in zip(found, bests, places, strict=True):
            builder.store(best, chunk, one.value)
            if one.place is not None:
                builder.store(place, chunk, one.place)
    return builder.launch(tuple(behind(nest.nodes, nest.anchors)))


def _combined(
    context: Context, nest: _Nest, stores: Stores, bests: Sequence[Storage], places: Sequence[Storage]
) -> Launch:
    """The first best of the chunks."""
    builder, puller = context.builder("combine", nest.nodes)
    found = [Accumulator(builder, a) for a in nest.anchors]
    with builder.loop(CHUNKS, stem="c") as chunk:
        for one, best, place in zip(found, bests, places, strict=True):
            value = builder.let("v", Load(builder.buffer(best), chunk, best.dtype))
            if one.place is None:
                builder.assign(one.value, combine(one.monoid, one.value, value))
                continue
            with builder.when(first_better(one.monoid, value, one.value)):
                builder.assign(one.place, Load(builder.buffer(place), chunk, "int64"))
                builder.assign(one.value, value)
    puller.substituted.update((a, f.result) for a, f in zip(nest.anchors, found, strict=True))
    store_all(builder, puller, stores, ())
    builder.kernel.parallel = False
    return builder.launch(tuple(nest.nodes))


def _search(
    context: Context, builder: Builder, puller: Puller, nest: _Nest, at: Sequence[Dim], low: Dim, high: Dim
) -> list[Accumulator]:
    """Through ``low`` to ``high`` of the reduced axes, block by block."""
    found = [Accumulator(builder, a) for a in nest.anchors]
    elements = _Elements(context, builder, puller, nest, at)
    with builder.between(low, high, nest.count, nest.block, stem="b") as start:
        block = start, _end(builder, start, high, nest)
        for one, best in zip(found, elements.bests(*block), strict=True):
            if one.place is None:
                builder.assign(one.value, combine(one.monoid, one.value, best))
                continue
            with builder.when(first_better(one.monoid, best, one.value)):
                builder.assign(one.place, elements.place_of(best, *block) if elements.computed else At(start))
                builder.assign(one.value, best)
    for one in found:
        if one.place is not None and not elements.computed:
            start = builder.index(one.place, nest.count)
            place = elements.place_of(one.value, start, _end(builder, start, high, nest))
            builder.assign(one.place, place)
    return found


def _end(builder: Builder, start: Dim, high: Dim, nest: _Nest) -> Dim:
    return builder.least(start + nest.block, high, nest.count + 1)


class _Elements:
    """What is searched. What takes computing is kept for a block, whose places are looked for at once."""

    def __init__(self, context: Context, builder: Builder, puller: Puller, nest: _Nest, at: Sequence[Dim]) -> None:
        self.builder, self.puller, self.nest, self.at = builder, puller, nest, at
        self.dtype = nest.operand.type.dtype
        self.computed = bool(behind(nest.nodes, nest.anchors))
        self.kept = context.local(self.dtype, nest.block, per_part=True) if self.computed else None

    def bests(self, start: Dim, stop: Dim) -> list[Ref]:
        """The best of a block for each reduction; reductions of one kind share it."""
        names = [BETTER[monoid_of(a).name] for a in self.nest.anchors]
        found = {name: self._identity(name) for name in dict.fromkeys(names)}
        with self._loop(start, stop) as k:
            value = self.builder.let("v", self._value(k))
            if self.kept is not None:
                self.builder.store(self.kept, k - start, value)
            for name, best in found.items():
                self.builder.assign(best, combine(Monoid(name), best, value))
        return [found[name] for name in names]

    def place_of(self, best: Ref, start: Dim, stop: Dim) -> Expr:
        """Where the first of them is. Counted in floats beside floats, so that vectors are of one width."""
        dtype = self.dtype if is_float(self.dtype) else "int64"
        last = Lit(self.nest.block - 1, dtype)
        least = self.builder.let("acc", last, mutable=True)
        with self._loop(start, stop) as k:
            value = self.builder.let("v", self._again(k, start))
            here: Expr = Prim("eq", (value, best), "bool")
            if is_float(self.dtype):
                here = Prim("or", (here, Prim("isnan", (value,), "bool")), "bool")
            number = ToDtype(At(k - start), dtype) if dtype != "int64" else At(k - start)
            where = self.builder.let("v", Prim("select", (here, number, last), dtype))
            self.builder.assign(least, Prim("min", (least, where), dtype))
        inside = ToDtype(least, "int64") if dtype != "int64" else least
        return Prim("add", (At(start), inside), "int64")

    def _identity(self, name: str) -> Ref:
        return self.builder.let("acc", Lit(Monoid(name).identity(self.dtype), self.dtype), mutable=True)

    def _loop(self, start: Dim, stop: Dim) -> AbstractContextManager[Dim]:
        return self.builder.between(start, stop, self.nest.count, stem="k", mark="vector")

    def _value(self, k: Dim) -> Expr:
        groups, shape = [*self.nest.kept, self.nest.reduced], self.nest.operand.type.shape
        return self.puller.value(self.nest.operand, index_of(groups, [*self.at, k], shape, self.builder.extents))

    def _again(self, k: Dim, start: Dim) -> Expr:
        if self.kept is None:
            return self._value(k)
        return Load(self.builder.buffer(self.kept), k - start, self.dtype)
