"""Constant folding by the reference interpreter."""

import math
from typing import Final

import numpy as np

from graphad.compiler.interpret import run_node, view
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Constant, Index, Leaf, Map, SizeOf, View
from graphad.compiler.ir.make import constant, node, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import CONSTANT, MapOp
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, AxisMap, Reshape

LARGEST: Final = 1 << 14  # elements; a larger table costs more to load than most expressions cost to compute

# A constant seen through views: its elements along the axes on which it varies, and those axes of the result.
_Table = tuple[np.ndarray, tuple[int, ...]]


def fold_constants(graph: Graph) -> Graph:
    """Nodes whose operands are all constants become constants.

        %0: float32[] = constant 2.0
        %1: float32[N,10] = view(%0)[]        ->     %0: float32[] = constant 4.0
        %2: float32[N,10] = square(%1)               %1: float32[N,10] = view(%0)[]

    A constant stays as small as it is: axes along which nothing varies stay a view, so a symbolic shape never becomes
    an array, and nothing of more than LARGEST elements is made. Indices (aranges) are no constants: kernels compute
    them for free. What would stop the run with an error, such as an index out of range, is left to stop the run.

    Relies on nothing. Bitwise the same as running the nodes: the interpreter computes them.
    """

    def make(old: Node, operands: tuple[Node, ...]) -> Node:
        new = old.with_operands(operands)
        return fold_node(new) or new

    return graph.rebuild(make)


def fold_node(x: Node) -> Node | None:
    """The constant (or view of one) that a node is, or None."""
    if isinstance(x.kind, SizeOf):
        return constant(x.kind.size, "int64", x.site) if isinstance(x.kind.size, int) else None
    if isinstance(x.kind, Leaf | Index) or not all(_is_constant(o) for o in x.operands):
        return None
    table = _evaluate(x)
    if table is None:
        return None
    found = _node(*_shrink(*table), x)
    return None if _same(found, x) else found


def _is_constant(x: Node) -> bool:
    if isinstance(x.kind, View):
        x = x.operands[0]
    return isinstance(x.kind, Constant)


def _evaluate(x: Node) -> _Table | None:
    if isinstance(x.kind, View | Constant):
        return _table(x)
    tables = [_table(o) for o in x.operands]
    if any(t is None for t in tables):
        return None
    try:
        with np.errstate(all="ignore"):
            if isinstance(x.kind, Map):
                return _map(x, [t for t in tables if t is not None])
            return _dense(x, [t for t in tables if t is not None])
    except (IndexError, ValueError):
        return None  # the run will say what is wrong, with the line


def _map(x: Node, tables: list[_Table]) -> _Table | None:
    """An elementwise op needs only the axes along which some operand varies."""
    assert isinstance(x.op, MapOp)
    axes = tuple(sorted(set().union(*(a for _, a in tables))))
    sizes = _numbers(tuple(x.type.shape[a] for a in axes))
    if sizes is None:
        return None
    operands = [
        np.broadcast_to(v.reshape([v.shape[own.index(a)] if a in own else 1 for a in axes]), sizes) for v, own in tables
    ]
    return np.asarray(x.op.reference(*operands), dtype=x.type.dtype), axes


def _dense(x: Node, tables: list[_Table]) -> _Table | None:
    """Any other kind runs on its operands as they are."""
    shapes = [_numbers(o.type.shape) for o in x.operands]
    if _numbers(x.type.shape) is None or any(s is None for s in shapes):
        return None
    operands = []
    for (value, axes), shape in zip(tables, shapes, strict=True):
        assert shape is not None
        operands.append(np.broadcast_to(value.reshape([d if i in axes else 1 for i, d in enumerate(shape)]), shape))
    value = np.asarray(run_node(x, operands, {}, {}), dtype=x.type.dtype)
    return value, tuple(range(value.ndim))


def _table(x: Node) -> _Table | None:
    """What a constant, or one view of a constant, holds."""
    if isinstance(x.kind, Constant):
        return x.kind.value, tuple(range(x.type.ndim))
    assert isinstance(x.kind, View)
    base = x.operands[0].kind
    if not isinstance(base, Constant):
        return None
    if isinstance(x.kind.map, Reshape):
        return _reshaped(base.value, x.type.shape)
    return _viewed(base.value, x.kind.map)


def _reshaped(value: np.ndarray, shape: Shape) -> _Table | None:
    if value.size == 1:
        return value.reshape(()), ()
    sizes = _numbers(shape)
    return None if sizes is None else (value.reshape(sizes), tuple(range(len(sizes))))


def _viewed(value: np.ndarray, affine: Affine) -> _Table | None:
    if any(d == 0 for d in affine.shape):
        return np.zeros((), value.dtype), ()
    axes = tuple(sorted(affine.used()))
    sizes = _numbers(tuple(affine.shape[a] for a in axes))
    if sizes is None or any(not isinstance(a.offset, int) for a in affine.axes):
        return None
    place = {a: i for i, a in enumerate(axes)}
    maps = tuple(AxisMap(a.offset, tuple((place[j], c) for j, c in a.terms), a.divisor, a.guarded) for a in affine.axes)
    return view(value, Affine(sizes, maps, affine.fill)), axes


def _numbers(shape: Shape) -> tuple[int, ...] | None:
    """The shape, if it is numbers and not too large."""
    sizes = tuple(d for d in shape if isinstance(d, int))
    return sizes if len(sizes) == len(shape) and math.prod(sizes) <= LARGEST else None


def _shrink(value: np.ndarray, axes: tuple[int, ...]) -> _Table:
    """One value where all are equal in their bits."""
    if value.size == 0 or not axes:
        return value, axes
    flat = np.ascontiguousarray(value).reshape(-1).view(np.uint8).reshape(value.size, -1)
    return (value.reshape(-1)[0], ()) if (flat == flat[0]).all() else (value, axes)


def _node(value: np.ndarray, axes: tuple[int, ...], x: Node) -> Node:
    base = node(CONSTANT, Constant(value), (), x.site)
    return viewed(base, Affine(x.type.shape, tuple(AxisMap(terms=((a, 1),)) for a in axes)), x.site)


def _same(new: Node, old: Node) -> bool:
    """A constant or a view that is as small as can be is kept as it is."""
    if isinstance(old.kind, Constant):
        return isinstance(new.kind, Constant)
    if not (isinstance(old.kind, View) and new.kind == old.kind):
        return False
    return new.operands[0].kind == old.operands[0].kind
