"""What the losses share: how a batch's losses become one number, and targets that fit."""

from typing import Literal, TypeAlias

from graphad.build import TensorLike, as_tensor, need_float, refuse
from graphad.checks import shown
from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import is_integer
from graphad.compiler.ir.view import AxisMap
from graphad.ops.arithmetic import equal, in_range, where
from graphad.ops.reductions import mean
from graphad.ops.reductions import sum as sum_
from graphad.ops.shape import affine, index
from graphad.tensor import Tensor

Reduction: TypeAlias = Literal["mean", "sum", "none"]
"""One loss an example, or their mean or sum."""


def check_reduction(name: str, reduction: str) -> None:
    """Refuses anything but the three."""
    given: object = reduction
    if not isinstance(given, str) or given not in ("mean", "sum", "none"):
        refuse(GraphError, name, (), f"reduction is 'mean', 'sum' or 'none', got {shown(reduction)}")


def reduced(losses: Tensor, reduction: Reduction) -> Tensor:
    """All losses as ``reduction`` says."""
    return losses if reduction == "none" else sum_(losses) if reduction == "sum" else mean(losses)


def alike(name: str, x: TensorLike, target: TensorLike) -> tuple[Tensor, Tensor]:
    """Two float tensors of one shape and dtype; nothing is broadcast, which in a loss is nearly always a mistake."""
    a, b = as_tensor(x, name), as_tensor(target, name)
    need_float(name, a)
    if a.dtype != b.dtype:
        refuse(DTypeError, name, (a, b), f"target expects {a.dtype}, got {b.dtype}; write target.astype({a.dtype!r})")
    if a.shape != b.shape:
        same = a.size == b.size
        refuse(
            ShapeError,
            name,
            (a, b),
            f"target expects shape {list(a.shape)}, got {list(b.shape)}" + ("; reshape one?" if same else ""),
        )
    return a, b


def scores(name: str, x: TensorLike) -> tuple[Tensor, int, int]:
    """Class scores (N, C, ...) or (C,) as a float tensor, the axis of the classes and their number."""
    tensor = as_tensor(x, name)
    need_float(name, tensor)
    if tensor.ndim == 0:
        refuse(ShapeError, name, (tensor,), "scores have shape (N, C, ...) or (C,), got a scalar")
    axis = 0 if tensor.ndim == 1 else 1
    classes = tensor.shape[axis]
    if not isinstance(classes, int):
        refuse(ShapeError, name, (tensor,), f"the number of classes (axis {axis}) is a number, got {classes}")
    return tensor, axis, classes


def labels_for(name: str, logits: Tensor, axis: int, labels: TensorLike) -> Tensor:
    """Integer labels with the shape of ``logits`` less its class axis."""
    found = as_tensor(labels, name)
    if not is_integer(found.dtype):
        refuse(
            DTypeError,
            name,
            (logits, found),
            f"labels are int32 or int64, got {found.dtype}; write labels.astype('int64')",
        )
    wanted = logits.shape[:axis] + logits.shape[axis + 1 :]
    if found.shape != wanted:
        column = found.ndim == len(wanted) + 1 and found.shape[axis] == 1
        onehot = found.shape == logits.shape
        fix = f"; squeeze(labels, {axis})?" if column else f"; argmax(labels, axis={axis})?" if onehot else ""
        refuse(
            ShapeError,
            name,
            (logits, found),
            f"labels expect shape {list(wanted)}, that of x without its class axis {axis}, "
            f"got {list(found.shape)}{fix}",
        )
    return found


def spread_over(x: Tensor, like: Tensor, axis: int) -> Tensor:
    """``x``, which lacks ``axis``, repeated along it."""
    return affine(x, like.shape, [AxisMap(terms=((i, 1),)) for i in range(like.ndim) if i != axis])


def along(row: Tensor, like: Tensor, axis: int) -> Tensor:
    """One number a class, repeated over all examples."""
    return affine(row, like.shape, [AxisMap(terms=((axis, 1),))])


def is_label(like: Tensor, axis: int, labels: Tensor) -> Tensor:
    """bool of like's shape: true where the class is the label. A label out of range stops the run."""
    checked = in_range(labels, like.shape[axis])
    return equal(index(like.shape, axis), spread_over(checked, like, axis))


def pick(values: Tensor, chosen: Tensor, axis: int) -> Tensor:
    """The chosen element along ``axis``: its derivative is a choice, with no scatter."""
    return sum_(where(chosen, values, 0), axis)


def class_weights(name: str, weight: TensorLike, logits: Tensor, axis: int) -> Tensor:
    """The weight of each class, (C,), spread to the logits' shape."""
    row = as_tensor(weight, name)
    if row.shape != (logits.shape[axis],) or row.dtype != logits.dtype:
        refuse(
            ShapeError,
            name,
            (logits, row),
            f"weight expects {logits.dtype}[{logits.shape[axis]}], one number for each class, got {row.type}",
        )
    return along(row, logits, axis)
