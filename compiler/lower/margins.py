"""Loops cut where a view's guard changes: the middle of a padded axis without a mask, its margins apart.

    for i in 0 .. 58:                                  for i in 0 .. 1:    y[i] = 0
        y[i] = x[i - 1] if 1 <= i <= 56 else 0   ->    for i in 0 .. 56:   y[i + 1] = x[i]
                                                       for i in 0 .. 1:    y[i + 57] = 0

Axis by axis, from the outermost: in a margin a view is its fill value, and the axes inside are no longer cut for it.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.compiler.loops.ir import Mark
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.loops import extent

MOST: Final = 16
"""Copies of the body that loops cut may come to: padding along three axes has seven, of two operands by one and by two
along two axes 13. Beyond, the code grows faster than masks cost."""

Range: TypeAlias = tuple[int, int]
Inside: TypeAlias = dict[int, Range]
"""Where a view reads its operand, by axes of the loops: from, up to."""


@dataclass(frozen=True)
class Cut:
    """Iterations ``start`` to ``start + length`` of a loop, and the views that read their operands there."""

    start: int
    length: Dim
    reading: tuple[int, ...]


class Margins:
    """How the loops over ``space`` are cut, a loop for each of ``groups``; ``views`` has where each view reads."""

    def __init__(self, nodes: Sequence[Node], space: Shape, groups: Sequence[tuple[int, ...]]) -> None:
        self.space, self.groups = space, groups
        found = (_inside(n.kind.map, n.operands[0].type.shape, space) for n in nodes if isinstance(n.kind, View))
        self.views = [f for f in found if f]

    @property
    def worthwhile(self) -> bool:
        return bool(self.views) and self._leaves(0, tuple(range(len(self.views)))) <= MOST

    def cuts(self, level: int, reading: tuple[int, ...]) -> list[Cut]:
        """The pieces of a loop, of which the views ``reading`` ask for some."""
        (axis, *others), extent = self.groups[level], self._extent(level)
        ranges = {v: self.views[v][axis] for v in reading if axis in self.views[v]}
        if others or not ranges or not isinstance(extent, int):
            return [Cut(0, extent, reading)]
        ends = sorted({0, extent, *(end for r in ranges.values() for end in r)})
        return [
            Cut(low, high - low, tuple(v for v in reading if v not in ranges or _holds(ranges[v], low)))
            for low, high in pairwise(ends)
        ]

    def _extent(self, level: int) -> Dim:
        return extent(self.groups[level], self.space)

    def _leaves(self, level: int, reading: tuple[int, ...]) -> int:
        if level == len(self.groups):
            return 1
        total = 0
        for cut in self.cuts(level, reading):
            total += self._leaves(level + 1, cut.reading)
            if total > MOST:
                break
        return total

    def walk(self, builder: Builder) -> Iterator[list[Dim]]:
        """Opens the loops of each piece in turn, and hands over their variables."""
        yield from self._walk(builder, 0, tuple(range(len(self.views))), [], shared=False)

    def _walk(
        self, builder: Builder, level: int, reading: tuple[int, ...], at: list[Dim], shared: bool
    ) -> Iterator[list[Dim]]:
        if level == len(self.groups):
            yield at
            return
        last = level == len(self.groups) - 1
        whole = self._extent(level) == 1
        for cut in self.cuts(level, reading):
            with _piece(builder, cut.length, last, shared or whole) as i:
                yield from self._walk(builder, level + 1, cut.reading, [*at, cut.start + i], shared or not whole)


@contextmanager
def _piece(builder: Builder, length: Dim, last: bool, inside: bool) -> Iterator[Dim]:
    """A loop over a piece: shared among threads if none around it is."""
    with ExitStack() as stack:
        if length == 1 and not inside:
            stack.enter_context(builder.once())
        mark: Mark = "parallel" if not inside else "vector" if last else "serial"
        yield stack.enter_context(builder.loop(length, mark))


def _holds(inside: Range, at: int) -> bool:
    return inside[0] <= at < inside[1]


def _inside(found: object, operand: Shape, space: Shape) -> Inside:
    """The axes of the loops along which a view has margins, with what lies between them."""
    if not isinstance(found, Affine) or found.shape != space:
        return {}
    ranges: Inside = {}
    for axis, size in zip(found.axes, operand, strict=True):
        between = _between(axis, size, space)
        if between is None:
            continue
        j, low, high = between
        before = ranges.get(j, (0, high))
        ranges[j] = max(low, before[0]), max(min(high, before[1]), max(low, before[0]))
    return ranges


def _between(axis: AxisMap, extent: Dim, space: Shape) -> tuple[int, int, int] | None:
    """The axis of the loops, and from where to where the operand is read."""
    if not axis.guarded or axis.divisor != 1 or len(axis.terms) != 1:
        return None
    ((j, c),), count = axis.terms, space[axis.terms[0][0]]
    if not isinstance(axis.offset, int) or not isinstance(extent, int) or not isinstance(count, int):
        return None
    first, last = (-axis.offset, extent - 1 - axis.offset) if c > 0 else (axis.offset - extent + 1, axis.offset)
    low = min(max(-(-first // abs(c)), 0), count)
    return j, low, max(min(last // abs(c) + 1, count), low)
