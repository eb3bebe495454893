"""What operations cost on a machine: seconds a unit, by feature. ``features.py`` says what the features count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

FLOATS: Final = ("float32", "float64")

REPRESENTATIVES: Final[Mapping[str, tuple[str, float]]] = {
    "div": ("div", 1.0), "sqrt": ("sqrt", 1.0), "mod": ("mod", 1.0), "floordiv": ("mod", 1.0),
    "exp": ("exp", 1.0), "exp2": ("exp", 0.7), "log": ("log", 1.0), "log2": ("log", 0.8), "log10": ("log", 2.0),
    "expm1": ("expm1", 1.0), "log1p": ("expm1", 1.0), "cosh": ("expm1", 1.0), "sinh": ("expm1", 1.5),
    "sin": ("sin", 1.0), "cos": ("sin", 1.0), "tan": ("atan", 1.2),
    "tanh": ("tanh", 1.0), "erf": ("erf", 1.0), "erfc": ("erf", 1.2),
    "atan": ("atan", 1.0), "asin": ("atan", 0.9), "acos": ("atan", 0.9), "atan2": ("atan", 1.8),
    "asinh": ("atan", 2.4), "acosh": ("atan", 2.2), "atanh": ("atan", 2.4), "cbrt": ("atan", 1.7),
    "pow": ("pow", 1.0), "hypot": ("pow", 0.6),
}  # fmt: skip
"""The function whose rate a primitive has, times a factor; what is not named costs as much as an addition."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine's rates.

    Args:
        rates: seconds a unit of each feature: ``call``, ``launch``, ``float32.exp`` (an evaluation among many),
            ``float32.exp.scalar`` (one of few), ``bytes.0`` (a byte from the nearest cache) and so on.
        caches: capacities in bytes, nearest first. What is not in the last comes from memory.
        calibrated: when the rates were measured, as an ISO date; "" for typical ones.
    """

    rates: Mapping[str, float]
    caches: tuple[int, ...] = (32 * 1024, 512 * 1024, 16 * 1024 * 1024)
    calibrated: str = field(default="")

    def seconds(self, features: Mapping[str, float]) -> float:
        """The time of so many units of each feature."""
        rates = self.rates
        return sum(rates[name] * count for name, count in features.items())

    def level(self, distance: float) -> int:
        """The cache that holds what was touched ``distance`` bytes ago; their number stands for memory."""
        for level, capacity in enumerate(self.caches):
            if distance <= capacity:
                return level
        return len(self.caches)


_LOOPS: Final = {
    "plain": 0.06, "div": 0.25, "sqrt": 0.3, "mod": 7.5, "exp": 3.0, "log": 3.4, "expm1": 10.0, "sin": 4.0,
    "tanh": 16.0, "erf": 4.8, "atan": 10.0, "pow": 6.5, "sum": 0.1, "max": 1.0, "arg": 1.5, "nest": 0.1,
}  # fmt: skip
_PRODUCTS: Final = {"nest.strided": 1.0, "product": 0.022, "product.tile": 0.4, "product.cell": 0.2}
_SCALAR: Final = 0.3  # the least an evaluation costs outside vectors
_OTHERS: Final = {
    "call": 1200.0, "fork": 15000.0, "barrier": 500.0, "launch": 8.0, "product.start": 20.0, "integer": 0.2,
    "pack": 1.0, "move": 1.0, "gather": 1.5, "scan": 1.5, "fold": 1.5,
    "bytes.0": 0.01, "bytes.1": 0.025, "bytes.2": 0.05, "bytes.3": 0.15,
}  # fmt: skip


def _typical() -> dict[str, float]:
    """In nanoseconds above, for float32; vectors hold half as many float64."""
    found = dict(_OTHERS)
    for dtype, width in zip(FLOATS, (1.0, 2.0), strict=True):
        for name, each in _LOOPS.items():
            found[f"{dtype}.{name}"] = width * each
            found[f"{dtype}.{name}.scalar"] = max(width * each, _SCALAR)
        for name, each in _PRODUCTS.items():
            found[f"{dtype}.{name}"] = width * each
    return {name: each * 1e-9 for name, each in found.items()}


TYPICAL: Final = Machine(MappingProxyType(_typical()))
"""Rates of a common x86 core, for a machine that was never calibrated."""
