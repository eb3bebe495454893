"""Tensors made from nothing: filled, counted, masked."""

from typing import Any

from graphad.build import TensorLike, as_dim, as_shape, as_tensor, broadcast, constant, refuse
from graphad.compiler.errors import ShapeError
from graphad.compiler.ir.size import Dim
from graphad.ops.arithmetic import equal, where
from graphad.ops.shape import index
from graphad.tensor import Tensor


def full(shape: Any, value: bool | int | float, dtype: Any = None) -> Tensor:
    """``value`` everywhere.

    >>> full((2, 3), 1.5).type
    TensorType(dtype='float32', shape=(2, 3))
    """
    return broadcast(constant(value, dtype), as_shape("full", (), shape))


def zeros(shape: Any, dtype: Any = "float32") -> Tensor:
    """Zeros."""
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = "float32") -> Tensor:
    """Ones."""
    return full(shape, 1, dtype)


def full_like(x: TensorLike, value: bool | int | float, dtype: Any = None) -> Tensor:
    """``value`` everywhere, of x's shape and dtype."""
    tensor = as_tensor(x)
    return full(tensor.shape, value, dtype or tensor.dtype)


def zeros_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """Zeros of x's shape and dtype."""
    return full_like(x, 0, dtype)


def ones_like(x: TensorLike, dtype: Any = None) -> Tensor:
    """Ones of x's shape and dtype."""
    return full_like(x, 1, dtype)


def arange(count: Dim, dtype: Any = "int64") -> Tensor:
    """0, 1, ..., count - 1."""
    return index((as_dim("arange", (), count),), 0).astype(dtype)


def eye(rows: Dim, columns: Dim | None = None, dtype: Any = "float32") -> Tensor:
    """1 on the diagonal, 0 elsewhere."""
    shape = as_shape("eye", (), (rows, rows if columns is None else columns))
    return equal(index(shape, 0), index(shape, 1)).astype(dtype)


def tril(x: TensorLike, k: int = 0) -> Tensor:
    """The elements on and below diagonal ``k`` of the last two axes, 0 above."""
    tensor, gap = _matrix("tril", x)
    return where(gap <= k, tensor, 0)


def triu(x: TensorLike, k: int = 0) -> Tensor:
    """The elements on and above diagonal ``k`` of the last two axes, 0 below."""
    tensor, gap = _matrix("triu", x)
    return where(gap >= k, tensor, 0)


def _matrix(name: str, x: TensorLike) -> tuple[Tensor, Tensor]:
    """The operand, and for each element its diagonal: column - row."""
    tensor = as_tensor(x, name)
    if tensor.ndim < 2:
        refuse(ShapeError, name, (tensor,), "takes at least two dimensions")
    return tensor, index(tensor.shape, tensor.ndim - 1) - index(tensor.shape, tensor.ndim - 2)


__all__ = ["arange", "eye", "full", "full_like", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like"]
