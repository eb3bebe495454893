"""The leaves: inputs of a call, parameters and states that outlive it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphad.build import as_array, as_shape, named_dtype, refuse
from graphad.checks import shown
from graphad.compiler.errors import GraphError
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.op import INPUT
from graphad.compiler.ir.types import TensorType
from graphad.sites import caller
from graphad.tensor import Parameter, State, Tensor


def input(name: str, shape: Sequence[Any] = (), dtype: Any = "float32") -> Tensor:
    """An argument of the compiled function. A size may be a name: ``"N"`` is any size, the same wherever it stands.

    Errors: ShapeError for a size that is neither a number >= 0 nor a name, DTypeError for a dtype that is not one of
    the five.

    >>> input("x", ("N", 28, 28))
    <input 'x': float32[N,28,28]>
    """
    if type(name) is not str or not name:
        refuse(GraphError, "input", (), f"the first argument is the input's name, got {shown(name)}")
    who = f"input {name!r}"
    declared = TensorType(named_dtype(who, dtype), as_shape(who, (), shape))
    return Tensor(INPUT, Leaf("input", name), (), declared, caller())


def parameter(name: str, value: Any) -> Parameter:
    """A trained leaf with storage of its own, a copy of ``value``. Python floats become float32.

    >>> w = parameter("w", [1.0, 2.0])
    >>> w.value = w.value + 1
    >>> w.value
    array([2., 3.], dtype=float32)
    """
    return Parameter(name, _storage("parameter", name, value))


def state(name: str, value: Any) -> State:
    """A leaf that outlives the call and is not trained, with storage of its own; see ``State`` for its next value."""
    return State(name, _storage("state", name, value))


def _storage(role: str, name: str, value: Any) -> np.ndarray:
    if type(name) is not str or not name:
        refuse(GraphError, role, (), f"the first argument is the {role}'s name, got {shown(name)}")
    if isinstance(value, Tensor):
        refuse(GraphError, role, (value,), f"the first value of {name!r} is an array, not a tensor")
    array = as_array(f"{role} {name!r}", value)
    if not isinstance(value, np.ndarray | np.generic) and array.dtype == np.float64:
        array = array.astype(np.float32)
    dtype = named_dtype(f"{role} {name!r}", array.dtype)
    out = np.empty(array.shape, dtype)
    out[...] = array
    return out
