"""The reference interpreter: the graph's meaning in NumPy, node by node. It is the oracle and the ``numpy`` target."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from graphad.compiler.errors import GraphError, OutOfRangeError, ShapeError
from graphad.compiler.ir.graph import topological
from graphad.compiler.ir.infer import check_affine
from graphad.compiler.ir.kinds import (
    After,
    Constant,
    Contract,
    Fold,
    Gather,
    Index,
    Join,
    Leaf,
    Map,
    Reduce,
    Scan,
    Scatter,
    SizeOf,
    View,
)
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import MapOp, ReduceOp, ScanOp
from graphad.compiler.ir.size import Dim, evaluate
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, Reshape

Array: TypeAlias = np.ndarray


def interpret(
    outputs: Sequence[Node],
    values: Mapping[Node, Array],
    sizes: Mapping[str, int],
    watch: Callable[[Node, Array], None] | None = None,
) -> list[Array]:
    """The outputs' values, given the leaves' and the symbolic sizes'; ``watch`` is shown each value that is computed.

    Values die after their last use, so memory stays near what the graph needs. Errors: OutOfRangeError.
    """
    order = needed(outputs, values)
    uses: dict[Node, int] = dict.fromkeys(order, 0)
    for node in order:
        for operand in () if node in values else node.operands:
            uses[operand] += 1
    for node in outputs:
        uses[node] += 1
    known: dict[Node, Array] = {}
    with np.errstate(all="ignore"):
        for node in order:
            if node in values:
                known[node] = _typed(values[node], node)
                continue
            operands = [known[o] for o in node.operands]
            known[node] = _typed(_run(node, operands, values, sizes), node)
            if watch is not None:
                watch(node, known[node])
            for operand in node.operands:
                uses[operand] -= 1
                if not uses[operand]:
                    known.pop(operand, None)
    return [known[n] for n in outputs]


def needed(outputs: Sequence[Node], values: Mapping[Node, Array]) -> list[Node]:
    """The nodes to compute, operands first; nothing that only serves a node whose value is given."""
    order = topological(outputs)
    needed = set(outputs)
    for node in reversed(order):
        if node in needed and node not in values:
            needed.update(node.operands)
    return [n for n in order if n in needed]


def _run(node: Node, operands: Sequence[Array], values: Mapping[Node, Array], sizes: Mapping[str, int]) -> Any:
    try:
        return run_node(node, operands, values, sizes)
    except OutOfRangeError as error:
        raise OutOfRangeError(error.index, node) from None
    except ShapeError as error:
        types = ", ".join(f"{o.type.dtype}{list(v.shape)}" for o, v in zip(node.operands, operands, strict=True))
        raise ShapeError(f"{node.op.name}({types}): {error} [{node.site}]") from error


def _typed(value: Any, node: Node) -> Array:
    return np.asarray(value, dtype=node.type.dtype)


def run_node(node: Node, operands: Sequence[Array], values: Mapping[Node, Array], sizes: Mapping[str, int]) -> Any:
    """One node's value from its operands'."""
    match node.kind:
        case Leaf(name=name):
            if node not in values:
                raise GraphError(f"no value given for {name!r} ({node.site})")
            return values[node]
        case Constant(value=value):
            return value
        case SizeOf(size=size):
            return number(size, sizes)
        case Index(shape=shape, axis=axis):
            return _index(numbers(shape, sizes), axis)
        case Map():
            assert isinstance(node.op, MapOp)
            return node.op.reference(*operands)
        case Reduce(axes=axes):
            assert isinstance(node.op, ReduceOp)
            return node.op.reference(operands[0], axes)
        case Scan(axis=axis, reverse=reverse):
            assert isinstance(node.op, ScanOp)
            if not reverse:
                return node.op.reference(operands[0], axis)
            return np.flip(node.op.reference(np.flip(operands[0], axis), axis), axis)
        case View(map=Reshape(shape=shape)):
            return operands[0].reshape(numbers(shape, sizes))
        case View(map=found):
            affine = found.at(sizes)
            assert isinstance(affine, Affine)
            check_affine(affine, operands[0].shape)  # a symbolic size that came too small for a slice
            return view(operands[0], affine)
        case Join(axis=axis):
            return np.concatenate(operands, axis)
        case Fold(map=affine, shape=shape):
            return fold(operands[0], affine.at(sizes), numbers(shape, sizes))
        case Contract(left=left, right=right, out=out):
            return np.einsum(f"{left},{right}->{out}", *operands, optimize=True)
        case Gather(axis=axis):
            check_range(operands[1], operands[0].shape[axis])
            return np.take(operands[0], operands[1], axis=axis)
        case Scatter(axis=axis, size=size):
            return _scatter(operands[0], operands[1], axis, number(size, sizes))
        case After():
            return operands[0]


def number(dim: Dim, sizes: Mapping[str, int]) -> int:
    """A size as a number."""
    value = evaluate(dim, sizes)
    if not isinstance(value, int):
        raise GraphError(f"size {value} is not known: pass an input that has it")
    return value


def numbers(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """A shape in numbers."""
    return tuple(number(d, sizes) for d in shape)


def _index(shape: tuple[int, ...], axis: int) -> Array:
    if min(shape) < 0:
        raise ShapeError(f"a size is negative in {list(shape)}")
    line = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return np.broadcast_to(line, shape)


def view(operand: Array, affine: Affine) -> Array:
    """``operand`` read through the map: dilated, then padded as far as the map reaches, then strided."""
    shape = numbers(affine.shape, {})
    if 0 in shape:
        return np.zeros(shape, operand.dtype)
    offset: list[int] = []
    for i, axis in enumerate(affine.axes):
        low, high = axis.range(affine.shape)
        assert isinstance(low, int)
        assert isinstance(high, int)
        operand = _dilate(operand, i, axis.divisor, affine.fill)
        before, after = max(0, -low), max(0, high - (operand.shape[i] - 1))
        if before or after:
            pads = [(before, after) if j == i else (0, 0) for j in range(operand.ndim)]
            operand = np.pad(operand, pads, constant_values=operand.dtype.type(affine.fill))
        assert isinstance(axis.offset, int)
        offset.append(axis.offset + before)
    strides = [0] * len(affine.shape)
    for i, axis in enumerate(affine.axes):
        for j, c in axis.terms:
            strides[j] += c * operand.strides[i]
    start = operand[tuple(slice(o, None) for o in offset)]
    return np.lib.stride_tricks.as_strided(start, shape, strides)


def _dilate(operand: Array, axis: int, step: int, fill: float) -> Array:
    if step == 1 or operand.shape[axis] == 0:
        return operand
    shape = list(operand.shape)
    shape[axis] = (shape[axis] - 1) * step + 1
    out = np.full(shape, fill, operand.dtype)
    out[tuple(slice(None, None, step) if i == axis else slice(None) for i in range(out.ndim))] = operand
    return out


def fold(operand: Array, affine: Affine, shape: tuple[int, ...]) -> Array:
    """The transpose of ``view``: each element added where the view would have read it."""
    size = int(np.prod(shape))
    target = view(np.arange(size).reshape(shape), Affine(affine.shape, affine.axes, fill=size))
    out = np.zeros(size + 1, operand.dtype)
    np.add.at(out, target.reshape(-1), operand.reshape(-1))
    return out[:size].reshape(shape)


def check_range(index: Array, bound: Any) -> None:
    """That every index is in 0..bound-1: negative ones have been counted from the end already."""
    wrong = (index < 0) | (index >= bound)
    if wrong.any():
        raise OutOfRangeError(int(index[wrong].flat[0]))


def _scatter(index: Array, values: Array, axis: int, size: int) -> Array:
    check_range(index, size)
    out = np.zeros((*values.shape[:axis], size, *values.shape[axis + index.ndim :]), values.dtype)
    moved = np.moveaxis(out, axis, 0)
    source = np.moveaxis(values.reshape(*values.shape[:axis], index.size, *values.shape[axis + index.ndim :]), axis, 0)
    np.add.at(moved, index.reshape(-1), source)
    return out
