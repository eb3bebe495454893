"""The elementary functions that have a version for vectors, by the names of the C library.

Errors in units in the last place, measured against mpmath in tests/runtime/test_elementary.py, are at most 2. Those
that float32 has no formula of its own for are computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

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


def elementary(assembly: Assembly, name: str, values: Sequence[Word]) -> Word:
    """name(values) on vectors of float32 or float64; the C library's, lane by lane, where there is no other."""
    kind: Any = values[0].type
    if name in _ALL:
        return _ALL[name](*(Real(assembly, v) for v in values)).word
    if name not in _DOUBLE or (name in _FUSED and not assembly.fused):
        return assembly.libm(name, values)
    if kind.element == "double":
        return _DOUBLE[name](*(Real(assembly, v) for v in values)).word
    wide = [Real(assembly, assembly.fpext(v, kind.of("double"))) for v in values]
    return assembly.fptrunc(_DOUBLE[name](*wide).word, kind)
