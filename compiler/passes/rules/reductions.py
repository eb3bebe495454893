"""Identities of reductions and scans that keep every bit, or the set of numbers that is combined."""

from graphad.compiler.ir.kinds import Reduce, Scan, View
from graphad.compiler.ir.make import reduced, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import ReduceOp
from graphad.compiler.ir.view import Affine, AxisMap, Reshape

_IDEMPOTENT = ("max", "min", "any", "all")  # combining a value with itself gives the value


def reduce_over_units(x: Node) -> Node | None:
    """``sum(x: [4,1]) axes=[1] -> view(x)[i0, 0]``: a fold of one element is the element.

    Not for argmax, whose result counts positions. -0.0 stays -0.0 (a fold that starts from 0 would lose its sign).
    """
    assert isinstance(x.kind, Reduce)
    (operand,) = x.operands
    axes = x.kind.axes
    if x.kind.monoid.is_arg or operand.type.dtype != x.type.dtype or any(operand.type.shape[a] != 1 for a in axes):
        return None
    kept = iter(range(x.type.ndim))
    maps = tuple(AxisMap() if a in axes else AxisMap(terms=((next(kept), 1),)) for a in range(operand.type.ndim))
    return viewed(operand, Affine(x.type.shape, maps), x.site)


def reduce_of_reduce(x: Node) -> Node | None:
    """``max(max(x) axes=[1]) axes=[0] -> max(x) axes=[0, 1]``, for max, min, any and all, where order does not count.

    Not for sums and products: another order rounds otherwise.
    """
    return merge_reductions(x) if _is_idempotent(x) else None


def merge_reductions(x: Node) -> Node | None:
    """Two folds by one monoid as one; for sums this changes the rounding."""
    inner = x.operands[0]
    if not (isinstance(x.kind, Reduce) and isinstance(inner.kind, Reduce)):
        return None
    if inner.kind.monoid != x.kind.monoid or x.kind.monoid.is_arg:
        return None
    kept = [i for i in range(inner.operands[0].type.ndim) if i not in inner.kind.axes]
    axes = tuple(sorted((*inner.kind.axes, *(kept[a] for a in x.kind.axes))))
    return _again(x, inner.operands[0], axes)


def reduce_of_broadcast(x: Node) -> Node | None:
    """``max(view(x)[i0]) axes=[1] -> x`` where axis 1 repeats, for max, min, any and all.

    The axis has a size known to be more than 0: any of nothing is False. A sum of n equal numbers stays, since n*x
    rounds once.
    """
    inner = x.operands[0]
    if not (_is_idempotent(x) and isinstance(inner.kind, View) and isinstance(inner.kind.map, Affine)):
        return None
    assert isinstance(x.kind, Reduce)
    affine = inner.kind.map
    used = affine.used()
    gone = [a for a in x.kind.axes if a not in used and isinstance(affine.shape[a], int) and affine.shape[a] != 0]
    if not gone:
        return None
    rest = [i for i in range(len(affine.shape)) if i not in gone]
    place = {a: i for i, a in enumerate(rest)}
    maps = tuple(AxisMap(a.offset, tuple((place[j], c) for j, c in a.terms), a.divisor, a.guarded) for a in affine.axes)
    found = viewed(inner.operands[0], Affine(tuple(affine.shape[i] for i in rest), maps, affine.fill), x.site)
    axes = tuple(place[a] for a in x.kind.axes if a in place)
    return _again(x, found, axes) if axes else found


def reduce_of_reshape(x: Node) -> Node | None:
    """``sum(reshape(x)) -> sum(x)`` over all axes of both: the same elements in the same order (argmax too)."""
    inner = x.operands[0]
    if not (isinstance(x.kind, Reduce) and isinstance(inner.kind, View) and isinstance(inner.kind.map, Reshape)):
        return None
    if x.type.ndim or not inner.operands[0].type.ndim:
        return None
    return _again(x, inner.operands[0], tuple(range(inner.operands[0].type.ndim)))


def scan_of_one(x: Node) -> Node | None:
    """``cumulative_sum(x: [4,1]) axis=1 -> x``: the only prefix is the element."""
    assert isinstance(x.kind, Scan)
    return x.operands[0] if x.operands[0].type.shape[x.kind.axis] == 1 else None


def _is_idempotent(x: Node) -> bool:
    return isinstance(x.kind, Reduce) and x.kind.monoid.name in _IDEMPOTENT


def _again(x: Node, operand: Node, axes: tuple[int, ...]) -> Node:
    assert isinstance(x.op, ReduceOp)
    return reduced(x.op, operand, axes, x.site)
