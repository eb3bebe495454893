"""The type rule of each kind: the result's type from the operands' types, or an error that says what does not fit."""

from collections.abc import Sequence

from graphad.compiler.errors import DTypeError, ShapeError
from graphad.compiler.ir.dtypes import is_integer
from graphad.compiler.ir.kinds import (
    After,
    Constant,
    Contract,
    Fold,
    Gather,
    Index,
    Join,
    Kind,
    Leaf,
    Map,
    Reduce,
    Scan,
    Scatter,
    SizeOf,
    View,
)
from graphad.compiler.ir.scalar import arity, dtype_of
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.ir.types import Shape, TensorType, show_shape
from graphad.compiler.ir.view import Affine, AxisMap, IndexMap


def infer(kind: Kind, operands: Sequence[TensorType], declared: TensorType | None = None) -> TensorType:
    """The type of a node. ``declared`` is what a leaf, which has no rule, was declared as."""
    match kind:
        case Leaf():
            if declared is None:
                raise ShapeError("a leaf declares its type")
            return declared
        case Constant(value=value):
            return TensorType(value.dtype.name, value.shape)
        case SizeOf():
            return TensorType("int64", ())
        case Index(shape=shape, axis=axis):
            _check_axis(axis, len(shape))
            return TensorType("int64", shape)
        case Map():
            return _map(kind, operands)
        case Reduce():
            return _reduce(kind, operands[0])
        case Scan(axis=axis):
            _check_axis(axis, operands[0].ndim)
            return operands[0]
        case View(map=found):
            return _view(found, operands[0])
        case Join(axis=axis):
            return _join(axis, operands)
        case Fold(map=affine, shape=shape):
            if operands[0].shape != affine.shape:
                raise ShapeError(f"fold expects {show_shape(affine.shape)}, got {show_shape(operands[0].shape)}")
            check_affine(affine, shape)
            return TensorType(operands[0].dtype, shape)
        case Contract():
            return _contract(kind, *operands)
        case Gather(axis=axis):
            return _gather(axis, *operands)
        case Scatter():
            return _scatter(kind, *operands)
        case After():
            return operands[0]


def _map(kind: Map, operands: Sequence[TensorType]) -> TensorType:
    if not operands or any(t.shape != operands[0].shape for t in operands):
        raise ShapeError(f"operands of one shape, got {', '.join(show_shape(t.shape) for t in operands)}")
    try:
        dtype = dtype_of(kind.scalar, tuple(t.dtype for t in operands)) or operands[0].dtype
    except IndexError:
        raise ShapeError(f"takes {arity(kind.scalar)} operands, got {len(operands)}") from None
    first = operands[0]
    return first if first.dtype == dtype else TensorType(dtype, first.shape)


def _view(found: IndexMap, operand: TensorType) -> TensorType:
    if isinstance(found, Affine):
        check_affine(found, operand.shape)
    elif product(found.shape) != operand.size:
        raise ShapeError(f"cannot reshape {show_shape(operand.shape)} to {show_shape(found.shape)}")
    return TensorType(operand.dtype, found.shape)


def _join(axis: int, operands: Sequence[TensorType]) -> TensorType:
    if not operands:
        raise ShapeError("joins at least one operand")
    first = operands[0]
    _check_axis(axis, first.ndim)
    before, after = first.shape[:axis], first.shape[axis + 1 :]
    total: Dim = 0
    for t in operands:
        if t.dtype != first.dtype:
            raise DTypeError(f"operands of one dtype, got {first.dtype} and {t.dtype}")
        if t.ndim != first.ndim or t.shape[:axis] != before or t.shape[axis + 1 :] != after:
            shapes = " and ".join(show_shape(s) for s in (first.shape, t.shape))
            raise ShapeError(f"sizes differ elsewhere than in axis {axis}: {shapes}")
        total = total + t.shape[axis]
    return TensorType(first.dtype, (*before, total, *after))


def _reduce(kind: Reduce, operand: TensorType) -> TensorType:
    for axis in kind.axes:
        _check_axis(axis, operand.ndim)
    if tuple(sorted(set(kind.axes))) != kind.axes:
        raise ShapeError(f"axes in order and each once, got {list(kind.axes)}")
    if kind.monoid.needs_element and any(operand.shape[a] == 0 for a in kind.axes):
        raise ShapeError(f"{kind.monoid.name} of no elements has no value (shape {show_shape(operand.shape)})")
    shape = tuple(d for i, d in enumerate(operand.shape) if i not in kind.axes)
    dtype = "int64" if kind.monoid.is_arg else "bool" if kind.monoid.name in ("any", "all") else operand.dtype
    return TensorType(dtype, shape)


def check_affine(affine: Affine, operand: Shape) -> None:
    """That an unguarded map stays inside the operand."""
    if len(affine.axes) != len(operand):
        raise ShapeError(f"view maps {len(affine.axes)} axes, the operand has {len(operand)}")
    if any(isinstance(d, int) and d < 0 for d in affine.spare):
        missing = -min(d for d in affine.spare if isinstance(d, int))
        raise ShapeError(f"a window does not fit: it is longer than its axis with padding by {missing}")
    if any(isinstance(d, int) and d < 0 for d in affine.shape):
        raise ShapeError(f"a size is negative in {show_shape(affine.shape)}")
    for i, axis in enumerate(affine.axes):
        if any(not 0 <= j < len(affine.shape) for j, _ in axis.terms):
            raise ShapeError(f"axis {i} reads a result axis that does not exist")
    if any(d == 0 for d in affine.shape):
        return
    for i, axis in enumerate(affine.axes):
        if not axis.guarded:
            _check_range(i, axis, affine.shape, operand[i])


def _check_range(i: int, axis: AxisMap, shape: Shape, extent: Dim) -> None:
    low, high = axis.range(shape)
    over = high - extent
    if axis.divisor != 1:
        raise ShapeError(f"axis {i} divides without a guard")
    if (isinstance(low, int) and low < 0) or (isinstance(over, int) and over >= 0):
        raise ShapeError(f"axis {i} of extent {extent} would be read from {low} to {high}")


def _contract(kind: Contract, left: TensorType, right: TensorType) -> TensorType:
    if left.dtype != right.dtype:
        raise DTypeError(f"operands of one dtype, got {left.dtype} and {right.dtype}")
    extent: dict[str, Dim] = {}
    for letters, t in ((kind.left, left), (kind.right, right)):
        if len(letters) != t.ndim or len(set(letters)) != len(letters):
            raise ShapeError(f"letters {letters!r} for axes {show_shape(t.shape)}")
        for letter, dim in zip(letters, t.shape, strict=True):
            if extent.setdefault(letter, dim) != dim:
                raise ShapeError(f"axis {letter!r} is {extent[letter]} on the left and {dim} on the right")
    for letter in extent:
        if letter not in kind.out and not (letter in kind.left and letter in kind.right):
            raise ShapeError(f"summed letter {letter!r} stands in one operand only")
    if len(set(kind.out)) != len(kind.out) or not set(kind.out) <= set(extent):
        raise ShapeError(f"letters {kind.out!r} of the result")
    return TensorType(left.dtype, tuple(extent[c] for c in kind.out))


def _gather(axis: int, operand: TensorType, index: TensorType) -> TensorType:
    _check_axis(axis, operand.ndim)
    _check_index(index)
    return TensorType(operand.dtype, operand.shape[:axis] + index.shape + operand.shape[axis + 1 :])


def _scatter(kind: Scatter, index: TensorType, values: TensorType) -> TensorType:
    _check_index(index)
    lead, rest = values.shape[: kind.axis], values.shape[kind.axis + index.ndim :]
    if values.shape != lead + index.shape + rest:
        raise ShapeError(f"values {show_shape(values.shape)} do not hold {show_shape(index.shape)} at axis {kind.axis}")
    return TensorType(values.dtype, (*lead, kind.size, *rest))


def _check_index(index: TensorType) -> None:
    if not is_integer(index.dtype):
        raise DTypeError(f"an index is int32 or int64, got {index.dtype}")


def _check_axis(axis: int, ndim: int) -> None:
    if not 0 <= axis < ndim:
        raise ShapeError(f"axis {axis} does not exist in {ndim} dimensions")
