"""Reductions of small windows, pooling above all: neighbours along the last kept axis in the lanes of vectors.

    for n (parallel):
        for l in lanes(16):
            for c, for y:
                where l < 14:  out[n, c, y, l] = epilogue(max(x[.., 2*y, 2*l], .., x[.., 2*y+1, 2*l+1]))

The window is written out, so there is nothing to loop over; what lies between the windows' columns is loaded with them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import reduce
from itertools import product
from math import prod
from typing import Final

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, symbol
from graphad.compiler.ir.view import Affine
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.ir import At, Expr, For, If, Let, Load, Prim, Stmt, Store, ToDtype, Together
from graphad.compiler.lower.accumulate import axes_of, behind, combine, groups_of, monoid_of
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.loops import extent, index_of
from graphad.compiler.lower.maps import Stores, open_loops, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.rows import Group
from graphad.compiler.lower.target import target

MOST: Final = 16  # elements of a window that are written out
NEAR: Final = 4  # between lanes' elements: farther ones are gathered one by one, for which vectors do not pay
WIDE: Final = 32  # bytes of a vector from which on it pays at all
_MONOIDS: Final = frozenset(("sum", "max", "min"))


def lower_windows(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> Launch | None:
    """Reductions of one operand over the same axes, with their epilogue; None where lanes would not pay."""
    shape, axes = anchors[0].operands[0].type.shape, axes_of(anchors[0])
    groups = groups_of(behind(nodes, anchors), shape, axes)
    kept = [g for g in groups if g[0] not in axes]
    reduced = [g for g in groups if g[0] in axes]
    machine = target(context.options.isa)
    lanes = machine.lanes(anchors[0].type.dtype)
    sizes = [extent(g, shape) for g in reduced]
    if machine.vector_bytes < WIDE or not _fits(nodes, anchors) or len(kept) < 2 or not _few(sizes):
        return None
    width = extent(kept[-1], shape)
    if not isinstance(width, int) or width < lanes // 4:
        return None
    builder, puller = context.builder("windows", nodes)
    work = _Work(builder, puller, anchors, stores, (groups, kept, reduced))
    with ExitStack() as stack:
        (first,) = open_loops(builder, stack, [extent(kept[0], shape)])
        stack.enter_context(builder.together(LANE, lanes))
        inner = [stack.enter_context(builder.loop(extent(g, shape), stem="i")) for g in kept[1:-1]]
        work.columns([first, *inner], width, lanes)
    if any(stride > NEAR for stride in _strides(builder.kernel.body)):
        return None
    return builder.launch(tuple(nodes))


def _strides(block: Sequence[Stmt]) -> Iterator[int]:
    """From lane to lane, of all that is loaded."""
    stack: list[object] = list(block)
    while stack:
        match stack.pop():
            case Load(index=Size() as index):
                yield dict(index.terms).get((LANE,), 0)
            case Prim(args=inside) | For(body=inside) | Together(body=inside) | If(body=inside):
                stack += inside
            case Let(value=value) | Store(value=value) | ToDtype(arg=value):
                stack.append(value)
            case _:
                pass


def _fits(nodes: Sequence[Node], anchors: Sequence[Node]) -> bool:
    """Numbers of one kind, and nothing that lanes would have to be asked for one by one."""
    dtype = anchors[0].type.dtype
    return (
        dtype.startswith("float")
        and all(monoid_of(a).name in _MONOIDS for a in anchors)
        and all(n.type.dtype == dtype for n in nodes)
        and not any(_guarded(n.kind.map) for n in nodes if isinstance(n.kind, View))
    )


def _guarded(found: object) -> bool:
    return not isinstance(found, Affine) or any(axis.guarded for axis in found.axes)


def _few(sizes: Sequence[Dim]) -> bool:
    known = [d for d in sizes if isinstance(d, int)]
    return len(known) == len(sizes) > 0 and 1 < prod(known) <= MOST


class _Work:
    """One kernel's windows."""

    def __init__(
        self,
        builder: Builder,
        puller: Puller,
        anchors: Sequence[Node],
        stores: Stores,
        groups: tuple[Sequence[Group], Sequence[Group], Sequence[Group]],
    ) -> None:
        self.builder, self.puller, self.anchors, self.stores = builder, puller, anchors, stores
        self.groups, self.kept, self.reduced = groups
        self.operand = anchors[0].operands[0]
        self.shape = self.operand.type.shape

    def columns(self, outer: Sequence[Dim], width: int, lanes: int) -> None:
        """All vectors of a line of results; in the last not every lane may have one."""
        builder, whole = self.builder, width // lanes
        if whole:
            with builder.loop(whole, stem="q") as q:
                self._window([*outer, q * lanes + symbol(LANE)])
        if width % lanes:
            place = symbol(LANE) + whole * lanes
            with builder.when(Prim("lt", (At(place), At(width)), "bool")):
                self._window([*outer, place])

    def _window(self, kept: Sequence[Dim]) -> None:
        builder, shape, known = self.builder, self.shape, dict(zip(self.kept, kept, strict=True))
        elements: list[Expr] = []
        for place in product(*(range(extent(g, shape)) for g in self.reduced)):
            at = {**known, **dict(zip(self.reduced, place, strict=True))}
            index = index_of(self.groups, [at[g] for g in self.groups], shape, builder.extents)
            elements.append(builder.let("x", self.puller.value(self.operand, index)))
        for anchor in self.anchors:
            monoid = monoid_of(anchor)
            total = reduce(lambda a, b, m=monoid: builder.let("a", combine(m, a, b)), elements)  # type: ignore[misc]
            self.puller.substituted[anchor] = total
        store_all(builder, self.puller, self.stores, index_of(self.kept, kept, shape, builder.extents))
