"""Kernels of reductions.

A reduction keeps its accumulators in scalars, one loop nest over the reduced axes inside one over the kept axes. Where
the operand's last axis is kept, the accumulators are a row of memory (``rows.py``). A reduction to one number is done
in a fixed number of chunks, whatever the thread count.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from graphad.compiler.ir.kinds import Reduce
from graphad.compiler.ir.node import Node
from graphad.compiler.loops.ir import Load
from graphad.compiler.lower.accumulate import CHUNKS, Accumulator, axes_of, behind, combine, fold, groups_of, monoid_of
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.loops import extent, index_of
from graphad.compiler.lower.maps import Stores, open_loops, store_all
from graphad.compiler.lower.places import lower_places
from graphad.compiler.lower.places_of_columns import lower_places_of_columns
from graphad.compiler.lower.rows import lower_rows
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.windows import lower_windows

_SMALL: Final = 4096  # elements that one thread reduces sooner than several agree


def lower_reduce(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> list[Launch]:
    """Reductions of one operand over the same axes, with their epilogue."""
    kind = anchors[0].kind
    assert isinstance(kind, Reduce)
    operand = anchors[0].operands[0]
    shape = operand.type.shape
    kept = [i for i in range(len(shape)) if i not in kind.axes]
    monoids = [monoid_of(a) for a in anchors]
    simple = not any(m.is_arg for m in monoids)
    if not kept and simple:
        return _chunked(context, nodes, anchors, stores)
    if kept and kept[-1] == len(shape) - 1 and simple and len(kind.axes) > 0 and shape[kept[-1]] != 1:
        return lower_rows(context, nodes, anchors, stores)
    if not simple and (places := lower_places(context, nodes, anchors, stores)):
        return places
    if not simple and (columns := lower_places_of_columns(context, nodes, anchors, stores)):
        return [columns]
    windows = lower_windows(context, nodes, anchors, stores)
    if windows is not None:
        return [windows]
    return [lower_in_scalars(context, nodes, anchors, stores)]


def lower_in_scalars(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> Launch:
    """Every accumulator a scalar, the loops over the reduced axes inside those over the kept ones."""
    builder, puller = context.builder("reduce", nodes)
    shape, axes = anchors[0].operands[0].type.shape, axes_of(anchors[0])
    groups = groups_of(behind(nodes, anchors), shape, axes)
    kept = [g for g in groups if g[0] not in axes]
    with ExitStack() as stack:
        variables = open_loops(builder, stack, [extent(g, shape) for g in kept])
        accumulators = [Accumulator(builder, a) for a in anchors]
        fold(builder, puller, anchors, accumulators, groups, dict(zip(kept, variables, strict=True)), shape)
        for anchor, accumulator in zip(anchors, accumulators, strict=True):
            puller.substituted[anchor] = accumulator.result
        out = anchors[0].type.shape
        place = index_of(kept, variables, shape, builder.extents)
        store_all(builder, puller, stores, place if out else ())
    builder.kernel.reassociate = True
    return builder.launch(tuple(nodes))


def _chunked(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> list[Launch]:
    """Everything reduced: each chunk of the outermost loop to a number of its own, then these in order."""
    shape, axes = anchors[0].operands[0].type.shape, axes_of(anchors[0])
    total = anchors[0].operands[0].type.size
    groups = groups_of(behind(nodes, anchors), shape, axes)
    if (isinstance(total, int) and total <= _SMALL) or not groups:
        return [lower_in_scalars(context, nodes, anchors, stores)]
    parts = [context.local(a.type.dtype, CHUNKS) for a in anchors]
    builder, puller = context.builder("partial", nodes)
    outer = extent(groups[0], shape)
    with builder.loop(CHUNKS, "parallel", stem="c") as chunk:
        accumulators = [Accumulator(builder, a) for a in anchors]
        low, high = ((outer * (chunk + i)) // CHUNKS for i in (0, 1))
        fold(builder, puller, anchors, accumulators, groups, {}, shape, (low, high))
        for accumulator, storage in zip(accumulators, parts, strict=True):
            builder.store(storage, chunk, accumulator.value)
    builder.kernel.reassociate = True
    first_launch = builder.launch(tuple(behind(nodes, anchors)))
    return [first_launch, _combine_chunks(context, nodes, anchors, stores, parts)]


def _combine_chunks(
    context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores, parts: Sequence[Storage]
) -> Launch:
    builder, puller = context.builder("combine", nodes)
    accumulators = [Accumulator(builder, a) for a in anchors]
    with builder.loop(CHUNKS, stem="c") as chunk:
        for accumulator, storage in zip(accumulators, parts, strict=True):
            value = Load(builder.buffer(storage), chunk, storage.dtype)
            builder.assign(accumulator.value, combine(accumulator.monoid, accumulator.value, value))
    for anchor, accumulator in zip(anchors, accumulators, strict=True):
        puller.substituted[anchor] = accumulator.value
    store_all(builder, puller, stores, ())
    builder.kernel.parallel = False
    return builder.launch(tuple(nodes))
