"""Compiled inner loops for the planners of the rooms above, which must not know Numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from graphad.runtime.lazy import importing, lazy_import

numba_api = lazy_import("graphad.runtime.general.numba_api")

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """The function compiled at its first call for each set of argument types. It releases the GIL.

    1/0 is inf and array indices are not checked. Nothing is cached on disk.
    """
    with importing:  # the first of them sets Numba up, under locks that its own lock for compiling does not cover
        compiled: Function = numba_api.njit(nogil=True, error_model="numpy")(function)
    return compiled
