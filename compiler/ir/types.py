"""Tensor types: a dtype and a shape of numbers and symbolic sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graphad.compiler.ir.size import Dim, evaluate, product

Shape: TypeAlias = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class TensorType:
    """``float32[N,10]``: what every node's value is."""

    dtype: str
    shape: Shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """Number of elements."""
        return product(self.shape)

    def at(self, sizes: Mapping[str, Dim]) -> "TensorType":
        """The type with named sizes replaced, by numbers or others."""
        return TensorType(self.dtype, tuple(evaluate(d, sizes) for d in self.shape))

    def __str__(self) -> str:
        return f"{self.dtype}{show_shape(self.shape)}"


def show_shape(shape: Shape) -> str:
    """A shape as the text form writes it.

    >>> show_shape((64, 10))
    '[64,10]'
    """
    return f"[{','.join(map(str, shape))}]"
