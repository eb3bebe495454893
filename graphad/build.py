"""Making nodes: operands to tensors, dtypes promoted, shapes broadcast, and errors that say who and where."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NoReturn, TypeAlias

import numpy as np

from graphad.arrays import array_of
from graphad.compiler.errors import DTypeError, GraphadError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import dtype_name, is_float, is_integer, promote, promote_weak
from graphad.compiler.ir.infer import infer
from graphad.compiler.ir.kinds import Constant, Kind, SizeOf, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import CONSTANT, SIZE, VIEW, Op
from graphad.compiler.ir.size import Dim, Size, parse_dim
from graphad.compiler.ir.types import Shape, TensorType, show_shape
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.sites import caller
from graphad.tensor import Number, Tensor

MOST: Final = 2**63 - 1
"""Elements along an axis, at most."""
TensorLike: TypeAlias = Any  # Tensor, NumPy array or scalar, Python number or (nested) list of numbers, Size


def make(op: Op, kind: Kind, operands: Sequence[Node], declared: TensorType | None = None) -> Tensor:
    """A node of ``kind``; a misfit is raised with the op, its operands and the line."""
    try:
        t = infer(kind, [o.type for o in operands], declared)
    except GraphadError as error:
        refuse(type(error), op.name, operands, str(error))
    return Tensor(op, kind, tuple(operands), t, caller())


def refuse(error: type[GraphadError], name: str, operands: Sequence[Any], message: str) -> NoReturn:
    """Raises ``error`` with the culprit op, its operand types, the layer and the user's line."""
    site = caller()
    types = ", ".join(str(o.type) if isinstance(o, Node) else repr(o) for o in operands)
    who = f"{name} in layer {site.layer!r}" if site.layer else name
    raise error(f"{who}({types}): {message} [{site.file}:{site.line}]")


def constant(value: Any, dtype: Any = None) -> Tensor:
    """A known value. Arrays keep their dtype; Python numbers are int64 or float32, booleans bool.

    Errors: DTypeError for a dtype that is not one of the five.

    >>> constant([1.0, 2.0]).type
    TensorType(dtype='float32', shape=(2,))
    """
    if isinstance(value, Tensor):
        return value if dtype is None else value.astype(dtype)
    if isinstance(value, Size):
        found = Tensor(SIZE, SizeOf(value), (), TensorType("int64", ()), caller())
        return found if dtype is None else cast(found, named_dtype("constant", dtype))
    array = as_array("constant", value)
    if dtype is None and not isinstance(value, np.ndarray | np.generic) and array.dtype == np.float64:
        dtype = "float32"
    name = named_dtype("constant", array.dtype if dtype is None else dtype)
    if is_integer(name) and array.size and array.dtype.name != name:
        _check_fits(array, name)
    array = array.astype(name)
    return Tensor(CONSTANT, Constant(array), (), TensorType(name, array.shape), caller())


def named_dtype(name: str, dtype: Any) -> str:
    """The name of a supported dtype, float32 for None, or DTypeError with the op and the line."""
    try:
        return "float32" if dtype is None else dtype_name(dtype)
    except DTypeError as error:
        refuse(DTypeError, name, (), str(error))


def as_array(name: str, value: Any) -> np.ndarray:
    """``value`` as an array of numbers or bools, on the user's line where it is none."""
    try:
        return array_of(value)
    except (DTypeError, ShapeError) as error:
        refuse(type(error), name, (), str(error))
    except GraphadError:  # a list with tensors in it
        refuse(GraphError, name, (), "a list with tensors in it is no array; write ga.stack([...])")


def _check_fits(value: Any, dtype: str) -> None:
    """Refuses integers that would wrap around silently."""
    info, array = np.iinfo(dtype), np.asarray(value)
    if not (array.min() >= info.min and array.max() <= info.max):  # NaN neither
        wrong = array[~((array >= info.min) & (array <= info.max))].flat[0]
        refuse(DTypeError, "constant", (), f"{wrong} does not fit {dtype} ({info.min} to {info.max})")


def _weak(value: bool | int | float, dtype: str) -> Tensor:
    """A Python number in the dtype of what it meets. Its kind is shared: a number is met often."""
    # 0.0 and -0.0, 1 and True are equal as keys of a cache: the sign and the type tell them apart
    kind = _number(value, math.copysign(1, value), dtype)
    return Tensor(CONSTANT, kind, (), TensorType(dtype, ()), caller())


@lru_cache(maxsize=1024, typed=True)
def _number(value: bool | int | float, _: float, dtype: str) -> Constant:
    if isinstance(value, int) and is_integer(dtype):
        _check_fits(value, dtype)
    return Constant(np.asarray(value).astype(dtype))


def is_weak(value: Any) -> bool:
    """A number whose width does not count: Python's, NumPy's float64, which is one of these, and what sizes make."""
    return isinstance(value, bool | int | float | Size | Number)


def tensors(name: str, operands: Sequence[TensorLike]) -> list[Tensor]:
    """The operands as tensors of one dtype: the promotion of the strong ones, with numbers weak."""
    if not isinstance(operands, list | tuple):
        refuse(GraphError, name, (), f"takes a list of tensors, got {type(operands).__name__}")
    if not operands:
        refuse(ShapeError, name, (), "needs at least one operand")
    if all(isinstance(o, Tensor) for o in operands) and len({o.type.dtype for o in operands}) == 1:
        return list(operands)
    strong: list[Tensor | None] = [None if is_weak(o) else _strong(name, o) for o in operands]
    dtypes = [t.dtype for t in strong if t is not None]
    weak = [o for o in operands if is_weak(o)]
    dtype = promote(*dtypes) if dtypes else promote(*map(own_dtype, weak))
    for value in weak:
        dtype = promote_weak(dtype, _like(value))
    return [in_dtype(o, dtype) if t is None else cast(t, dtype) for o, t in zip(operands, strong, strict=True)]


def own_dtype(value: Any) -> str:
    """The dtype of a weak number that meets no tensor."""
    if isinstance(value, Number):
        return value.dtype
    if isinstance(value, bool):
        return "bool"
    return "int64" if isinstance(value, int | Size) else "float64" if isinstance(value, np.float64) else "float32"


def _like(value: Any) -> bool | int | float:
    """A Python number of the same kind."""
    if isinstance(value, Number):
        return 1.0 if is_float(value.dtype) else 1
    return 1 if isinstance(value, Size) else value


def in_dtype(value: Any, dtype: str) -> Tensor:
    """A weak number in the dtype of what it meets."""
    if isinstance(value, Number):
        return value.at(dtype)
    return cast(constant(value), dtype) if isinstance(value, Size) else _weak(value, dtype)


def _strong(name: str, value: TensorLike) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray | np.generic | list | tuple):
        return constant(value)
    refuse(GraphError, name, (value,), f"expected a tensor, an array or a number, got {type(value).__name__}")


def known_number(x: Tensor) -> float | None:
    """The number that ``x`` is everywhere, where that is seen at a glance: a scalar constant, maybe repeated."""
    while x.op is VIEW and not x.operands[0].type.shape and not x.kind.map.guarded:  # type: ignore[union-attr]
        x = x.operands[0]  # type: ignore[assignment]
    return x.kind.value.item() if isinstance(x.kind, Constant) and not x.type.shape else None


def as_tensor(value: TensorLike, name: str = "constant") -> Tensor:
    """A tensor from anything that can be one; a Python number is float32, int64 or bool."""
    return constant(value) if is_weak(value) and not isinstance(value, Tensor) else _strong(name, value)


def cast(x: Tensor, dtype: str) -> Tensor:
    """``x`` itself or converted."""
    return x if x.dtype == dtype else x.astype(dtype)


def need_float(name: str, x: Tensor) -> None:
    """Refuses anything but float32 and float64."""
    if not is_float(x.dtype):
        refuse(DTypeError, name, (x,), f"takes float32 or float64, got {x.dtype}; write ga.astype(x, 'float32')")


def broadcast_shapes(name: str, operands: Sequence[Tensor]) -> Shape:
    """NumPy's rule; a symbolic size meets only itself and 1."""
    return common_shape(name, operands, [t.type.shape for t in operands])


def common_shape(name: str, operands: Sequence[Tensor], shapes: Sequence[Shape]) -> Shape:
    """What ``shapes``, of the operands or of some of their axes, broadcast to; () of none."""
    if not shapes:
        return ()
    if all(s == shapes[0] for s in shapes):
        return shapes[0]
    ndim = max(map(len, shapes))
    out: list[Dim] = []
    for i in range(-ndim, 0):
        wide = {s[i] for s in shapes if i >= -len(s) and s[i] != 1}
        if len(wide) > 1:
            all_shapes = " and ".join(map(show_shape, shapes))
            sizes = " and ".join(sorted(map(str, wide)))
            hint = "; a symbolic size is never 1" if any(isinstance(d, Size) for d in wide) else ""
            refuse(ShapeError, name, operands, f"shapes {all_shapes} do not broadcast: axis {i} is {sizes}{hint}")
        out.append(wide.pop() if wide else 1)
    return tuple(out)


def broadcast(x: Tensor, shape: Shape) -> Tensor:
    """``x`` itself or a view of it with ``shape``, which its own shape broadcasts to."""
    if x.type.shape == shape:
        return x
    return Tensor(VIEW, _repeat(x.type.shape, shape), (x,), TensorType(x.type.dtype, shape), caller())


@lru_cache(maxsize=1024)
def _repeat(old: Shape, new: Shape) -> View:
    lead = len(new) - len(old)
    axes = [AxisMap() if d == 1 and new[lead + i] != 1 else AxisMap(terms=((lead + i, 1),)) for i, d in enumerate(old)]
    return View(Affine(new, tuple(axes)))


def broadcast_all(name: str, operands: Sequence[Tensor]) -> list[Tensor]:
    """All operands with their common shape."""
    shape = broadcast_shapes(name, operands)
    return [broadcast(t, shape) for t in operands]


def as_dim(name: str, x: Sequence[Tensor], d: Any) -> Dim:
    """A size written as a number >= 0, a name or an expression in names."""
    if isinstance(d, Size):
        return d
    if isinstance(d, str):
        try:
            d = parse_dim(d)
        except ShapeError as error:
            refuse(ShapeError, name, x, str(error))
        return d if isinstance(d, Size) else as_dim(name, x, d)
    if isinstance(d, int | np.integer) and not isinstance(d, bool) and d >= 0:
        if d > MOST:
            refuse(ShapeError, name, x, f"a size is at most {MOST}, got {d}")
        return int(d)
    refuse(ShapeError, name, x, f"a size is a number >= 0 or a name such as 'N', got {d!r}")


def as_shape(name: str, x: Sequence[Tensor], shape: Any) -> Shape:
    """A shape from a size or a sequence of sizes."""
    if isinstance(shape, tuple | list):
        return tuple(as_dim(name, x, d) for d in shape)
    return (as_dim(name, x, shape),)


def normalize_axis(name: str, x: Tensor, axis: Any) -> int:
    """An axis counted from the front."""
    if not isinstance(axis, int | np.integer) or isinstance(axis, bool):
        refuse(ShapeError, name, (x,), f"an axis is an integer, got {axis!r}")
    if not x.ndim:
        refuse(ShapeError, name, (x,), f"axis {axis} does not exist: a scalar has no axes")
    if not -x.ndim <= axis < x.ndim:
        refuse(ShapeError, name, (x,), f"axis {axis} does not exist in {x.ndim} dimensions (-{x.ndim} to {x.ndim - 1})")
    return int(axis) % x.ndim


def normalize_axes(name: str, x: Tensor, axis: Any) -> tuple[int, ...]:
    """Axes counted from the front, sorted; all for None."""
    if axis is None:
        return tuple(range(x.ndim))
    axes = list(axis) if isinstance(axis, tuple | list | range) else [axis]
    found = sorted(normalize_axis(name, x, a) for a in axes)
    if len(set(found)) != len(found):
        refuse(ShapeError, name, (x,), f"an axis is named twice in {axes}")
    return tuple(found)
