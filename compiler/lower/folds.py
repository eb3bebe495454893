"""Kernels of folds and scatters: zeros, then every value added where it belongs, in a fixed order."""

from collections.abc import Sequence
from contextlib import ExitStack

from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.kinds import Fold, Scatter
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine
from graphad.compiler.loops.index import bounds, flat, split
from graphad.compiler.loops.ir import At, Expr, Fail, Lit, Load, Mark, Prim, ToDtype
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.maps import Stores, open_loops, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.ranges import in_range
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import LINE


def passive(found: Affine, shape: Shape) -> int:
    """How many leading axes of the result the fold leaves alone: one block for each index along them."""
    for a, axis in enumerate(found.axes):
        alone = sum(1 for other in found.axes for j, _ in other.terms if j == a) == 1
        if a >= len(found.shape) or not axis.is_identity(a) or not alone or found.shape[a] != shape[a]:
            return a
    return len(shape)


class Block:
    """The part of a fold's result for one index along the passive axes: the store itself, or a thread's own copy."""

    def __init__(self, context: Context, builder: Builder, anchor: Node, stores: Stores, lead: int) -> None:
        self.builder, self.anchor, self.lead = builder, anchor, lead
        self.shape = anchor.type.shape[lead:]
        self.size = product(self.shape)
        self.direct = stores[0][0] is anchor and len(stores) == 1
        dtype = anchor.type.dtype
        self.storage: Storage = stores[0][1] if self.direct else context.local(dtype, self.size, per_part=lead > 0)

    def place(self, outer: Sequence[Dim], inner: Dim) -> Dim:
        """Where element ``inner`` of the block lies."""
        return flat(outer, self.anchor.type.shape[: self.lead]) * self.size + inner if self.direct else inner

    def clear(self, outer: Sequence[Dim]) -> None:
        with self.builder.loop(self.size, "vector", stem="z") as q:
            self.builder.store(self.storage, self.place(outer, q), Lit(0, self.storage.dtype))

    def add(self, outer: Sequence[Dim], inner: Dim, value: Expr) -> None:
        place = self.place(outer, inner)
        old = Load(self.builder.buffer(self.storage), place, self.storage.dtype)
        self.builder.store(self.storage, place, Prim("add", (old, value), self.storage.dtype))

    def finish(self, puller: Puller, outer: Sequence[Dim], stores: Stores) -> None:
        """The epilogue over the block."""
        if self.direct:
            return
        with self.builder.loop(self.size, "vector", stem="z") as q:
            load = Load(self.builder.buffer(self.storage), q, self.storage.dtype)
            puller.substituted[self.anchor] = self.builder.let("v", load)
            store_all(self.builder, puller, stores, (*outer, *split(q, self.shape, self.builder.extents)))


def covers(found: Affine, shape: Shape) -> bool:
    """Whether every element of the result is read exactly once: windows side by side that leave nothing over."""
    used = [j for axis in found.axes for j, _ in axis.terms]
    if sorted(used) != list(range(len(found.shape))) or any(a.divisor != 1 or a.offset != 0 for a in found.axes):
        return False
    for axis, extent in zip(found.axes, shape, strict=True):
        step: Dim = 1
        for j, c in sorted(axis.terms, key=lambda t: t[1]):
            if c != step:
                return False
            step = step * found.shape[j]
        if step != extent:
            return False
    return True


def _lower_cover(context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> Launch:
    """out[map(i)] = value(i), where nothing meets."""
    kind = anchor.kind
    assert isinstance(kind, Fold)
    builder, puller = context.builder("fold", nodes)
    with ExitStack() as stack:
        index = open_loops(builder, stack, list(kind.map.shape))
        puller.substituted[anchor] = builder.let("v", puller.value(anchor.operands[0], tuple(index)))
        place: list[Dim] = [sum((c * index[j] for j, c in axis.terms), start=0) for axis in kind.map.axes]
        store_all(builder, puller, stores, tuple(place))
    return builder.launch(tuple(nodes))


def lower_fold(context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> Launch:
    """out[map(i)] += value(i), block by block along the passive axes."""
    kind = anchor.kind
    assert isinstance(kind, Fold)
    if covers(kind.map, kind.shape):
        return _lower_cover(context, nodes, anchor, stores)
    builder, puller = context.builder("fold", nodes)
    lead = passive(kind.map, kind.shape)
    block = Block(context, builder, anchor, stores, lead)
    with ExitStack() as stack:
        outer = open_loops(builder, stack, list(kind.shape[:lead]))
        block.clear(outer)
        with ExitStack() as inner:
            index: list[Dim] = list(outer)
            for d in kind.map.shape[lead:]:
                index.append(inner.enter_context(builder.loop(d, stem="k")))
            value = puller.value(anchor.operands[0], tuple(index))
            add_folded(builder, inner, block, kind, lead, index, value)
        block.finish(puller, outer, stores)
    builder.kernel.parallel = builder.kernel.parallel and lead > 0
    return builder.launch(tuple(nodes))


def add_folded(
    builder: Builder, stack: ExitStack, block: Block, kind: Fold, lead: int, index: Sequence[Dim], value: Expr
) -> None:
    """One element of the folded tensor, added where it belongs; dropped where the view read its fill value."""
    place: list[Dim] = []
    for axis, extent in zip(kind.map.axes[lead:], kind.shape[lead:], strict=True):
        at: Dim = axis.offset
        for j, c in axis.terms:
            at = at + c * index[j]
        low, high = bounds(at, builder.extents)
        top = (extent - 1) * axis.divisor
        if axis.guarded and (low is None or low < 0):
            stack.enter_context(builder.when(Prim("ge", (At(at), Lit(0, "int64")), "bool")))
        if axis.guarded and (high is None or not isinstance(top, int) or high > top):
            stack.enter_context(builder.when(Prim("le", (At(at), At(top)), "bool")))
        if axis.divisor != 1:
            rest = Prim("mod", (At(at), Lit(axis.divisor, "int64")), "int64")
            stack.enter_context(builder.when(Prim("eq", (rest, Lit(0, "int64")), "bool")))
            at = at // axis.divisor
        place.append(at)
    block.add(index[:lead], flat(place, block.shape), value)


def lower_scatter(context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> Launch:
    """out[.., index, ..] += values; the axes before are passive.

    Where there are none, threads share the columns, in whole lines: each reads all indices, in order. Of rows that have
    one line, one thread adds all.
    """
    kind = anchor.kind
    assert isinstance(kind, Scatter)
    builder, puller = context.builder("scatter", nodes)
    places, values = anchor.operands
    rank, axis = places.type.ndim, kind.axis
    block = Block(context, builder, anchor, stores, axis)
    tail = values.type.shape[axis + rank :]
    width = product(tail)
    shared = axis == 0 and width != 1 and block.direct
    grain = LINE // ITEMSIZE[block.storage.dtype]
    shared = shared and not (isinstance(width, int) and width < 2 * grain)
    with ExitStack() as stack:
        outer = open_loops(builder, stack, list(anchor.type.shape[:axis])) if axis else []
        mark: Mark = "parallel" if shared else "vector"
        with builder.loop(kind.size, stem="z") as row, builder.loop(width, mark, stem="q", grain=grain) as q:
            builder.store(block.storage, block.place(outer, row * width + q), Lit(0, block.storage.dtype))
        with ExitStack() as inner:
            index = [inner.enter_context(builder.loop(d, stem="k")) for d in places.type.shape]
            at = _checked(builder, puller, anchor, places, index, kind.size)
            q = inner.enter_context(builder.loop(width, mark, stem="q", grain=grain))
            rest = split(q, tail, builder.extents)
            value = puller.value(values, (*outer, *index, *rest))
            block.add(outer, at * width + q, value)
    builder.kernel.parallel = shared or (axis > 0 and builder.kernel.parallel)
    return builder.launch(tuple(nodes))


def _checked(builder: Builder, puller: Puller, anchor: Node, places: Node, index: Sequence[Dim], size: Dim) -> Dim:
    """The index's value, in range: else the run stops."""
    found = puller.value(places, tuple(index))
    at = builder.let("at", found if found.dtype == "int64" else ToDtype(found, "int64"))
    if in_range(places, size):
        return builder.index(at, size)
    bad = builder.let(
        "g",
        Prim("or", (Prim("lt", (at, Lit(0, "int64")), "bool"), Prim("ge", (at, At(size)), "bool")), "bool"),
    )
    if anchor not in puller.guards:
        puller.guards.append(anchor)
    with builder.when(bad):
        builder.emit(Fail(puller.guards.index(anchor) + 1, at))
    return builder.index(Prim("select", (bad, Lit(0, "int64"), at), "int64"), size)
