"""Reading parts of a tensor: slices are views, integer arrays gather."""

from types import EllipsisType
from typing import Any

import numpy as np

from graphad.build import TensorLike, as_dim, as_tensor, broadcast_all, constant, make, normalize_axis, refuse
from graphad.compiler.errors import DTypeError, ShapeError
from graphad.compiler.ir.dtypes import is_integer
from graphad.compiler.ir.kinds import Constant, Gather, Index, Scatter
from graphad.compiler.ir.op import GATHER, SCATTER
from graphad.compiler.ir.size import Dim, Size, product
from graphad.compiler.ir.view import AxisMap
from graphad.ops.arithmetic import from_end, in_range
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

    Shape: x's, with the axis replaced by the indices' axes. Errors: DTypeError for indices that are not int32 or int64,
    ShapeError for a known index out of range; one that comes out of range stops the run.

    >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 0], axis=1).shape
    (2, 2)
    """
    tensor = as_tensor(x, "take")
    axis = normalize_axis("take", tensor, axis)
    return gather(tensor, _wrapped("take", tensor, as_tensor(indices, "take"), axis), axis)


def _wrapped(name: str, x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """Indices counted from the front."""
    extent = x.shape[axis]
    if not is_integer(indices.dtype):
        hint = "; the shape that a mask leaves is not known now: use where" if indices.dtype == "bool" else ""
        refuse(DTypeError, name, (x, indices), f"indices are int32 or int64, got {indices.dtype}{hint}")
    if isinstance(indices.kind, Constant) and isinstance(extent, int):
        return _known(name, x, indices, axis, extent)
    if isinstance(indices.kind, Index):
        return indices
    return from_end(indices, as_tensor(extent).astype(indices.dtype))


def _known(name: str, x: Tensor, indices: Tensor, axis: int, extent: int) -> Tensor:
    assert isinstance(indices.kind, Constant)
    values = indices.kind.value
    wrong = values[(values < -extent) | (values >= extent)]
    if wrong.size:
        refuse(ShapeError, name, (x, indices), f"index {wrong[0]} is out of range for axis {axis} of size {extent}")
    return constant(np.where(values < 0, values + extent, values), indices.dtype) if (values < 0).any() else indices


def take_along_axis(x: TensorLike, indices: TensorLike, axis: int) -> Tensor:
    """out[.., i, ..] = x[.., indices[.., i, ..], ..]: one index for each position, as numpy.take_along_axis.

    Shape: the indices'; their other axes are those of x.

    >>> take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]], axis=1).shape
    (2, 1)
    """
    name = "take_along_axis"
    tensor, places = as_tensor(x, name), as_tensor(indices, name)
    axis = normalize_axis(name, tensor, axis)
    if places.ndim != tensor.ndim:
        refuse(ShapeError, name, (tensor, places), f"indices have as many axes as x, {tensor.ndim}, got {places.ndim}")
    for i in range(tensor.ndim):
        if i != axis and places.shape[i] != tensor.shape[i]:
            hint = "; repeat it with broadcast_to" if 1 in (places.shape[i], tensor.shape[i]) else ""
            sizes = f"{tensor.shape[i]} in x and {places.shape[i]} in the indices"
            refuse(ShapeError, name, (tensor, places), f"axis {i} is {sizes}{hint}")
    key = [_wrapped(name, tensor, places, axis) if i == axis else index(places.shape, i) for i in range(tensor.ndim)]
    return _advanced(tensor, tuple(range(tensor.ndim)), key, 0)


@operator("getitem")
def getitem(x: Tensor, key: Any) -> Tensor:
    """``x[key]`` with integers, slices, None, ... and integer arrays, as NumPy."""
    items = _expand(x, list(key) if isinstance(key, tuple) else [key])
    arrays: list[tuple[int, int, Any]] = []  # the axis of the view, the axis of x, the index
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
        elif _is_integer(item):
            maps.append(AxisMap(_position(x, axis, int(item))))
        else:
            arrays.append((len(shape), axis, item))
            maps.append(AxisMap(0, ((len(shape), 1),)))
            shape.append(x.shape[axis])
    view = affine(x, tuple(shape), maps)
    if not arrays:
        return view
    key = [_wrapped("getitem", x, _index_array(x, item), axis) for _, axis, item in arrays]
    axes = tuple(a for a, _, _ in arrays)
    return _advanced(view, axes, key, axes[0] if _adjacent(items) else 0)


def _is_integer(item: Any) -> bool:
    return isinstance(item, int | np.integer) and not isinstance(item, bool)


def _adjacent(items: list[Any]) -> bool:
    """Whether the arrays stand side by side, a number counting as one: then the result's axes stay in their place."""
    places = [i for i, item in enumerate(items) if item is not None and not isinstance(item, slice)]
    return places[-1] - places[0] == len(places) - 1


def _index_array(x: Tensor, item: Any) -> Tensor:
    if not isinstance(item, Tensor | np.ndarray | list):
        refuse(DTypeError, "getitem", (x,), f"an index is an integer, a slice, None, ... or integers, got {item!r}")
    return constant(item, "int64") if isinstance(item, list) and not item else as_tensor(item, "getitem")


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
    start, stop, step = (_bound(x, b) for b in (item.start, item.stop, item.step))
    if step is None:
        step = 1
    if step == 0 or not isinstance(step, int):
        refuse(ShapeError, "getitem", (x,), f"a slice's step is a number other than 0, got {step!r}")
    if not any(isinstance(d, Size) for d in (extent, start, stop)):
        first, last, step = slice(start, stop, step).indices(extent)
        return first, step, len(range(first, last, step))
    return _symbolic_slice(extent, start, stop, step)


def _bound(x: Tensor, value: Any) -> Dim | None:
    if value is not None and not isinstance(value, Size) and not _is_integer(value):
        refuse(DTypeError, "getitem", (x,), f"a slice's bound is an integer or a size, got {value!r}; ga.take a tensor")
    return int(value) if _is_integer(value) else value


def _symbolic_slice(extent: Dim, start: Dim | None, stop: Dim | None, step: int) -> tuple[Dim, int, Dim]:
    """Bounds on a symbolic axis are taken at their word; a size that is too small for them is refused when it comes."""

    def bound(value: Dim | None, default: Dim) -> Dim:
        if value is None:
            return default
        return extent + value if isinstance(value, int) and value < 0 else value

    if step > 0:
        low, reach = bound(start, 0), bound(stop, extent) - bound(start, 0)
    else:
        low, reach = bound(start, extent - 1), bound(start, extent - 1) - bound(stop, -1)
    count = (reach + (abs(step) - 1)) // abs(step)
    return low, step, max(count, 0) if isinstance(count, int) else count


def _advanced(x: Tensor, axes: tuple[int, ...], key: list[Tensor], first: int) -> Tensor:
    """Indices at several axes: one gather on these axes, joined; the result's axes stand at ``first``."""
    order = [i for i in range(x.ndim) if i not in axes]
    order[first:first] = axes
    moved = permute_dims(x, order)
    indices = broadcast_all("getitem", key)
    if len(axes) == 1:
        return gather(moved, indices[0], first)
    flat: Tensor | None = None
    for a, given, more in zip(axes, key, indices, strict=True):
        extent = as_tensor(x.shape[a])
        # each is looked at by itself, so that an error tells an index and not a place in the joined axes
        found = more if isinstance(given.kind, Index | Constant) else in_range(more, extent)
        flat = found if flat is None else flat * extent + found
    assert flat is not None
    joined = (*moved.shape[:first], product(x.shape[a] for a in axes), *moved.shape[first + len(axes) :])
    return gather(reshape(moved, joined), flat, first)


def one_hot(indices: TensorLike, classes: int, dtype: Any = "float32") -> Tensor:
    """1 at each index along a new last axis, 0 elsewhere; an index out of range stops the run.

    >>> one_hot([2, 0], 3).shape
    (2, 3)
    """
    places = as_tensor(indices, "one_hot")
    if not is_integer(places.dtype):
        refuse(DTypeError, "one_hot", (places,), f"indices are int32 or int64, got {places.dtype}")
    count = as_dim("one_hot", (places,), classes)
    checked = in_range(places, count)
    shape = (*places.shape, count)
    maps = [AxisMap(terms=((i, 1),)) for i in range(places.ndim)]
    return (index(shape, places.ndim) == affine(checked, shape, maps)).astype(dtype)


__all__ = ["one_hot", "take", "take_along_axis"]
