"""Kernels of reductions and scans.

A reduction keeps its accumulators in scalars, one loop nest over the reduced axes inside one over the kept axes. Where
the operand's last axis is kept, the accumulators are a row of memory and the last axis is the innermost loop, so that
loads stay contiguous. A reduction to a few numbers is done in a fixed number of chunks, whatever the thread count.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.kinds import Monoid, Reduce, Scan
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import At, Expr, Lit, Load, Prim, Ref
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.loops import collapse, extent, index_of
from graphad.compiler.lower.maps import Stores, open_loops, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

CHUNKS = 16  # parts of a reduction to few numbers; fixed, so that results do not depend on the threads
_BLOCK = 1024  # elements summed before their sum is added on: keeps the rounding error small
_COMBINE = {"sum": "add", "prod": "mul", "max": "max", "min": "min", "any": "or", "all": "and"}


def combine(monoid: Monoid, a: Expr, b: Expr) -> Expr:
    """One step of a fold."""
    return Prim(_COMBINE[monoid.name], (a, b), a.dtype)


def lower_reduce(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> list[Launch]:
    """Reductions of one operand over the same axes, with their epilogue."""
    kind = anchors[0].kind
    assert isinstance(kind, Reduce)
    operand = anchors[0].operands[0]
    shape = operand.type.shape
    kept = [i for i in range(len(shape)) if i not in kind.axes]
    monoids = [_monoid(a) for a in anchors]
    simple = not any(m.is_arg for m in monoids)
    if not kept and simple:
        return _chunked(context, nodes, anchors, stores)
    if kept and kept[-1] == len(shape) - 1 and simple and len(kind.axes) > 0 and shape[kept[-1]] != 1:
        return [_rows(context, nodes, anchors, stores)]
    return [_scalars(context, nodes, anchors, stores)]


def _monoid(node: Node) -> Monoid:
    assert isinstance(node.kind, Reduce)
    return node.kind.monoid


def _axes(node: Node) -> tuple[int, ...]:
    assert isinstance(node.kind, Reduce)
    return node.kind.axes


def _behind(nodes: Sequence[Node], anchors: Sequence[Node]) -> list[Node]:
    """The nodes evaluated inside the reduction, as against its epilogue."""
    found: set[Node] = set()
    stack = [o for a in anchors for o in a.operands]
    inside = set(nodes)
    while stack:
        node = stack.pop()
        if node in inside and node not in found:
            found.add(node)
            stack.extend(node.operands)
    return [n for n in nodes if n in found]


def _groups(nodes: Sequence[Node], shape: Shape, axes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Collapsed axes, kept and reduced ones apart."""
    breaks = [i for i in range(1, len(shape)) if (i in axes) != (i - 1 in axes)]
    return collapse(nodes, shape, breaks)


def _scalars(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> Launch:
    builder, puller = context.builder("reduce", nodes)
    shape, axes = anchors[0].operands[0].type.shape, _axes(anchors[0])
    groups = _groups(_behind(nodes, anchors), shape, axes)
    kept = [g for g in groups if g[0] not in axes]
    with ExitStack() as stack:
        variables = open_loops(builder, stack, [extent(g, shape) for g in kept])
        accumulators = [_Accumulator(builder, a) for a in anchors]
        _fold(builder, puller, anchors, accumulators, groups, dict(zip(kept, variables, strict=True)), shape)
        for anchor, accumulator in zip(anchors, accumulators, strict=True):
            puller.substituted[anchor] = accumulator.result
        out = anchors[0].type.shape
        place = index_of(kept, variables, shape, builder.extents)
        store_all(builder, puller, stores, place if out else ())
    builder.kernel.reassociate = True
    return builder.launch(tuple(nodes))


class _Accumulator:
    """The running fold of one reduction: a scalar, and the place of the best one for argmax and argmin."""

    def __init__(self, builder: Builder, node: Node) -> None:
        self.builder = builder
        self.monoid = _monoid(node)
        dtype = node.operands[0].type.dtype
        start = Lit(self.monoid.identity(dtype), dtype)
        self.value = builder.let("acc", start, mutable=True)
        self.place = builder.let("best", Lit(0, "int64"), mutable=True) if self.monoid.is_arg else None

    @property
    def result(self) -> Ref:
        return self.value if self.place is None else self.place

    def take(self, value: Expr, place: Dim) -> None:
        """One more element, at ``place`` in row-major order over the reduced axes."""
        if self.place is None:
            self.builder.assign(self.value, combine(self.monoid, self.value, value))
            return
        better = Prim("gt" if self.monoid.name == "argmax" else "lt", (value, self.value), "bool")
        condition: Expr = better
        if is_float(value.dtype):  # the first NaN wins
            first = Prim(
                "and",
                (Prim("isnan", (value,), "bool"), Prim("not", (Prim("isnan", (self.value,), "bool"),), "bool")),
                "bool",
            )
            condition = Prim("or", (better, first), "bool")
        wins = self.builder.let("g", condition)
        self.builder.assign(self.place, Prim("select", (wins, At(place), self.place), "int64"))
        self.builder.assign(self.value, Prim("select", (wins, value, self.value), value.dtype))


def _fold(
    builder: Builder, puller: Puller, anchors: Sequence[Node], accumulators: Sequence[_Accumulator],
    groups: Sequence[tuple[int, ...]], known: dict[tuple[int, ...], Dim], shape: Shape,
) -> None:
    """Loops over the reduced groups. The innermost loop sums into accumulators of its own."""
    reduced = [g for g in groups if g not in known]
    axes = _axes(anchors[0])
    operand = anchors[0].operands[0]

    def element(variables: dict[tuple[int, ...], Dim], into: Sequence[_Accumulator]) -> None:
        index = index_of(groups, [variables[g] for g in groups], shape, builder.extents)
        value = puller.value(operand, index)
        place = flat([index[a] for a in axes], tuple(shape[a] for a in axes))
        for accumulator in into:
            accumulator.take(value, place)

    with ExitStack() as stack:
        variables = dict(known)
        for group in reduced[:-1]:
            variables[group] = stack.enter_context(builder.loop(extent(group, shape), stem="k"))
        if not reduced:
            element(variables, accumulators)
            return
        last = reduced[-1]
        count = extent(last, shape)
        sums = all(a.monoid.name == "sum" and is_float(a.value.dtype) for a in accumulators)
        long = not isinstance(count, int) or count > 2 * _BLOCK
        if not sums or (not long and len(reduced) == 1):
            variables[last] = stack.enter_context(builder.loop(count, "vector", stem="k"))
            element(variables, accumulators)
            return
        # sums of sums: the inner ones are short, so that rounding errors stay near those of their own size
        if long:
            start = stack.enter_context(builder.between(0, count, count, _BLOCK, stem="b"))
            stop = builder.index(Prim("min", (At(start + _BLOCK), At(count)), "int64"), count + 1)
            inner = [_Accumulator(builder, a) for a in anchors]
            with builder.between(start, stop, count, stem="k") as variables[last]:
                element(variables, inner)
        else:
            inner = [_Accumulator(builder, a) for a in anchors]
            with builder.loop(count, "vector", stem="k") as variables[last]:
                element(variables, inner)
        for accumulator, part in zip(accumulators, inner, strict=True):
            builder.assign(accumulator.value, combine(accumulator.monoid, accumulator.value, part.value))


def _chunked(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> list[Launch]:
    """Everything reduced: each chunk of the outermost loop to a number of its own, then these in order."""
    shape, axes = anchors[0].operands[0].type.shape, _axes(anchors[0])
    total = anchors[0].operands[0].type.size
    groups = _groups(_behind(nodes, anchors), shape, axes)
    if (isinstance(total, int) and total <= _SMALL) or not groups:
        return [_scalars(context, nodes, anchors, stores)]
    parts = [context.local(a.type.dtype, CHUNKS) for a in anchors]
    builder, puller = context.builder("partial", nodes)
    outer = extent(groups[0], shape)
    with builder.loop(CHUNKS, "parallel", stem="c") as chunk:
        accumulators = [_Accumulator(builder, a) for a in anchors]
        low, high = ((outer * (chunk + i)) // CHUNKS for i in (0, 1))
        with builder.between(low, high, outer, stem="k") as first:
            inner = [_Accumulator(builder, a) for a in anchors] if len(groups) > 1 else accumulators
            _fold(builder, puller, anchors, inner, groups, {groups[0]: first}, shape)
            if len(groups) > 1:
                for accumulator, part in zip(accumulators, inner, strict=True):
                    builder.assign(accumulator.value, combine(accumulator.monoid, accumulator.value, part.value))
        for accumulator, storage in zip(accumulators, parts, strict=True):
            builder.store(storage, chunk, accumulator.value)
    builder.kernel.reassociate = True
    first_launch = builder.launch(tuple(_behind(nodes, anchors)))
    return [first_launch, _combine_chunks(context, nodes, anchors, stores, parts)]


_SMALL = 4096  # elements that one thread reduces sooner than several agree


def _combine_chunks(
    context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores, parts: Sequence[Storage]
) -> Launch:
    builder, puller = context.builder("combine", nodes)
    accumulators = [_Accumulator(builder, a) for a in anchors]
    with builder.loop(CHUNKS, stem="c") as chunk:
        for accumulator, storage in zip(accumulators, parts, strict=True):
            value = Load(builder.buffer(storage), chunk, storage.dtype)
            builder.assign(accumulator.value, combine(accumulator.monoid, accumulator.value, value))
    for anchor, accumulator in zip(anchors, accumulators, strict=True):
        puller.substituted[anchor] = accumulator.value
    store_all(builder, puller, stores, ())
    builder.kernel.parallel = False
    return builder.launch(tuple(nodes))


def _rows(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> Launch:
    """The last axis kept: accumulators are a row of memory, the last axis the innermost loop."""
    builder, puller = context.builder("reduce", nodes)
    operand, axes = anchors[0].operands[0], _axes(anchors[0])
    shape = operand.type.shape
    groups = _groups(_behind(nodes, anchors), shape, axes)
    kept = [g for g in groups if g[0] not in axes]
    last, width = kept[-1], extent(kept[-1], shape)
    alone = len(kept) == 1
    rows = [context.local(a.type.dtype, width, per_part=not alone) for a in anchors]
    mark = "parallel" if alone else "vector"
    with ExitStack() as stack:
        variables = open_loops(builder, stack, [extent(g, shape) for g in kept[:-1]])
        known = dict(zip(kept, variables, strict=False))
        monoids = [_monoid(a) for a in anchors]
        with builder.loop(width, mark) as j:
            for monoid, row in zip(monoids, rows, strict=True):
                builder.store(row, j, Lit(monoid.identity(row.dtype), row.dtype))
        with ExitStack() as inner:
            for group in groups:
                if group[0] in axes:
                    known[group] = inner.enter_context(builder.loop(extent(group, shape), stem="k"))
            with builder.loop(width, mark) as known[last]:
                value = puller.value(operand, index_of(groups, [known[g] for g in groups], shape, builder.extents))
                for monoid, row in zip(monoids, rows, strict=True):
                    old = Load(builder.buffer(row), known[last], row.dtype)
                    builder.store(row, known[last], combine(monoid, old, value))
        with builder.loop(width, mark) as j:
            for anchor, row in zip(anchors, rows, strict=True):
                puller.substituted[anchor] = builder.let("v", Load(builder.buffer(row), j, row.dtype))
            known[last] = j
            place = index_of(kept, [known[g] for g in kept], shape, builder.extents)
            store_all(builder, puller, stores, place)
    builder.kernel.parallel = True
    return builder.launch(tuple(nodes))


def lower_scan(context: Context, nodes: Sequence[Node], anchor: Node, stores: Stores) -> Launch:
    """The other axes outside, the scanned axis innermost with a running value."""
    kind = anchor.kind
    assert isinstance(kind, Scan)
    builder, puller = context.builder("scan", nodes)
    shape = anchor.type.shape
    dtype = anchor.type.dtype
    others = [i for i in range(len(shape)) if i != kind.axis]
    with ExitStack() as stack:
        variables = open_loops(builder, stack, [shape[i] for i in others])
        running = builder.let("acc", Lit(kind.monoid.identity(dtype), dtype), mutable=True)
        index: list[Dim] = [0] * len(shape)
        for i, variable in zip(others, variables, strict=True):
            index[i] = variable
        step = stack.enter_context(builder.loop(shape[kind.axis], stem="k"))
        index[kind.axis] = shape[kind.axis] - 1 - step if kind.reverse else step
        value = puller.value(anchor.operands[0], tuple(index))
        builder.assign(running, combine(kind.monoid, running, value))
        puller.substituted[anchor] = running
        store_all(builder, puller, stores, tuple(index))
    return builder.launch(tuple(nodes))
