"""The one input of a scalar function, and its elements."""

from typing import Any

from graphad.leaves import input as placeholder
from graphad.ops import unstack
from graphad.tensor import Tensor


def scalars(count: int, dtype: Any = "float64") -> tuple[Tensor, list[Tensor]]:
    """An input x of ``count`` elements, and the elements."""
    x = placeholder("x", (count,), dtype)
    return x, unstack(x)
