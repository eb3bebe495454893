"""Sums of parts that lie side by side: what the gradient of slices is made of."""

from collections.abc import Sequence
from math import copysign
from typing import Final

from graphad.compiler.ir.kinds import Join, Map, View
from graphad.compiler.ir.make import beneath_views, full, mapped, node, uniform, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import JOIN, MapOp
from graphad.compiler.ir.scalar import Apply, Arg
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.view import Affine, AxisMap

_ADD: Final = Apply("add", (Arg(0), Arg(1)))
_MOST: Final = 512  # parts of a join that grows one by one


def sum_of_placed(x: Node) -> Node | None:
    """``view(a)[i0?] + view(b)[i0-2?] -> join(a + 0, b + 0)``, where they are padded with zeros around each other.

    Likewise ``join(a, 0, c) + view(b)[..?] -> join(a + 0, b + 0, c + 0)``, and parts at one place are added before they
    are padded. Each element is computed once, not at every place where it is not. ``+ 0`` because the sum adds it,
    which turns -0.0 into 0.0: so every bit is kept.
    """
    if not isinstance(x.kind, Map) or x.kind.scalar != _ADD:
        return None
    a, b = x.operands
    if isinstance(a.kind, Join) and _is_zero(b):
        return node(JOIN, a.kind, tuple(_plus_zero(p, x) for p in a.operands), x.site)
    for first, second in ((a, b), (b, a)):
        part = _placed(second)
        if part is None:
            continue
        axis, start, inner = part
        if _is_zero(first):
            return _padded(_plus_zero(inner, x), axis, start, x)
        if isinstance(first.kind, Join) and first.kind.axis == axis and len(first.operands) <= _MOST:
            pieces: Sequence[Node] = first.operands
        else:
            other = _placed(first)
            if other is None or other[0] != axis:
                continue
            if other[1] == start and other[2].type == inner.type:
                return _padded(mapped(_op(x), other[2], inner, site=x.site), axis, start, x)
            pieces = _around(other[2], axis, other[1], x)
        found = _with(pieces, axis, start, inner, x)
        if found is not None:
            return node(JOIN, Join(axis), tuple(found), x.site)
    return None


def join_of_placed(x: Node) -> Node | None:
    """``join(view(a)[i0-2?], b) -> join(0, a, b)``, the zeros around ``a`` parts of their own: nothing is compared."""
    assert isinstance(x.kind, Join)
    parts = [_placed(o) for o in x.operands]
    if all(p is None for p in parts):
        return None
    operands: list[Node] = []
    for o, p in zip(x.operands, parts, strict=True):
        if p is None:
            operands.append(o)
        else:
            axis, start, inner = p
            operands.append(node(JOIN, Join(axis), tuple(_around(inner, axis, start, o)), x.site))
    return node(JOIN, x.kind, tuple(operands), x.site)


def _op(x: Node) -> MapOp:
    assert isinstance(x.op, MapOp)
    return x.op


def _placed(x: Node) -> tuple[int, int, Node] | None:
    """Axis, start and part of what is zero but for a part: a view padded with zeros along axes of known sizes.

    With several such axes, the part is itself padded along all but the first.
    """
    if not isinstance(x.kind, View) or not isinstance(x.kind.map, Affine) or _sign(x.kind.map.fill) != (0, 1):
        return None
    found, (operand,) = x.kind.map, x.operands
    first: tuple[int, int] | None = None
    shape = list(found.shape)
    axes = list(found.axes)
    if len(axes) != len(shape):
        return None
    for i, (axis, extent) in enumerate(zip(found.axes, operand.type.shape, strict=True)):
        if not axis.guarded:
            if not (axis.is_identity(i) or extent == 1) or extent != shape[i]:
                return None
            continue
        start, whole = 0 - axis.offset, shape[i]
        if axis.terms != ((i, 1),) or axis.divisor != 1 or not isinstance(start, int) or start < 0:
            return None
        if not isinstance(whole, int) or not isinstance(extent, int) or not 0 < extent <= whole - start:
            return None
        if first is None:
            first, shape[i], axes[i] = (i, start), extent, AxisMap(terms=((i, 1),))
    if first is None:
        return None
    return (*first, viewed(operand, Affine(tuple(shape), tuple(axes), found.fill), x.site))


def _padded(part: Node, axis: int, start: int, x: Node) -> Node:
    maps = [AxisMap(-start if i == axis else 0, ((i, 1),), 1, i == axis) for i in range(x.type.ndim)]
    return viewed(part, Affine(x.type.shape, tuple(maps)), x.site)


def _zeros(extent: int, axis: int, x: Node) -> list[Node]:
    shape = (*x.type.shape[:axis], extent, *x.type.shape[axis + 1 :])
    return [full(0, TensorType(x.type.dtype, shape), x.site)] if extent else []


def _around(part: Node, axis: int, start: int, x: Node) -> list[Node]:
    """The part with the zeros before and behind it."""
    whole, extent = x.type.shape[axis], part.type.shape[axis]
    assert isinstance(whole, int)
    assert isinstance(extent, int)
    return [*_zeros(start, axis, x), part, *_zeros(whole - start - extent, axis, x)]


def _with(pieces: Sequence[Node], axis: int, start: int, part: Node, x: Node) -> list[Node] | None:
    """The pieces with one more part: in the place of zeros, or added to the piece that is exactly there."""
    extent = part.type.shape[axis]
    assert isinstance(extent, int)
    at = 0
    for k, piece in enumerate(pieces):
        size = piece.type.shape[axis]
        if not isinstance(size, int) or start < at:
            return None
        if start >= at + size:
            at += size
            continue
        if _is_zero(piece) and start + extent <= at + size:
            before, behind = _zeros(start - at, axis, x), _zeros(at + size - start - extent, axis, x)
            here = [*before, _plus_zero(part, x), *behind]
        elif (start, extent) == (at, size):
            here = [mapped(_op(x), piece, part, site=x.site)]
        else:
            return None
        others = [_plus_zero(p, x) for p in pieces]
        return [*others[:k], *here, *others[k + 1 :]]
    return None


def _is_zero(x: Node) -> bool:
    value = uniform(x)
    return value is not None and _sign(float(value)) == (0, 1)


def _sign(value: float) -> tuple[float, float]:
    """0.0 and -0.0 differ."""
    return value, copysign(1, value)


def _plus_zero(piece: Node, x: Node) -> Node:
    """``piece + 0``; itself where that is known to change nothing: integers, zeros, what is a sum with 0 already."""
    base = beneath_views(piece)
    is_sum = base.op is x.op and any(map(_is_zero, base.operands))
    if not piece.type.dtype.startswith("float") or _is_zero(base) or is_sum:
        return piece
    return mapped(_op(x), piece, full(0, piece.type, x.site), site=x.site)
