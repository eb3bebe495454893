"""The local derivative of one node, applied to tangents and, transposed, to cotangents. By kind; ops bring partials."""

from collections.abc import Sequence
from itertools import groupby

from graphad.autodiff.custom import STOP, CustomOp, answers, check_rule
from graphad.autodiff.transpose import transpose_view
from graphad.build import cast, refuse
from graphad.compiler.errors import DTypeError
from graphad.compiler.ir.dtypes import is_float
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
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.ops.arithmetic import where
from graphad.ops.contraction import contract
from graphad.ops.creation import zeros, zeros_like
from graphad.ops.indexing import gather, scatter_add
from graphad.ops.record import Elementwise, Partial, Prefix, Reduction, Select
from graphad.ops.reductions import sum as sum_
from graphad.ops.shape import affine, concat, fold, reshape
from graphad.tensor import Tensor


def inputs_of(node: Tensor) -> tuple[Tensor, ...]:
    """What the node depends on in the eyes of AD: its operands, or a custom rule's inputs; not what it waits for."""
    if isinstance(node.op, CustomOp):
        return node.op.inputs
    if isinstance(node.kind, After):
        return node.operands[:1]  # type: ignore[return-value]
    return node.operands  # type: ignore[return-value]


def differentiable(node: Tensor) -> bool:
    """Whether derivatives pass through the node."""
    if not is_float(node.type.dtype) or node.op is STOP:
        return False
    return not (isinstance(node.op, Elementwise) and node.op.partials is None)


def apply_partial(partial: Partial, tangent: Tensor) -> Tensor | None:
    """partial * tangent; None is zero."""
    if callable(partial):
        partial = partial()
    if partial is None or (isinstance(partial, int | float) and partial == 0):
        return None
    if isinstance(partial, Select):
        return where(partial.condition, tangent if isinstance(partial.weight, int) else partial.weight * tangent, 0)
    if isinstance(partial, int | float):
        return tangent if partial == 1 else -tangent if partial == -1 else tangent * partial
    return partial * tangent


def total(parts: Sequence[Tensor | None]) -> Tensor | None:
    """The sum of what is not zero."""
    out: Tensor | None = None
    for part in parts:
        if part is not None:
            out = part if out is None else out + part
    return out


def map_partials(node: Tensor) -> Sequence[Partial]:
    """d node / d operand for each operand of an elementwise op."""
    op = node.op
    if not isinstance(op, Elementwise) or op.partials is None:
        refuse(DTypeError, "derivative", (node,), f"op {op.name!r} has no derivative")
    return op.partials(*node.operands, node)


def spread(x: Tensor, axes: tuple[int, ...], shape: Shape) -> Tensor:
    """``x`` repeated along the axes that a reduction of ``shape`` took away."""
    kept = [i for i in range(len(shape)) if i not in axes]
    return affine(x, shape, [AxisMap(terms=((i, 1),)) for i in kept])


def reduce_weights(node: Tensor, axes: tuple[int, ...]) -> Partial:
    """d node / d operand of a reduction, before the operand's elements are summed over ``axes``."""
    op = node.op
    (x,) = inputs_of(node)
    if not isinstance(op, Reduction) or op.weights is None:
        refuse(DTypeError, "derivative", (node,), f"reduction {op.name!r} has no derivative")
    return op.weights(x, spread(node, axes, x.shape), axes)


def push(node: Tensor, tangents: Sequence[Tensor | None]) -> Tensor | None:
    """The node's tangent from its inputs'; None is zero."""
    if not differentiable(node):
        return None
    out = _push(node, tangents)
    return None if out is None else cast(out, node.dtype)


def _push(node: Tensor, tangents: Sequence[Tensor | None]) -> Tensor | None:
    if isinstance(node.op, CustomOp):
        full = [zeros_like(x) if t is None else t for x, t in zip(node.op.inputs, tangents, strict=True)]
        return check_rule("jvp", node, node.op.jvp(*full), node)
    first = tangents[0] if tangents else None
    match node.kind:
        case Leaf() | Constant() | SizeOf() | Index():
            return None
        case Map():
            parts = map_partials(node)
            return total([None if t is None else apply_partial(p, t) for p, t in zip(parts, tangents, strict=True)])
        case Join(axis=axis):
            if all(t is None for t in tangents):
                return None
            return concat(_with_zeros(inputs_of(node), tangents, axis), axis)
        case Contract(left=left, right=right, out=out_letters):
            x, y = inputs_of(node)
            s, t = tangents
            return total(
                [
                    None if s is None else contract(s, y, left, right, out_letters),
                    None if t is None else contract(x, t, left, right, out_letters),
                ]
            )
        case Scatter(axis=axis, size=size):
            values = tangents[1]
            return None if values is None else scatter_add(inputs_of(node)[0], values, axis, size)
        case _:
            pass
    if first is None:
        return None
    match node.kind:
        case Reduce(axes=axes):
            weighted = apply_partial(reduce_weights(node, axes), first)
            return None if weighted is None else sum_(weighted, axes)
        case Scan(axis=axis, reverse=reverse):
            assert isinstance(node.op, Prefix)
            return node.op.jvp(inputs_of(node)[0], node, first, axis, reverse)
        case View(map=found):
            return affine(first, found.shape, found.axes) if isinstance(found, Affine) else reshape(first, found.shape)
        case Fold(map=found, shape=shape):
            return fold(first, found, shape)
        case Gather(axis=axis):
            return gather(first, inputs_of(node)[1], axis)
        case After():
            return first
        case _:
            raise AssertionError(node.kind)


def _with_zeros(inputs: Sequence[Tensor], tangents: Sequence[Tensor | None], axis: int) -> list[Tensor]:
    """The tangents of a join's operands; neighbours without one are one block of zeros, however many they are."""
    found: list[Tensor] = []
    for idle, group in groupby(zip(inputs, tangents, strict=True), key=lambda pair: pair[1] is None):
        if not idle:
            found += [t for _, t in group if t is not None]
            continue
        blank = [x for x, _ in group]
        extent: Dim = sum((x.shape[axis] for x in blank[1:]), blank[0].shape[axis])
        shape = blank[0].shape
        found.append(zeros((*shape[:axis], extent, *shape[axis + 1 :]), blank[0].dtype))
    return found


def pull(node: Tensor, cotangent: Tensor, wanted: Sequence[bool]) -> Sequence[Tensor | None]:
    """The cotangents of the inputs that are wanted from the node's; None is zero."""
    inputs = inputs_of(node)
    if not differentiable(node):
        return [None] * len(inputs)
    asked = [w and is_float(x.dtype) for w, x in zip(wanted, inputs, strict=True)]
    parts = _pull(node, cotangent, asked)
    return [None if p is None or not a else cast(p, x.dtype) for p, a, x in zip(parts, asked, inputs, strict=True)]


def _pull(node: Tensor, c: Tensor, asked: Sequence[bool]) -> Sequence[Tensor | None]:
    inputs = inputs_of(node)
    if isinstance(node.op, CustomOp):
        return answers(node, node.op, c)
    match node.kind:
        case Leaf() | Constant() | SizeOf() | Index():
            return []
        case Map():
            partials = map_partials(node)
            return [apply_partial(p, c) if a else None for p, a in zip(partials, asked, strict=True)]
        case Reduce(axes=axes):
            return [apply_partial(reduce_weights(node, axes), spread(c, axes, inputs[0].shape))]
        case Scan(axis=axis, reverse=reverse):
            assert isinstance(node.op, Prefix)
            return [node.op.vjp(inputs[0], node, c, axis, reverse)]
        case View(map=found):
            shape = inputs[0].shape
            return [transpose_view(c, found, shape) if isinstance(found, Affine) else reshape(c, shape)]
        case Join(axis=axis):
            return _parts(c, inputs, axis, asked)
        case Fold(map=found):
            return [affine(c, found.shape, found.axes)]
        case Contract(left=left, right=right, out=out):
            x, y = inputs
            return [
                contract(c, y, out, right, left) if asked[0] else None,
                contract(x, c, left, out, right) if asked[1] else None,
            ]
        case Gather(axis=axis):
            return [scatter_add(inputs[1], c, axis, inputs[0].shape[axis]), None]
        case Scatter(axis=axis):
            return [None, gather(c, inputs[0], axis)]
        case After():
            return [c]


def _parts(c: Tensor, inputs: Sequence[Tensor], axis: int, asked: Sequence[bool]) -> Sequence[Tensor | None]:
    """The slices of a join's cotangent: each operand's is where the operand went."""
    start: Dim = 0
    parts: list[Tensor | None] = []
    for x, a in zip(inputs, asked, strict=True):
        if a:
            maps = [AxisMap(start if i == axis else 0, ((i, 1),)) for i in range(x.ndim)]
            parts.append(affine(c, x.shape, maps))
        else:
            parts.append(None)
        start = start + x.shape[axis]
    return parts
