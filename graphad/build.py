"""Making nodes: operands to tensors, dtypes promoted, shapes broadcast, and errors that say who and where."""

from collections.abc import Sequence
from typing import Any, NoReturn, TypeAlias

import numpy as np

from graphad.compiler.errors import DTypeError, GraphadError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import dtype_name, is_float, promote, promote_weak
from graphad.compiler.ir.infer import infer
from graphad.compiler.ir.kinds import Constant, Kind, SizeOf, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import CONSTANT, SIZE, VIEW, Op
from graphad.compiler.ir.size import Dim, Size
from graphad.compiler.ir.types import Shape, TensorType, show_shape
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.sites import caller
from graphad.tensor import Tensor

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
        return Tensor(SIZE, SizeOf(value), (), TensorType("int64", ()), caller())
    array = np.asarray(value)
    if dtype is None and not isinstance(value, np.ndarray | np.generic) and array.dtype == np.float64:
        dtype = "float32"
    try:
        name = dtype_name(array.dtype if dtype is None else dtype)
    except DTypeError as error:
        refuse(DTypeError, "constant", (), str(error))
    array = array.astype(name)
    return Tensor(CONSTANT, Constant(array), (), TensorType(name, array.shape), caller())


def is_weak(value: Any) -> bool:
    """A Python number, whose width does not count in promotion."""
    return isinstance(value, bool | int | float) and not isinstance(value, np.generic)


def tensors(name: str, operands: Sequence[TensorLike]) -> list[Tensor]:
    """The operands as tensors of one dtype: the promotion of the strong ones, with Python numbers weak."""
    strong: list[Tensor | None] = [None if is_weak(o) else _strong(name, o) for o in operands]
    dtypes = [t.dtype for t in strong if t is not None]
    weak = [o for o in operands if is_weak(o)]
    dtype = promote(*dtypes) if dtypes else _default(weak)
    for value in weak:
        dtype = promote_weak(dtype, value)
    return [constant(o, dtype) if t is None else cast(t, dtype) for o, t in zip(operands, strong, strict=True)]


def _default(values: Sequence[bool | int | float]) -> str:
    return promote(*("bool" if isinstance(v, bool) else "int64" if isinstance(v, int) else "float32" for v in values))


def _strong(name: str, value: TensorLike) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray | np.generic | list | tuple | Size):
        return constant(value)
    refuse(GraphError, name, (value,), f"expected a tensor, an array or a number, got {type(value).__name__}")


def as_tensor(value: TensorLike, name: str = "constant") -> Tensor:
    """A tensor from anything that can be one; a Python number is float32, int64 or bool."""
    return constant(value) if is_weak(value) else _strong(name, value)


def cast(x: Tensor, dtype: str) -> Tensor:
    """``x`` itself or converted."""
    return x if x.dtype == dtype else x.astype(dtype)


def need_float(name: str, x: Tensor) -> None:
    """Refuses anything but float32 and float64."""
    if not is_float(x.dtype):
        refuse(DTypeError, name, (x,), f"takes float32 or float64, got {x.dtype}; write ga.astype(x, 'float32')")


def broadcast_shapes(name: str, operands: Sequence[Tensor]) -> Shape:
    """NumPy's rule; a symbolic size meets only itself and 1."""
    ndim = max(t.ndim for t in operands)
    out: list[Dim] = []
    for i in range(ndim):
        dims = [t.shape[i - ndim + t.ndim] for t in operands if i - ndim + t.ndim >= 0]
        wide = {d for d in dims if d != 1}
        if len(wide) > 1:
            shapes = " and ".join(show_shape(t.shape) for t in operands)
            sizes = " and ".join(sorted(map(str, wide)))
            hint = "; a symbolic size is never 1" if any(isinstance(d, Size) for d in wide) else ""
            refuse(ShapeError, name, operands, f"shapes {shapes} do not broadcast: axis {i - ndim} is {sizes}{hint}")
        out.append(wide.pop() if wide else 1)
    return tuple(out)


def broadcast(x: Tensor, shape: Shape) -> Tensor:
    """``x`` itself or a view of it with ``shape``, which its own shape broadcasts to."""
    if x.shape == shape:
        return x
    lead = len(shape) - x.ndim
    axes = tuple(
        AxisMap() if d == 1 and shape[lead + i] != 1 else AxisMap(terms=((lead + i, 1),)) for i, d in enumerate(x.shape)
    )
    return make(VIEW, View(Affine(shape, axes)), (x,))


def broadcast_all(name: str, operands: Sequence[Tensor]) -> list[Tensor]:
    """All operands with their common shape."""
    shape = broadcast_shapes(name, operands)
    return [broadcast(t, shape) for t in operands]


def normalize_axis(name: str, x: Tensor, axis: int) -> int:
    """An axis counted from the front."""
    if not isinstance(axis, int | np.integer) or isinstance(axis, bool):
        refuse(ShapeError, name, (x,), f"an axis is an integer, got {axis!r}")
    if not -x.ndim <= axis < x.ndim:
        refuse(ShapeError, name, (x,), f"axis {axis} does not exist in {x.ndim} dimensions (-{x.ndim} to {x.ndim - 1})")
    return int(axis) % x.ndim


def normalize_axes(name: str, x: Tensor, axis: int | Sequence[int] | None) -> tuple[int, ...]:
    """Axes counted from the front, sorted; all for None."""
    if axis is None:
        return tuple(range(x.ndim))
    axes = [axis] if isinstance(axis, int | np.integer) else list(axis)
    found = sorted(normalize_axis(name, x, a) for a in axes)
    if len(set(found)) != len(found):
        refuse(ShapeError, name, (x,), f"an axis is named twice in {axes}")
    return tuple(found)
