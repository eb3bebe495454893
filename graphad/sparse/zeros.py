"""Where a value can differ from zero whatever the inputs are: padding, known zeros, and products with them."""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from graphad.compiler.interpret import view
from graphad.compiler.ir.kinds import After, Fold, Gather, Join, Map, Reduce, Scatter, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import MapOp
from graphad.compiler.ir.view import Affine
from graphad.ops.arithmetic import divide, multiply, where

Mask: TypeAlias = np.ndarray | None
Value: TypeAlias = Callable[[Node], np.ndarray | None]


def may_differ(node: Node, operands: Sequence[Mask], value: Value) -> Mask:
    """True where the node can differ from zero, given the same for its operands; None stands for everywhere."""
    shape: tuple[int, ...] = node.type.shape  # type: ignore[assignment]
    first = operands[0] if operands else None
    match node.kind:
        case Map():
            return _map(node, operands, value)
        case Reduce(monoid=monoid, axes=axes) if first is not None and monoid.name in ("sum", "prod", "max", "min"):
            return np.asarray((first.all if monoid.name == "prod" else first.any)(axis=axes))
        case View(map=Affine() as found):
            return _view(node, found, first)
        case View():
            return None if first is None else first.reshape(shape)
        case After():
            return first
        case Join(axis=axis):
            parts = [_full(o) if m is None else m for o, m in zip(node.operands, operands, strict=True)]
            return np.concatenate(parts, axis)
        case Fold(map=found):
            size = math.prod(shape)
            places = view(np.arange(size).reshape(shape), Affine(found.shape, found.axes, fill=size)).reshape(-1)
            return _hit(places if first is None else places[first.reshape(-1)], size).reshape(shape)
        case Gather(axis=axis):
            index = value(node.operands[1])
            return None if first is None or index is None else np.take(first, index, axis, mode="clip")
        case Scatter(axis=axis, size=_):
            index = value(node.operands[0])
            if index is None:
                return None
            size = math.prod(shape)
            places = np.take(np.arange(size).reshape(shape), index, axis, mode="clip").reshape(-1)
            values = operands[1]
            return _hit(places if values is None else places[values.reshape(-1)], size).reshape(shape)
        case _:
            return None


def _full(x: Node) -> np.ndarray:
    shape: tuple[int, ...] = x.type.shape  # type: ignore[assignment]
    return np.ones(shape, bool)


def _hit(places: np.ndarray, size: int) -> np.ndarray:
    out = np.zeros(size + 1, bool)
    out[places] = True
    return out[:size]


def _view(node: Node, found: Affine, first: Mask) -> Mask:
    if first is None and not found.guarded:
        return None
    inside = _full(node.operands[0]) if first is None else first
    return view(inside, Affine(found.shape, found.axes, fill=float(found.fill != 0)))


def _map(node: Node, operands: Sequence[Mask], value: Value) -> Mask:
    op = node.op
    assert isinstance(op, MapOp)
    if op is multiply:
        masks = [m for m in operands if m is not None]
        return np.logical_and.reduce(masks) if masks else None
    if op is divide:
        return operands[0]
    if op is where:
        condition = value(node.operands[0])
        if condition is not None:
            return np.where(condition, *(True if m is None else m for m in operands[1:]))
        operands = operands[1:]
        return None if any(m is None for m in operands) else np.logical_or.reduce(operands)  # type: ignore[arg-type]
    if any(m is None for m in operands):
        return None
    with np.errstate(all="ignore"):
        at_zero = op.reference(*(np.zeros((), o.type.dtype) for o in node.operands))
    return np.logical_or.reduce(operands) if not np.any(at_zero) else None  # type: ignore[arg-type]
