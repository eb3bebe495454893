"""Kernels of scans: a running value along one axis."""

from collections.abc import Sequence
from contextlib import ExitStack

from graphad.compiler.ir.kinds import Scan
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.ir import Lit
from graphad.compiler.lower.accumulate import combine
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.maps import Stores, open_loops, store_all


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
