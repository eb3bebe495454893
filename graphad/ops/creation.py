"""Tensors made from nothing: filled, counted, masked."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.build import MOST, TensorLike, as_dim, as_shape, as_tensor, broadcast, constant, named_dtype, refuse
from graphad.checks import whole
from graphad.compiler.errors import DTypeError, ShapeError
from graphad.compiler.ir.dtypes import DTYPES, is_float
from graphad.compiler.ir.size import Dim, Size
from graphad.ops.arithmetic import equal, where
from graphad.ops.shape import index
from graphad.tensor import Tensor


def full(shape: Any, value: bool | int | float, dtype: Any = None) -> Tensor:
    """``value`` everywhere.

    >>> full((2, 3), 1.5).type
    TensorType(dtype='float32', shape=(2, 3))
    """
    # a Python number, as beside a tensor
    number = constant(float(value) if isinstance(value, np.float64) else value, dtype)
    if number.ndim:
        refuse(ShapeError, "full", (number,), "the value is one number; write ga.broadcast_to(x, shape)")
    return broadcast(number, as_shape("full", (), shape))


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """Zeros, float32 unless said."""
    return full(shape, 0, named_dtype("zeros", dtype))


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """Ones, float32 unless said."""
    return full(shape, 1, named_dtype("ones", dtype))


def full_like(x: TensorLike, value: bool | int | float, dtype: Any = None) -> Tensor:
    """``value`` everywhere, of x's shape and dtype."""
    tensor = as_tensor(x, "full_like")
    return full(tensor.shape, value, tensor.dtype if dtype is None else dtype)


def zeros_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """Zeros of x's shape and dtype."""
    return full_like(x, 0, dtype)


def ones_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """Ones of x's shape and dtype."""
    return full_like(x, 1, dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, *, dtype: Any = None) -> Tensor:
    """``start``, ``start + step``, ... before ``stop``; with one argument 0, 1, ... before it.

    Bounds are numbers or sizes; with a size in them the step is an integer. Of integers int64, of floats float32 unless
    said, also by a dtype in the place of ``stop``.

    Errors: ShapeError for a step of 0, for what is no number, and where a size comes too small for the bounds;
    DTypeError for bool, and for integers that the dtype lacks.

    >>> arange(2, 11, 3).shape, arange("N").shape
    ((3,), (N,))
    """
    if isinstance(stop, type | np.dtype) or (isinstance(stop, str) and stop in DTYPES):
        stop, dtype = None, stop
    low, high = (0, start) if stop is None else (start, stop)
    bounds = _end("start", low), _end("stop", high), _end("step", step)
    name = _counted_in(bounds, dtype)
    count = _steps(*bounds)
    places = index((count,), 0)
    first, _, by = bounds
    if isinstance(count, int) and count and not is_float(name):
        constant([first, first + (count - 1) * by], name)  # that the least and the greatest fit
    if (first, by) == (0, 1):
        return places.astype(name)
    scaled: Tensor = places.astype("float64" if is_float(name) else "int64") * by + first
    return scaled.astype(name)


def _end(which: str, value: Any) -> Any:
    """A bound or the step: a finite number, or a size."""
    if isinstance(value, str):
        return as_dim("arange", (), value)
    if isinstance(value, np.integer | np.floating):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float | Size):
        refuse(ShapeError, "arange", (), f"{which} is a number or a size, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        refuse(ShapeError, "arange", (), f"{which} is a finite number, got {value!r}")
    if which == "step" and value == 0:
        refuse(ShapeError, "arange", (), "step is a number other than 0, got 0")
    return value


def _counted_in(bounds: Sequence[Any], dtype: Any) -> str:
    """The dtype: of integers int64, of floats float32 unless said."""
    whole = all(isinstance(b, int | Size) for b in bounds)
    name = ("int64" if whole else "float32") if dtype is None else named_dtype("arange", dtype)
    if name == "bool":
        refuse(DTypeError, "arange", (), "counts numbers, and bool has none; write dtype='int64'")
    if not whole and not is_float(name):
        refuse(DTypeError, "arange", (), f"{name} cannot hold fractions; write whole numbers, or dtype='float32'")
    return name


def _steps(low: Any, high: Any, step: Any) -> Dim:
    """How many there are; of sizes, what may come negative and is refused then."""
    if isinstance(low, Size) or isinstance(high, Size) or isinstance(step, Size):
        if not all(isinstance(b, int | Size) for b in (low, high)) or not isinstance(step, int):
            refuse(ShapeError, "arange", (), f"with a size in it bounds are whole and the step a number, got {step!r}")
        reach = high - low if step > 0 else low - high
        count: Dim = (reach + (abs(step) - 1)) // abs(step)
        return count
    found: int = -((low - high) // step) if isinstance(low + high + step, int) else math.ceil((high - low) / step)
    if found > MOST:
        refuse(ShapeError, "arange", (), f"{found} numbers are more than memory holds")
    return max(0, found)


def eye(rows: Dim, columns: Dim | None = None, dtype: Any = None) -> Tensor:
    """1 on the diagonal, 0 elsewhere; float32 unless said."""
    shape = as_shape("eye", (), (rows, rows if columns is None else columns))
    return equal(index(shape, 0), index(shape, 1)).astype(named_dtype("eye", dtype))


def tril(x: TensorLike, k: int = 0) -> Tensor:
    """The elements on and below diagonal ``k`` of the last two axes, 0 above."""
    tensor, gap = _matrix("tril", x)
    return where(gap <= whole("tril", "k", k), tensor, 0)


def triu(x: TensorLike, k: int = 0) -> Tensor:
    """The elements on and above diagonal ``k`` of the last two axes, 0 below."""
    tensor, gap = _matrix("triu", x)
    return where(gap >= whole("triu", "k", k), tensor, 0)


def _matrix(name: str, x: TensorLike) -> tuple[Tensor, Tensor]:
    """The operand, and for each element its diagonal: column - row."""
    tensor = as_tensor(x, name)
    if tensor.ndim < 2:
        refuse(ShapeError, name, (tensor,), "takes at least two dimensions")
    return tensor, index(tensor.shape, tensor.ndim - 1) - index(tensor.shape, tensor.ndim - 2)


__all__ = ["arange", "eye", "full", "full_like", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like"]
