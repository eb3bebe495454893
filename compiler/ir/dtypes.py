"""The five dtypes and their promotion.

The dtypes form one chain, bool < int32 < int64 < float32 < float64, and the result of mixing two is the greater.
Within booleans, integers and floats that is the Array API's table; for an integer with a float, which the standard
leaves open, the float's own dtype wins (as in JAX and PyTorch), so that an index never turns a float32 model float64.
"""

from typing import Final

import numpy as np

from graphad.compiler.errors import DTypeError

DTYPES: Final = ("bool", "int32", "int64", "float32", "float64")
_RANK: Final = {name: rank for rank, name in enumerate(DTYPES)}
ITEMSIZE: Final = {"bool": 1, "int32": 4, "int64": 8, "float32": 4, "float64": 8}


def dtype_name(dtype: object) -> str:
    """The name of a supported dtype, from a name, a NumPy dtype or scalar type, or bool/int/float.

    >>> dtype_name(np.float32), dtype_name("int64"), dtype_name(bool)
    ('float32', 'int64', 'bool')
    """
    if dtype is int:
        return "int64"
    if dtype is float:
        return "float64"
    try:
        name = np.dtype(dtype).name  # type: ignore[call-overload]
    except (TypeError, ValueError):  # a tensor has a dtype that NumPy knows nothing of
        name = str(dtype)
    if name not in _RANK:
        raise DTypeError(f"dtype {name} is not supported; write one of {', '.join(DTYPES)}")
    return str(name)


def is_float(dtype: str) -> bool:
    """Whether derivatives exist in this dtype.

    >>> is_float("float32"), is_float("int64")
    (True, False)
    """
    return dtype.startswith("float")


def is_integer(dtype: str) -> bool:
    """Whether the dtype is int32 or int64 (bool is neither)."""
    return dtype.startswith("int")


def promote(*dtypes: str) -> str:
    """The dtype that holds all of them.

    >>> promote("int64", "float32"), promote("bool", "int32")
    ('float32', 'int32')
    """
    out = dtypes[0]
    for dtype in dtypes[1:]:
        if _RANK[dtype] > _RANK[out]:
            out = dtype
    return out


def promote_weak(dtype: str, value: bool | int | float) -> str:
    """The dtype of an operation between an array of ``dtype`` and a Python scalar, which is weak: its kind counts,
    its width does not.

    >>> promote_weak("float32", 2.5), promote_weak("int32", 2.5), promote_weak("bool", 3)
    ('float32', 'float32', 'int64')
    """
    if isinstance(value, bool):
        return dtype
    if isinstance(value, int):
        return "int64" if dtype == "bool" else dtype
    return dtype if is_float(dtype) else "float32"
