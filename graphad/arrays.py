"""Arrays from what the user hands over, where nothing may be lost silently."""

import sys
from typing import Any

import numpy as np

from graphad.compiler.errors import DTypeError, ShapeError
from graphad.compiler.ir.dtypes import DTYPES


def array_of(value: Any) -> np.ndarray:
    """``value`` as an array of numbers or bools, of any NumPy dtype.

    Errors, without the line, which the caller knows: DTypeError for a mask, complex numbers, texts and other objects;
    ShapeError for rows of different lengths.
    """
    if masked(value) or (isinstance(value, list | tuple) and any(map(masked, value))):
        raise DTypeError("a mask would be lost; write .filled(value)")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ShapeError(str(error)) from error
    if array.dtype.kind not in "biuf":
        raise DTypeError(_why_not(array))
    return array


def masked(value: object) -> bool:
    """Whether it is an array with a mask. Asks nothing of numpy.ma, which takes 15 ms to import, unless it is there."""
    return "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray)


def _why_not(array: np.ndarray) -> str:
    if array.dtype.kind == "c":
        return f"dtype {array.dtype} is not supported; write one of {', '.join(DTYPES)}"
    if array.dtype == object:
        return "it holds what is no number, or an integer that does not fit int64"
    return f"dtype {array.dtype} is not supported; write one of {', '.join(DTYPES)}"
