"""The leaves: inputs of a call, parameters and states that outlive it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.build import refuse
from graphad.compiler.errors import DTypeError, ShapeError
from graphad.compiler.ir.dtypes import dtype_name
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.op import INPUT
from graphad.compiler.ir.size import Dim, Size, parse_dim
from graphad.compiler.ir.types import TensorType
from graphad.sites import caller
from graphad.tensor import Parameter, State, Tensor


def input(name: str, shape: Sequence[Any] = (), dtype: Any = "float32") -> Tensor:  # noqa: A001 (the front door)
    """An argument of the compiled function. A size may be a name: ``"N"`` is any size, the same wherever it stands.

    Errors: ShapeError for a size that is neither a number >= 0 nor a name.

    >>> input("x", ("N", 28, 28))
    <input 'x': float32[N,28,28]>
    """
    if not isinstance(name, str) or not name:
        refuse(ShapeError, "input", (), f"the first argument is the input's name, got {name!r}")
    if isinstance(shape, int | str | Size):
        shape = (shape,)
    dims = tuple(_dim(name, d) for d in shape)
    return Tensor(INPUT, Leaf("input", name), (), TensorType(dtype_name(dtype), dims), caller())


def _dim(name: str, d: Any) -> Dim:
    if isinstance(d, str):
        return parse_dim(d)
    if isinstance(d, Size):
        return d
    if isinstance(d, int | np.integer) and not isinstance(d, bool) and d >= 0:
        return int(d)
    refuse(ShapeError, "input", (), f"a size of {name!r} is a number >= 0 or a name such as 'N', got {d!r}")


def parameter(name: str, value: Any) -> Parameter:
    """A trained leaf with storage of its own, a copy of ``value``. Python floats become float32.

    >>> w = parameter("w", [1.0, 2.0])
    >>> w.value = w.value + 1
    >>> w.value
    array([2., 3.], dtype=float32)
    """
    return Parameter(name, _storage(name, value))


def state(name: str, value: Any) -> State:
    """A leaf that outlives the call and is not trained, with storage of its own."""
    return State(name, _storage(name, value))


def _storage(name: str, value: Any) -> np.ndarray:
    array = np.asarray(value)
    if not isinstance(value, np.ndarray | np.generic) and array.dtype == np.float64:
        array = array.astype(np.float32)
    try:
        dtype = dtype_name(array.dtype)
    except DTypeError as error:
        refuse(DTypeError, "parameter", (), f"{name!r}: {error}")
    out = np.empty(array.shape, dtype)
    out[...] = array
    return out
