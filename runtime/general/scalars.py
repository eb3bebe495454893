"""Scalar functions that Numba lacks, widens to float64, or guards with an exception path.

All are intrinsics, not functions: a function would cost some 30 ms of compilation in every program.
"""

from __future__ import annotations

from typing import Any

from graphad.runtime import emitters
from graphad.runtime.emitters import Emit
from graphad.runtime.general.numba_api import intrinsic, signature, types


def _common(typingctx: Any, kinds: tuple[Any, ...]) -> Any:
    """The one type that all arguments are converted to."""
    return typingctx.unify_types(*(types.unliteral(kind) for kind in kinds))


def _emitter(common: Any, emit: Emit) -> Any:
    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        values = (context.cast(builder, value, kind, common) for value, kind in zip(args, sig.args, strict=True))
        return emit(builder, *values)

    return codegen


def _unary(name: str, real: Emit, whole: Emit | None) -> Any:
    """An intrinsic name(x); `whole` is the emitter for integers, None if they become float64."""

    def function(typingctx: Any, x: Any) -> Any:
        kind = types.unliteral(x)
        if whole is None and not isinstance(kind, types.Float):
            kind = types.float64
        return signature(kind, kind), _emitter(kind, real if isinstance(kind, types.Float) or whole is None else whole)

    function.__name__ = function.__qualname__ = name
    return intrinsic(function)


def _binary(name: str, real: Emit, whole: Emit) -> Any:
    """An intrinsic name(x, y) on the arguments' common type."""

    def function(typingctx: Any, x: Any, y: Any) -> Any:
        kind = _common(typingctx, (x, y))
        return signature(kind, kind, kind), _emitter(kind, real if isinstance(kind, types.Float) else whole)

    function.__name__ = function.__qualname__ = name
    return intrinsic(function)


lanes = range
"""A loop over independent points: the translator puts them into the lanes of vectors, Numba runs it as a range."""


@intrinsic
def select(typingctx: Any, condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y; both are evaluated, nothing branches."""
    kind = _common(typingctx, (x, y))

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        return builder.select(*args)

    return signature(kind, types.boolean, kind, kind), codegen


@intrinsic
def fma(typingctx: Any, x: Any, y: Any, z: Any) -> Any:
    """x * y + z, rounded once."""
    kind = _common(typingctx, (x, y, z))
    return signature(kind, kind, kind, kind), _emitter(kind, emitters.llvm("llvm.fma"))


@intrinsic
def share(typingctx: Any, extent: Any, part: Any, parts: Any, grain: Any) -> Any:
    """Where a part's share of 0..extent begins, in multiples of the grain; the share of part `parts` is the end."""

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        values = (context.cast(builder, a, k, types.int64) for a, k in zip(args, sig.args, strict=True))
        return emitters.share(builder, *values)

    return signature(types.int64, extent, part, parts, grain), codegen


def _first(pair: Emit) -> Emit:
    return lambda builder, x, y: pair(builder, x, y)[0]


def _second(pair: Emit) -> Emit:
    return lambda builder, x, y: pair(builder, x, y)[1]


maximum = _binary("maximum", emitters.larger, emitters.whole_larger)
minimum = _binary("minimum", emitters.smaller, emitters.whole_smaller)
floordiv = _binary("floordiv", _first(emitters.real_divmod), _first(emitters.whole_divmod))
mod = _binary("mod", _second(emitters.real_divmod), _second(emitters.whole_divmod))
sign = _unary("sign", emitters.sign, emitters.whole_sign)
fabs = _unary("fabs", emitters.llvm("llvm.fabs"), emitters.whole_abs)
floor = _unary("floor", emitters.llvm("llvm.floor"), emitters.same)
ceil = _unary("ceil", emitters.llvm("llvm.ceil"), emitters.same)
trunc = _unary("trunc", emitters.llvm("llvm.trunc"), emitters.same)
rint = _unary("rint", emitters.llvm("llvm.rint"), emitters.same)
sqrt = _unary("sqrt", emitters.llvm("llvm.sqrt"), None)
cbrt = _unary("cbrt", emitters.libm("cbrt"), None)


def _real_only(name: str, emit: Emit) -> Any:
    """An intrinsic name(x, y); whole numbers become float64."""

    def function(typingctx: Any, x: Any, y: Any) -> Any:
        kind = _common(typingctx, (x, y))
        kind = kind if isinstance(kind, types.Float) else types.float64
        return signature(kind, kind, kind), _emitter(kind, emit)

    function.__name__ = function.__qualname__ = name
    return intrinsic(function)


copysign = _real_only("copysign", emitters.llvm("llvm.copysign"))
fmod = _real_only("fmod", emitters.libm("fmod"))
