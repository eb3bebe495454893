"""Views: broadcasting, permuting, reshaping, slicing, padding, windows, and joining."""

import math
from collections.abc import Sequence
from operator import index as index_of
from typing import Any

import numpy as np

from graphad.arrays import masked
from graphad.build import (
    MOST,
    TensorLike,
    as_shape,
    as_tensor,
    broadcast,
    broadcast_all,
    make,
    normalize_axes,
    normalize_axis,
    refuse,
    tensors,
)
from graphad.checks import listed, shown, whole
from graphad.compiler.errors import DTypeError, ShapeError
from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.kinds import Fold, Index, Join, View
from graphad.compiler.ir.op import FOLD, INDEX, JOIN, RESHAPE, VIEW
from graphad.compiler.ir.size import Dim, Size, divide, product
from graphad.compiler.ir.types import Shape, show_shape
from graphad.compiler.ir.view import Affine, AxisMap, Reshape
from graphad.tensor import Tensor, operator


def affine(x: Tensor, shape: Shape, axes: Sequence[AxisMap], fill: float = 0.0, spare: Sequence[Dim] = ()) -> Tensor:
    """A view of ``x``; ``x`` itself for the identity."""
    found = Affine(shape, tuple(axes), fill, tuple(spare))
    return x if found.is_identity(x.shape) else make(VIEW, View(found), (x,))


def index(shape: Shape, axis: int) -> Tensor:
    """int64 of ``shape``: each element its own index along ``axis``."""
    return make(INDEX, Index(shape, axis), ())


@operator("permute_dims")
def permute_dims(x: TensorLike, axes: Sequence[int]) -> Tensor:
    """Axes reordered: axis i of the result is axis ``axes[i]`` of ``x``.

    >>> permute_dims([[1.0, 2.0, 3.0]], (1, 0)).shape
    (3, 1)
    """
    tensor = as_tensor(x, "permute_dims")
    given = listed("permute_dims", "axes", axes, "all axes in their new order", ShapeError)
    order = tuple(normalize_axis("permute_dims", tensor, a) for a in given)
    if sorted(order) != list(range(tensor.ndim)):
        refuse(ShapeError, "permute_dims", (tensor,), f"axes {list(axes)} are no order of all {tensor.ndim} axes")
    place = {a: i for i, a in enumerate(order)}
    maps = [AxisMap(terms=((place[a], 1),)) for a in range(tensor.ndim)]
    return affine(tensor, tuple(tensor.shape[a] for a in order), maps)


@operator("matrix_transpose")
def matrix_transpose(x: TensorLike) -> Tensor:
    """The last two axes exchanged."""
    tensor = as_tensor(x, "matrix_transpose")
    if tensor.ndim < 2:
        refuse(ShapeError, "matrix_transpose", (tensor,), "takes at least two dimensions")
    return permute_dims(tensor, (*range(tensor.ndim - 2), tensor.ndim - 1, tensor.ndim - 2))


def moveaxis(x: TensorLike, source: int, destination: int) -> Tensor:
    """One axis moved to another place."""
    tensor = as_tensor(x, "moveaxis")
    a, b = normalize_axis("moveaxis", tensor, source), normalize_axis("moveaxis", tensor, destination)
    order = [i for i in range(tensor.ndim) if i != a]
    order.insert(b, a)
    return permute_dims(tensor, order)


@operator("reshape")
def reshape(x: TensorLike, shape: Sequence[Any]) -> Tensor:
    """Same elements in row-major order; one size may be -1. Symbolic sizes work.

    >>> from graphad import input
    >>> reshape(input("x", ("N", 16, 5, 5)), (-1, 400)).shape
    (N, 400)
    """
    tensor = as_tensor(x, "reshape")
    given = list(shape) if isinstance(shape, tuple | list) else [shape]
    free = [i for i, d in enumerate(given) if isinstance(d, int | np.integer) and d == -1]
    if len(free) > 1:
        refuse(ShapeError, "reshape", (tensor,), f"only one size may be -1, got {given}")
    wanted = as_shape("reshape", (tensor,), [d for i, d in enumerate(given) if i not in free])
    if free:
        rest = product(wanted)
        missing = divide(tensor.size, rest) if rest != 0 else None
        if missing is None:
            refuse(ShapeError, "reshape", (tensor,), f"{tensor.size} elements do not divide by {rest}")
        wanted = (*wanted[: free[0]], missing, *wanted[free[0] :])
    if wanted == tensor.shape:
        return tensor
    if product(wanted) != tensor.size:
        refuse(
            ShapeError,
            "reshape",
            (tensor,),
            f"{tensor.size} elements do not fill {show_shape(wanted)}, which has {product(wanted)}",
        )
    return make(RESHAPE, View(Reshape(wanted)), (tensor,))


def _each(axis: Any) -> list[Any]:
    return list(axis) if isinstance(axis, tuple | list) else [axis]


@operator("expand_dims")
def expand_dims(x: TensorLike, axis: Any) -> Tensor:
    """Axes of size 1 inserted so that they stand at ``axis`` of the result."""
    tensor = as_tensor(x, "expand_dims")
    axes = [whole("expand_dims", "an axis", a, error=ShapeError) for a in _each(axis)]
    ndim = tensor.ndim + len(axes)
    new = {a % ndim if -ndim <= a < ndim else ndim for a in axes}
    if len(new) != len(axes) or ndim in new:
        refuse(ShapeError, "expand_dims", (tensor,), f"axis {axis} does not fit a result of {ndim} dimensions")
    old = [i for i in range(ndim) if i not in new]
    shape: list[Dim] = [1] * ndim
    for i, d in zip(old, tensor.shape, strict=True):
        shape[i] = d
    return affine(tensor, tuple(shape), [AxisMap(terms=((i, 1),)) for i in old])


def squeeze(x: TensorLike, axis: int | Sequence[int]) -> Tensor:
    """Axes of size 1 removed."""
    tensor = as_tensor(x, "squeeze")
    axes = normalize_axes("squeeze", tensor, axis)
    for a in axes:
        if tensor.shape[a] != 1:
            refuse(ShapeError, "squeeze", (tensor,), f"axis {a} has size {tensor.shape[a]}, not 1")
    kept = [i for i in range(tensor.ndim) if i not in axes]
    place = {a: i for i, a in enumerate(kept)}
    maps = [AxisMap() if a in axes else AxisMap(terms=((place[a], 1),)) for a in range(tensor.ndim)]
    return affine(tensor, tuple(tensor.shape[a] for a in kept), maps)


def broadcast_to(x: TensorLike, shape: Sequence[Any]) -> Tensor:
    """``x`` repeated to ``shape`` by NumPy's broadcasting rule.

    >>> broadcast_to([1.0, 2.0], ("N", 2)).shape
    (N, 2)
    """
    tensor = as_tensor(x, "broadcast_to")
    wanted = as_shape("broadcast_to", (tensor,), shape)
    lead = len(wanted) - tensor.ndim
    if lead < 0 or any(d not in (1, w) for d, w in zip(tensor.shape, wanted[lead:], strict=True)):
        refuse(
            ShapeError, "broadcast_to", (tensor,), f"{show_shape(tensor.shape)} does not broadcast to {list(wanted)}"
        )
    return broadcast(tensor, wanted)


def broadcast_arrays(*operands: TensorLike) -> list[Tensor]:
    """All operands with their common shape."""
    return broadcast_all("broadcast_arrays", [as_tensor(o, "broadcast_arrays") for o in operands])


@operator("flip")
def flip(x: TensorLike, axis: Any = None) -> Tensor:
    """The order of elements reversed along axes."""
    tensor = as_tensor(x, "flip")
    axes = normalize_axes("flip", tensor, axis)
    maps = [
        AxisMap(tensor.shape[i] - 1, ((i, -1),)) if i in axes else AxisMap(terms=((i, 1),)) for i in range(tensor.ndim)
    ]
    return affine(tensor, tensor.shape, maps)


@operator("shift")
def shift(x: Tensor, axis: int, by: int) -> Tensor:
    """out[i] = x[i - by] along an axis, 0 outside."""
    maps = [AxisMap(-by if i == axis else 0, ((i, 1),), 1, i == axis) for i in range(x.ndim)]
    return affine(x, x.shape, maps)


def pad(x: TensorLike, pad_width: Any, constant_values: float = 0.0) -> Tensor:
    """Constant values added at the edges; ``pad_width`` as NumPy's: a number, a pair, or a pair for each axis.

    >>> pad([1.0, 2.0], (1, 2)).shape
    (5,)
    """
    tensor = as_tensor(x, "pad")
    widths = _pad_widths(tensor, pad_width)
    fill: Any = constant_values
    if isinstance(fill, np.generic) or (isinstance(fill, np.ndarray) and fill.ndim == 0 and not masked(fill)):
        fill = fill.item()
    if not isinstance(fill, bool | int | float):
        refuse(DTypeError, "pad", (tensor,), f"the fill value is a number, got {shown(fill)}")
    if not is_float(tensor.dtype) and not (math.isfinite(fill) and fill == int(fill)):
        refuse(DTypeError, "pad", (tensor,), f"{tensor.dtype} cannot hold the fill value {constant_values}")
    return dilated_pad(tensor, widths, [1] * tensor.ndim, float(fill))


def dilated_pad(x: Tensor, widths: Sequence[tuple[int, int]], steps: Sequence[int], fill: float = 0.0) -> Tensor:
    """``steps[i] - 1`` fill values between elements, then padding (negative: cropping), for each axis."""
    shape: list[Dim] = []
    maps = []
    for i, ((before, after), step) in enumerate(zip(widths, steps, strict=True)):
        extent = x.shape[i]
        shape.append((0 if extent == 0 else (extent - 1) * step + 1) + before + after)
        maps.append(AxisMap(-before, ((i, 1),), step, before > 0 or after > 0 or step > 1))
    return affine(x, tuple(shape), maps, fill)


def _pad_widths(x: Tensor, width: Any) -> list[tuple[int, int]]:
    wanted = f"pad_width is a number, a pair or {x.ndim} pairs of numbers >= 0, got {width}"
    found = np.asarray(width, dtype=object)
    try:
        found = np.broadcast_to(found, (x.ndim, 2))
        pairs = [(index_of(a), index_of(b)) for a, b in found.tolist()]
    except (ValueError, TypeError):
        refuse(ShapeError, "pad", (x,), wanted)
    if any(min(p) < 0 or max(p) > MOST or any(isinstance(v, bool) for v in p) for p in found.tolist()):
        refuse(ShapeError, "pad", (x,), wanted)
    return pairs


def window(
    x: Tensor,
    sizes: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: Sequence[tuple[int, int]],
    fill: float = 0.0,
) -> Tensor:
    """Sliding windows over the last ``len(sizes)`` axes: shape (..., out sizes..., window sizes...).

    Element (.., i, .., k, ..) is x[.., i * stride + k * dilation - padding, ..], ``fill`` in the padding. No copy.
    """
    rank = len(sizes)
    lead = x.ndim - rank
    shape: list[Dim] = list(x.shape[:lead])
    maps = [AxisMap(terms=((i, 1),)) for i in range(lead)]
    spare: list[Dim] = []
    for d in range(rank):
        extent = x.shape[lead + d] + padding[d][0] + padding[d][1] - (sizes[d] - 1) * dilations[d] - 1
        if isinstance(extent, int) and extent < 0:
            refuse(
                ShapeError,
                "window",
                (x,),
                f"a window of {sizes[d]} (dilation {dilations[d]}) does not fit axis {lead + d} of size "
                f"{x.shape[lead + d]} with padding {padding[d]}",
            )
        if isinstance(extent, Size):
            spare.append(extent)
        shape.append(extent // strides[d] + 1)
        terms = ((lead + d, strides[d]), (lead + rank + d, dilations[d]))
        maps.append(AxisMap(-padding[d][0], terms, 1, padding[d] != (0, 0)))
    return affine(x, (*shape, *sizes), maps, fill, spare)


def fold(x: Tensor, map: Affine, shape: Shape) -> Tensor:
    """The transpose of a view: out[map(i)] += x[i]."""
    return make(FOLD, Fold(map, shape), (x,))


def concat(operands: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Tensors joined along an axis that exists.

    >>> concat([[1.0, 2.0], [3.0]]).shape
    (3,)
    """
    found = tensors("concat", operands)
    axis = normalize_axis("concat", found[0], axis)
    for t in found[1:]:
        if t.ndim != found[0].ndim or any(
            a != b for i, (a, b) in enumerate(zip(t.shape, found[0].shape, strict=True)) if i != axis
        ):
            shapes = " and ".join(show_shape(s.shape) for s in (found[0], t))
            refuse(ShapeError, "concat", found, f"sizes differ elsewhere than in axis {axis}: {shapes}")
    return found[0] if len(found) == 1 else make(JOIN, Join(axis), found)


def stack(operands: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis."""
    found = tensors("stack", operands)
    axis = whole("stack", "axis", axis, error=ShapeError)
    if len({t.shape for t in found}) != 1:
        shapes = " and ".join(dict.fromkeys(show_shape(t.shape) for t in found))
        refuse(ShapeError, "stack", found, f"takes operands of one shape, got {shapes}")
    return concat([expand_dims(t, axis) for t in found], axis)


def flatten(x: TensorLike, start: int = 0) -> Tensor:
    """All axes from ``start`` on made one."""
    tensor = as_tensor(x, "flatten")
    start = whole("flatten", "start", start, error=ShapeError)
    if not -tensor.ndim <= start <= tensor.ndim:
        refuse(ShapeError, "flatten", (tensor,), f"axis {start} does not exist in {tensor.ndim} dimensions")
    lead = tensor.shape[:start]
    return reshape(tensor, (*lead, product(tensor.shape[start:])))


def unstack(x: TensorLike, axis: int = 0) -> list[Tensor]:
    """The slices along an axis of known size."""
    tensor = as_tensor(x, "unstack")
    axis = normalize_axis("unstack", tensor, axis)
    extent = tensor.shape[axis]
    if isinstance(extent, Size):
        refuse(ShapeError, "unstack", (tensor,), f"axis {axis} has the symbolic size {extent}")
    return [tensor[(*[slice(None)] * axis, i)] for i in range(extent)]


__all__ = [
    "broadcast_arrays",
    "broadcast_to",
    "concat",
    "expand_dims",
    "flatten",
    "flip",
    "matrix_transpose",
    "moveaxis",
    "pad",
    "permute_dims",
    "reshape",
    "squeeze",
    "stack",
    "unstack",
]
