"""Identities of joins: they say where an element goes, so all of them are exact."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final
from weakref import ref

from graphad.compiler.ir.kinds import Join, View
from graphad.compiler.ir.make import node, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import JOIN
from graphad.compiler.ir.size import Dim, divide
from graphad.compiler.ir.view import Affine, AxisMap

_LAST: Final[dict[str, tuple[ref[Node], tuple[Dim, ...]]]] = {}  # slices come one after the other, of one join


def join_of_few(x: Node) -> Node | None:
    """``join(x) -> x``; operands without elements add nothing: ``join(x, e: [0,4]) axis=0 -> x``."""
    assert isinstance(x.kind, Join)
    axis = x.kind.axis
    filled = tuple(o for o in x.operands if o.type.shape[axis] != 0) or x.operands[:1]
    if len(filled) == 1:
        return filled[0]
    return node(JOIN, x.kind, filled, x.site) if len(filled) < len(x.operands) else None


def slice_of_join(x: Node) -> Node | None:
    """``view(join(a, b) axis=0)[i0+4] -> view(b)[i0]``, where ``a`` has 4 elements and only those of ``b`` are read."""
    inner = x.operands[0]
    if not (isinstance(x.kind, View) and isinstance(x.kind.map, Affine) and isinstance(inner.kind, Join)):
        return None
    found, axis = x.kind.map, inner.kind.axis
    read = found.axes[axis]
    if read.guarded or 0 in found.shape:
        return None
    low, high = read.range(found.shape)
    starts = _starts(inner)
    place = _holder(starts, low, high)
    if place is None:
        return None
    shifted = AxisMap(read.offset - starts[place], read.terms)
    axes = tuple(shifted if i == axis else a for i, a in enumerate(found.axes))
    return viewed(inner.operands[place], Affine(found.shape, axes, found.fill), x.site)


def _starts(join: Node) -> tuple[Dim, ...]:
    """Where each operand begins along the axis, and where the last one ends."""
    if "starts" in _LAST:
        known, found = _LAST["starts"]
        if known() is join:
            return found
    assert isinstance(join.kind, Join)
    places: list[Dim] = [0]
    for x in join.operands:
        places.append(places[-1] + x.type.shape[join.kind.axis])
    _LAST["starts"] = (ref(join), tuple(places))
    return tuple(places)


def _holder(starts: Sequence[Dim], low: Dim, high: Dim) -> int | None:
    """The operand in which both ``low`` and ``high`` are known to lie."""
    if all(isinstance(d, int) for d in (low, high, starts[-1])):
        place = bisect_right(starts, low, hi=len(starts) - 1) - 1
        return place if _reaches(starts[place + 1] - 1, high) else None
    for place, (start, stop) in enumerate(pairwise(starts)):
        if _reaches(low, start) and _reaches(stop - 1, high):
            return place
    return None


def _reaches(d: Dim, least: Dim) -> bool:
    over = d - least
    return isinstance(over, int) and over >= 0


def join_of_slices(x: Node) -> Node | None:
    """``join(view(x)[i0], view(x)[i0+4]) axis=0 -> view(x)[i0]``: slices that follow each other are one slice."""
    assert isinstance(x.kind, Join)
    base = x.operands[0].operands[0] if x.operands[0].operands else None
    maps: list[Affine] = []
    for o in x.operands:
        kind = o.kind
        if not (isinstance(kind, View) and isinstance(kind.map, Affine) and o.operands[0] is base):
            return None
        if kind.map.guarded:
            return None
        maps.append(kind.map)
    whole = _whole(maps, x.kind.axis, x)
    return None if whole is None or base is None else viewed(base, whole, x.site)


def _whole(maps: Sequence[Affine], axis: int, x: Node) -> Affine | None:
    """One map that reads what all of them read, one after the other along ``axis``."""
    first, second = maps[0], maps[1]
    moved = [a for a, (m, n) in enumerate(zip(first.axes, second.axes, strict=True)) if m.offset != n.offset]
    if len(moved) != 1:
        return None
    (a,) = moved
    step = divide(second.axes[a].offset - first.axes[a].offset, first.shape[axis])
    if not isinstance(step, int):
        return None
    rest = tuple(t for t in first.axes[a].terms if t[0] != axis)
    joined = AxisMap(first.axes[a].offset, tuple(sorted((*rest, (axis, step)))))
    start: Dim = 0
    for found in maps:
        for b, read in enumerate(found.axes):
            wanted = first.axes[b] if b != a else AxisMap(joined.offset + step * start, joined.terms)
            if not _same(read, wanted, axis, found.shape[axis], moving=b == a):
                return None
        start = start + found.shape[axis]
    return Affine(x.type.shape, tuple(joined if b == a else m for b, m in enumerate(first.axes)))


def _same(read: AxisMap, wanted: AxisMap, axis: int, extent: Dim, moving: bool) -> bool:
    """Equal maps; where the axis has one element, its term does not count, and only the moving one may follow it."""
    if not moving and any(j == axis for j, _ in (*read.terms, *wanted.terms)):
        return False
    if moving and extent == 1:
        return read.offset == wanted.offset and _without(read, axis) == _without(wanted, axis)
    return read.offset == wanted.offset and read.terms == wanted.terms


def _without(read: AxisMap, axis: int) -> tuple[tuple[int, int], ...]:
    return tuple(t for t in read.terms if t[0] != axis)
