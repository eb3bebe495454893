"""Every name that generated code may use: `from graphad.runtime.kernel import *`. What they are for Numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphad.runtime.general.buffers import (
    bool_at,
    buffer_at,
    float32_at,
    float64_at,
    int32_at,
    int64_at,
    offset,
    prefetch,
    stream,
)
from graphad.runtime.general.numba_api import float32, float64, int32, int64, njit
from graphad.runtime.general.panels import multiply_panel, transpose_panel
from graphad.runtime.general.pipeline import KernelCompiler
from graphad.runtime.general.scalars import (
    cbrt,
    ceil,
    copysign,
    fabs,
    floor,
    floordiv,
    fma,
    fmod,
    lanes,
    maximum,
    minimum,
    mod,
    rint,
    select,
    share,
    sign,
    sqrt,
    trunc,
)
from graphad.runtime.general.sync import barrier, fail, stamp

__all__ = [
    # decorators
    "kernel", "entry",
    # memory
    "float32_at", "float64_at", "int32_at", "int64_at", "bool_at", "offset", "buffer_at", "stream", "prefetch",
    # threads
    "barrier", "stamp", "fail", "share",
    # loops
    "lanes",
    # matrix products
    "multiply_panel", "transpose_panel",
    # types, callable as casts
    "float32", "float64", "int32", "int64",
    # scalars that Numba lacks, widens or guards
    "select", "maximum", "minimum", "sign", "copysign", "fabs", "floordiv", "mod", "fma", "sqrt",
    "floor", "ceil", "trunc", "rint", "cbrt", "fmod",
]  # fmt: skip

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",  # 1/0 is inf, not an exception that stops vectorisation
    "boundscheck": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": KernelCompiler,
}


def kernel(
    function: Callable[..., Any] | None = None,
    *,
    reassociate: bool = False,
    contract: bool = True,
    scheduled: bool = False,
) -> Any:
    """Mark a function that generated code calls. Its buffers must not overlap (in place: pass one buffer once).

    `contract` lets a*b+c round once; `reassociate` lets sums change their order, so that reductions vectorise;
    `scheduled` says that there is nothing left to optimise: a hint, not heard here.
    """
    flags = (("reassoc", "nsz") if reassociate else ()) + (("contract",) if contract else ())

    def decorate(defined: Callable[..., Any]) -> Any:
        return njit(fastmath=set(flags) or False, **_OPTIONS)(defined)

    return decorate if function is None else decorate(function)


def entry(function: Callable[..., Any]) -> Any:
    """Mark `run(table, sizes, part, parts, sync, clock, status)`: int64 buffers, and the numbers part and parts."""
    return njit(**_OPTIONS)(function)
