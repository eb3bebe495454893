"""Reading parts of a tensor: slices are views, integer arrays gather."""

from types import EllipsisType
from typing import Any

import numpy as np

from graphad.build import TensorLike, as_tensor, broadcast_all, make, normalize_axis, refuse
from graphad.compiler.errors import DTypeError, ShapeError
from graphad.compiler.ir.dtypes import is_integer
from graphad.compiler.ir.kinds import Gather, Scatter
from graphad.compiler.ir.op import GATHER, SCATTER
from graphad.compiler.ir.size import Dim, Size, product
from graphad.compiler.ir.view import AxisMap
from graphad.ops.arithmetic import in_range, where
from graphad.ops.shape import affine, index, permute_dims, reshape
from graphad.tensor import Tensor, operator


def gather(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """The kind itself: indices in 0..size-1."""
    return make(GATHER, Gather(axis), (x, indices))


def scatter_add(indices: Tensor, values: Tensor, axis: int, size: Dim) -> Tensor:
    """The transpose of ``gather``: zeros of ``size`` along the axis, with the values added at the indices."""
    return make(SCATTER, Scatter(axis, size), (indices, values))


def take(x: TensorLike, indices: TensorLike, axis: int = 0) -> Tensor:
    """The slices of ``x`` at integer ``indices`` along an axis; negative ones count from the end.

    An index out of range stops the run with an error.

    >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 0], axis=1).shape
    (2, 2)
    """
    tensor = as_tensor(x, "take")
    axis = normalize_axis("take", tensor, axis)
    return gather(tensor, _wrapped("take", as_tensor(indices, "take"), tensor.shape[axis]), axis)


def _wrapped(name: str, indices: Tensor, extent: Dim) -> Tensor:
    if not is_integer(indices.dtype):
        hint = "; a boolean mask has no shape known now: use where" if indices.dtype == "bool" else ""
        refuse(DTypeError, name, (indices,), f"indices are int32 or int64, got {indices.dtype}{hint}")
    return where(indices < 0, indices + as_tensor(extent).astype(indices.dtype), indices)


def take_along_axis(x: TensorLike, indices: TensorLike, axis: int) -> Tensor:
    """out[.., i, ..] = x[.., indices[.., i, ..], ..]: one index for each position, as numpy.take_along_axis."""
    tensor, places = as_tensor(x, "take_along_axis"), as_tensor(indices, "take_along_axis")
    axis = normalize_axis("take_along_axis", tensor, axis)
    if places.ndim != tensor.ndim:
        refuse(ShapeError, "take_along_axis", (tensor, places), "indices have as many axes as x")
    key: list[Tensor] = []
    for i in range(tensor.ndim):
        key.append(places if i == axis else index(places.shape, i))
    return _advanced(tensor, tuple(range(tensor.ndim)), key)


@operator("getitem")
def getitem(x: Tensor, key: Any) -> Tensor:
    """``x[key]`` with integers, slices, None, ... and integer arrays, as NumPy."""
    items = list(key) if isinstance(key, tuple) else [key]
    items = _expand(x, items)
    arrays: list[tuple[int, Any]] = []
    shape: list[Dim] = []
    maps: list[AxisMap] = []
    for item in items:
        if item is None:
            shape.append(1)
            continue
        axis = len(maps)
        if isinstance(item, slice):
            start, step, count = _slice(x, axis, item)
            maps.append(AxisMap(start, ((len(shape), step),)))
            shape.append(count)
        elif isinstance(item, int | np.integer) and not isinstance(item, bool):
            maps.append(AxisMap(_position(x, axis, int(item))))
        else:
            arrays.append((len(shape), item))
            maps.append(AxisMap(0, ((len(shape), 1),)))
            shape.append(x.shape[axis])
    view = affine(x, tuple(shape), maps)
    if not arrays:
        return view
    axes = tuple(a for a, _ in arrays)
    return _advanced(view, axes, [_index_array(x, item) for _, item in arrays])


def _index_array(x: Tensor, item: Any) -> Tensor:
    if isinstance(item, Tensor | np.ndarray | list):
        return as_tensor(item, "getitem")
    refuse(DTypeError, "getitem", (x,), f"an index is an integer, a slice, None, ... or integers, got {item!r}")


def _expand(x: Tensor, items: list[Any]) -> list[Any]:
    used = sum(1 for i in items if i is not None and not isinstance(i, EllipsisType))
    if used > x.ndim:
        refuse(ShapeError, "getitem", (x,), f"{used} indices for {x.ndim} dimensions")
    dots = [i for i, item in enumerate(items) if isinstance(item, EllipsisType)]
    if len(dots) > 1:
        refuse(ShapeError, "getitem", (x,), "only one ... is possible")
    at = dots[0] if dots else len(items)
    return [*items[:at], *[slice(None)] * (x.ndim - used), *items[at + 1 :]]


def _position(x: Tensor, axis: int, item: int) -> Dim:
    extent = x.shape[axis]
    if isinstance(extent, int) and not -extent <= item < extent:
        refuse(ShapeError, "getitem", (x,), f"index {item} is out of range for axis {axis} of size {extent}")
    return extent + item if item < 0 else item


def _slice(x: Tensor, axis: int, item: slice) -> tuple[Dim, int, Dim]:
    extent = x.shape[axis]
    step = 1 if item.step is None else int(item.step)
    if step == 0:
        refuse(ShapeError, "getitem", (x,), "a slice's step is not 0")
    if isinstance(extent, int):
        start, stop, step = slice(item.start, item.stop, step).indices(extent)
        return start, step, len(range(start, stop, step))
    return _symbolic_slice(extent, item.start, item.stop, step)


def _symbolic_slice(extent: Size, start: Any, stop: Any, step: int) -> tuple[Dim, int, Dim]:
    """Bounds on a symbolic axis are taken at their word; a size that is too small for them is refused when it comes."""

    def bound(value: Any, default: Dim) -> Dim:
        if value is None:
            return default
        return extent + value if isinstance(value, int) and value < 0 else value  # type: ignore[no-any-return]

    if step > 0:
        low, high = bound(start, 0), bound(stop, extent)
        return low, step, (high - low + (step - 1)) // step
    low, high = bound(start, extent - 1), bound(stop, -1)
    return low, step, (low - high + (-step - 1)) // -step


def _advanced(x: Tensor, axes: tuple[int, ...], key: list[Tensor]) -> Tensor:
    """Integer arrays at several axes: one gather on the axes joined; NumPy's place for the result's axes."""
    indices = broadcast_all("getitem", [_wrapped("getitem", k, x.shape[a]) for k, a in zip(key, axes, strict=True)])
    if len(axes) == 1:
        return gather(x, indices[0], axes[0])
    flat = indices[0]
    for a, more in zip(axes[1:], indices[1:], strict=True):
        extent = as_tensor(x.shape[a])
        flat = flat * extent + in_range(more, extent)
    adjacent = axes == tuple(range(axes[0], axes[0] + len(axes)))
    first = axes[0] if adjacent else 0
    order = [i for i in range(x.ndim) if i not in axes]
    order[first:first] = axes
    moved = permute_dims(x, order)
    joined = (*moved.shape[:first], product(x.shape[a] for a in axes), *moved.shape[first + len(axes) :])
    return gather(reshape(moved, joined), flat, first)


def one_hot(indices: TensorLike, classes: int, dtype: Any = "float32") -> Tensor:
    """1 at each index along a new last axis, 0 elsewhere; an index out of range stops the run."""
    places = as_tensor(indices, "one_hot")
    checked = in_range(places, classes)
    shape = (*places.shape, classes)
    maps = [AxisMap(terms=((i, 1),)) for i in range(places.ndim)]
    return (index(shape, places.ndim) == affine(checked, shape, maps)).astype(dtype)


__all__ = ["one_hot", "take", "take_along_axis"]
