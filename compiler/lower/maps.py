"""Kernels of maps and views: one loop nest over the result's shape, any number of stores."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TypeAlias

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, symbol
from graphad.compiler.ir.types import Shape
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import Expr
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.loops import collapse, extent, index_of
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

Stores: TypeAlias = Sequence[tuple[Node, Storage]]


def lower_map(builder: Builder, puller: Puller, nodes: Sequence[Node], stores: Stores) -> Launch:
    """All stores have one shape. The outermost loop with more than one iteration is shared among threads."""
    shape = stores[0][0].type.shape
    groups = collapse(nodes, shape)
    arguments: dict[str, Dim] = {}
    with ExitStack() as stack:
        variables = open_loops(builder, stack, [extent(g, shape) for g in groups], arguments)
        store_all(builder, puller, stores, index_of(groups, variables, shape, builder.extents))
    launch = builder.launch(tuple(nodes))
    launch.arguments = arguments
    return launch


def open_loops(
    builder: Builder, stack: ExitStack, extents: Sequence[Dim], arguments: dict[str, Dim] | None = None
) -> list[Dim]:
    """Nested loops, the first of them parallel. A single flat loop takes its extent as an argument, so that kernels
    that differ in size alone are one kernel."""
    if arguments is not None and len(extents) == 1 and extents[0] != 1:
        arguments["n"] = extents[0]
        extents = [symbol("n")]
        builder.kernel.scalars.append("n")
    variables: list[Dim] = []
    shared = False
    for i, e in enumerate(extents):
        mark = "serial" if shared or e == 1 else "parallel"
        shared = shared or e != 1
        if i == len(extents) - 1 and mark == "serial":
            mark = "vector"
        variables.append(stack.enter_context(builder.loop(e, mark)))  # type: ignore[arg-type]
    builder.kernel.parallel = shared
    return variables


def store_all(builder: Builder, puller: Puller, stores: Stores, index: tuple[Dim, ...]) -> None:
    """Every store's value at ``index``. Values are all computed before the first is stored: an update in place reads
    what it overwrites."""
    values: list[Expr] = [builder.let("w", puller.value(node, index)) for node, _ in stores]
    for (node, storage), value in zip(stores, values, strict=True):
        builder.store(storage, flat(index, node.type.shape), value)


def symbols_in(dims: Sequence[Dim]) -> set[str]:
    """The named sizes that appear."""
    return set().union(*(d.names() for d in dims if isinstance(d, Size))) if dims else set()


Epilogue: TypeAlias = Callable[[tuple[Dim, ...], Expr], None]


def shape_of(stores: Stores) -> Shape:
    """The one shape of the stores."""
    return stores[0][0].type.shape
