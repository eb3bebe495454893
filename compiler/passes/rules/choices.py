"""A part of a joined tensor: which side of the seam it lies on is known from its range."""

import numpy as np

from graphad.compiler.ir.kinds import Index, Map, View
from graphad.compiler.ir.make import uniform, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import MapOp
from graphad.compiler.ir.scalar import Apply, Arg
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.view import Affine

_ORDER = ("lt", "le", "gt", "ge")


def slice_of_joined(x: Node) -> Node | None:
    """``view(where(index < 4, a, b))[i0+4] -> view(b)[i0+4]`` where all indices read are on one side of the seam.

    The condition compares an index with a number, so it is monotone: equal at both ends of the range, it is constant.
    Exact: a choice hands an element on as it is.
    """
    inner = x.operands[0]
    if not (isinstance(x.kind, View) and isinstance(x.kind.map, Affine) and _is_select(inner)):
        return None
    if x.kind.map.guarded:
        return None
    condition, yes, no = inner.operands
    side = _side(condition, x.kind.map)
    return None if side is None else viewed(yes if side else no, x.kind.map, x.site)


def _is_select(x: Node) -> bool:
    return isinstance(x.kind, Map) and x.kind.scalar == Apply("select", (Arg(0), Arg(1), Arg(2)))


def _side(condition: Node, affine: Affine) -> bool | None:
    kind = condition.kind
    if not (isinstance(kind, Map) and isinstance(kind.scalar, Apply) and kind.scalar.primitive in _ORDER):
        return None
    if kind.scalar.args != (Arg(0), Arg(1)) or not isinstance(condition.operands[0].kind, Index):
        return None
    bound = uniform(condition.operands[1])
    low, high = affine.axes[condition.operands[0].kind.axis].range(affine.shape)
    return None if bound is None else _constant_over(condition, bound, low, high)


def _constant_over(condition: Node, bound: np.generic, low: Dim, high: Dim) -> bool | None:
    if not isinstance(low, int) or not isinstance(high, int) or high < low:
        return None
    assert isinstance(condition.op, MapOp)
    first, last = (bool(condition.op.reference(np.int64(i), bound)) for i in (low, high))
    return first if first == last else None
