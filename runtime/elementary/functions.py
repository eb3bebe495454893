"""The elementary functions that have a version for vectors, by the names of the C library.

Largest errors found, in units in the last place (3,000 arguments a range, against mpmath; float64, then float32):

    sin 1.4 1.4    exp   1.0 1.0    log   0.7 0.7    tanh 2.3 2.0    atan 1.0 0.5    pow   0.6 0.5
    cos 1.3 1.3    exp2  1.0 1.0    log2  0.7 0.5    sinh 1.7 1.6    asin 1.9 0.5    atan2 1.2 0.5
    tan 2.6 2.8    expm1 1.6 1.4    log10 0.6 0.5    cosh 1.3 1.4    acos 1.0 0.5    log1p 0.7 0.7

What float32 has no formula of its own for is computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphad.runtime.assembly import Assembly, Word
from graphad.runtime.elementary import circular, exponential, logarithm
from graphad.runtime.elementary.real import Real

_ALL: dict[str, Callable[..., Real]] = {
    "sin": circular.sin, "cos": circular.cos, "tan": circular.tan, "exp": exponential.exp, "exp2": exponential.exp2,
    "expm1": exponential.expm1, "log": logarithm.log, "log1p": logarithm.log1p, "tanh": exponential.tanh,
    "sinh": exponential.sinh, "cosh": exponential.cosh,
}  # fmt: skip
_DOUBLE: dict[str, Callable[..., Real]] = {
    "log2": logarithm.log2, "log10": logarithm.log10, "atan": circular.atan, "atan2": circular.atan2,
    "asin": circular.asin, "acos": circular.acos, "pow": logarithm.pow,
}  # fmt: skip
_FUSED = frozenset(("pow",))
_FUSED_IN_FLOAT32 = frozenset(("sin", "cos", "tan"))


def elementary(assembly: Assembly, name: str, values: Sequence[Word]) -> Word:
    """name(values) on vectors of float32 or float64; the C library's, lane by lane, where there is no other."""
    kind = values[0].type
    function = _ALL.get(name) or _DOUBLE.get(name)
    if function is None or (name in _FUSED and not assembly.fused):
        return assembly.libm(name, values)
    if kind.element == "double" or (name in _ALL and (assembly.fused or name not in _FUSED_IN_FLOAT32)):
        return function(*(Real(assembly, v) for v in values)).word
    wide = [Real(assembly, assembly.fpext(v, kind.of("double"))) for v in values]
    return assembly.fptrunc(function(*wide).word, kind)
