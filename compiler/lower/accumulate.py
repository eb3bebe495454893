"""What every reduction does at an element: accumulators in scalars, and loops over the reduced axes."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Final

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.kinds import Monoid, Reduce
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import At, Expr, Lit, Mark, Prim, Ref
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.loops import collapse, extent, index_of
from graphad.compiler.lower.pull import Puller

CHUNKS: Final = 16  # parts of one long reduction or scan; fixed, so that results do not depend on the threads
BLOCK = 1024  # elements summed before their sum is added on: keeps the rounding error small
_COMBINE = {"sum": "add", "prod": "mul", "max": "max", "min": "min", "any": "or", "all": "and"}


def combine(monoid: Monoid, a: Expr, b: Expr) -> Expr:
    """One step of a fold."""
    return Prim(_COMBINE[monoid.name], (a, b), a.dtype)


def monoid_of(node: Node) -> Monoid:
    assert isinstance(node.kind, Reduce)
    return node.kind.monoid


def axes_of(node: Node) -> tuple[int, ...]:
    assert isinstance(node.kind, Reduce)
    return node.kind.axes


def behind(nodes: Sequence[Node], anchors: Sequence[Node]) -> list[Node]:
    """The nodes evaluated inside the reduction, as against its epilogue."""
    return within(nodes, [o for a in anchors for o in a.operands])


def within(nodes: Sequence[Node], roots: Sequence[Node]) -> list[Node]:
    """Those of ``nodes`` that the roots need, themselves included."""
    found: set[Node] = set()
    stack = list(roots)
    inside = set(nodes)
    while stack:
        node = stack.pop()
        if node in inside and node not in found:
            found.add(node)
            stack.extend(node.operands)
    return [n for n in nodes if n in found]


def groups_of(nodes: Sequence[Node], shape: Shape, axes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Collapsed axes, kept and reduced ones apart."""
    breaks = [i for i in range(1, len(shape)) if (i in axes) != (i - 1 in axes)]
    return collapse(nodes, shape, breaks)


def first_better(monoid: Monoid, value: Expr, best: Expr) -> Expr:
    """Whether argmax or argmin move on to ``value``; the first NaN is better than anything."""
    better = Prim("gt" if monoid.name == "argmax" else "lt", (value, best), "bool")
    if not is_float(value.dtype):
        return better
    known = Prim("not", (Prim("isnan", (best,), "bool"),), "bool")
    return Prim("or", (better, Prim("and", (Prim("isnan", (value,), "bool"), known), "bool")), "bool")


class Accumulator:
    """The running fold of one reduction: a scalar, and the place of the best one for argmax and argmin."""

    def __init__(self, builder: Builder, node: Node) -> None:
        self.builder = builder
        self.monoid = monoid_of(node)
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
        wins = self.builder.let("g", first_better(self.monoid, value, self.value))
        self.builder.assign(self.place, Prim("select", (wins, At(place), self.place), "int64"))
        self.builder.assign(self.value, Prim("select", (wins, value, self.value), value.dtype))


def fold(
    builder: Builder,
    puller: Puller,
    anchors: Sequence[Node],
    accumulators: Sequence[Accumulator],
    groups: Sequence[tuple[int, ...]],
    known: dict[tuple[int, ...], Dim],
    shape: Shape,
    part: tuple[Dim, Dim] | None = None,
) -> None:
    """Loops over the reduced groups. The innermost loop sums into accumulators of its own.

    Args:
        part: from where to where the outermost of these loops goes; None: through all of it.
    """
    reduced = [g for g in groups if g not in known]
    axes = axes_of(anchors[0])
    operand = anchors[0].operands[0]
    variables = dict(known)

    def element(into: Sequence[Accumulator]) -> None:
        index = index_of(groups, [variables[g] for g in groups], shape, builder.extents)
        value = puller.value(operand, index)
        place = flat([index[a] for a in axes], tuple(shape[a] for a in axes))
        for accumulator in into:
            accumulator.take(value, place)

    if not reduced:
        element(accumulators)
        return
    *outer, last = reduced
    with ExitStack() as stack:
        for group in outer:
            span = part if part and group is reduced[0] else None
            variables[group] = stack.enter_context(_through(builder, extent(group, shape), span))
        count, span = extent(last, shape), None if outer else part
        sums = all(a.monoid.name == "sum" and is_float(a.value.dtype) for a in accumulators)
        long = span is not None or not isinstance(count, int) or count > 2 * BLOCK
        if not sums or (not long and not outer):
            variables[last] = stack.enter_context(_through(builder, count, span, "vector"))
            element(accumulators)
            return
        # sums of sums: the inner ones are short, so that rounding errors stay near those of their own size
        if long:
            low, high = span or (0, count)
            start = stack.enter_context(builder.between(low, high, count, BLOCK, stem="b"))
            span = start, builder.least(start + BLOCK, high, count + 1)
        inner = [Accumulator(builder, a) for a in anchors]
        with _through(builder, count, span, "vector") as variables[last]:
            element(inner)
        for accumulator, more in zip(accumulators, inner, strict=True):
            builder.assign(accumulator.value, combine(accumulator.monoid, accumulator.value, more.value))


def _through(
    builder: Builder, count: Dim, span: tuple[Dim, Dim] | None, mark: Mark = "serial"
) -> AbstractContextManager[Dim]:
    """A loop over all of an extent, or over a part of it."""
    if span is None:
        return builder.loop(count, mark, stem="k")
    return builder.between(*span, count, stem="k", mark=mark)
