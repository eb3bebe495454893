"""What operations cost on a machine: seconds a unit, by feature. ``features.py`` says what the features count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

FLOATS: Final = ("float32", "float64")

REPRESENTATIVES: Final[Mapping[str, tuple[str, float]]] = {
    "div": ("div", 1.0), "sqrt": ("sqrt", 1.0), "mod": ("mod", 1.0), "floordiv": ("mod", 1.0),
    "exp": ("exp", 1.0), "exp2": ("exp", 0.8), "log": ("log", 1.0), "log2": ("log", 0.9), "log10": ("log", 1.5),
    "expm1": ("expm1", 1.0), "log1p": ("expm1", 1.0), "cosh": ("expm1", 1.0), "sinh": ("expm1", 1.5),
    "sin": ("sin", 1.0), "cos": ("sin", 1.0), "tan": ("sin", 2.0), "tanh": ("tanh", 1.0),
    "erf": ("erf", 1.0), "erfc": ("erf", 1.2), "pow": ("pow", 1.0),
    "atan": ("atan", 1.0), "asin": ("atan", 0.9), "acos": ("atan", 0.9), "atan2": ("atan", 1.8),
    "asinh": ("asinh", 1.0), "acosh": ("asinh", 1.0), "atanh": ("asinh", 1.0), "cbrt": ("asinh", 0.75),
    "hypot": ("asinh", 0.3),
}  # fmt: skip
"""The function whose rate a primitive has, times a factor; what is not named costs as much as an addition."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine's rates.

    Args:
        rates: seconds a unit of each feature: ``call``, ``launch``, ``float32.exp`` (an evaluation among many),
            ``float32.exp.scalar`` (one of few), ``bytes.0`` (a byte through the nearest cache) and so on.
        caches: capacities in bytes, nearest first. What is not in the last comes from memory.
        calibrated: when the rates were measured, as an ISO date; "" for typical ones.
    """

    rates: Mapping[str, float]
    caches: tuple[int, ...] = (32 * 1024, 512 * 1024, 32 * 1024 * 1024)
    calibrated: str = field(default="")

    def seconds(self, features: Mapping[str, float]) -> float:
        """The time of so many units of each feature."""
        return sum(self.rates[name] * count for name, count in features.items())

    def level(self, distance: float) -> int:
        """The cache that holds what was touched ``distance`` bytes ago; their number stands for memory."""
        for level, capacity in enumerate(self.caches):
            if distance <= capacity:
                return level
        return len(self.caches)


_LIBRARY: Final = {
    "mod": (7.5, 7.5), "exp": (3.0, 5.5), "log": (3.4, 4.9), "expm1": (10.5, 10.5), "sin": (4.1, 10.3),
    "tanh": (16.5, 16.5), "erf": (4.8, 5.1), "atan": (10.3, 10.0), "asinh": (23.0, 25.0), "pow": (6.5, 15.0),
}  # fmt: skip
_VECTORS: Final = {
    "exp": (0.4, 0.9), "log": (0.5, 1.2), "expm1": (0.5, 1.1), "sin": (0.5, 1.0), "tanh": (0.5, 1.1),
    "atan": (0.4, 1.0), "pow": (1.6, 3.4), "erf": (0.7, 2.0), "asinh": (0.7, 2.5), "mod": (0.4, 0.9),
}  # fmt: skip
LIBRARY: Final = frozenset(_LIBRARY)
"""Functions that are calls outside vectors, as against instructions."""
_LOOPS: Final = {"plain": 0.02, "div": 0.1, "sqrt": 0.17, "sum": 0.1, "max": 0.1, "arg": 0.15}
_PRODUCTS: Final = {
    "nest": 0.09, "nest.scalar": 0.17, "nest.strided": 0.8, "mixed": 0.4,
    "product": 0.027, "product.narrow": 0.04, "product.tile": 12.0, "product.cell": 0.2,
}  # fmt: skip
_SCALAR: Final = 0.3  # the least an evaluation costs outside vectors
_OTHERS: Final = {
    "call": 1200.0, "fork": 15000.0, "barrier": 500.0, "launch": 5.0, "product.start": 20.0, "integer": 0.2,
    "pack": 0.2, "pack.crosswise": 0.7, "move": 0.7, "gather": 1.0, "scan": 0.4, "fold": 0.7,
    "bytes.0": 0.01, "bytes.1": 0.01, "bytes.2": 0.03, "bytes.3": 0.1,
}  # fmt: skip


def _typical() -> dict[str, float]:
    """In nanoseconds above: for float32, of which vectors hold twice as many, and for both dtypes of functions."""
    found = dict(_OTHERS)
    for i, dtype in enumerate(FLOATS):
        for name, each in _LOOPS.items():
            found[f"{dtype}.{name}"] = (1 + i) * each
            found[f"{dtype}.{name}.scalar"] = max((1 + i) * each, _SCALAR)
        for name, both in _LIBRARY.items():
            found[f"{dtype}.{name}.scalar"] = both[i]
            found[f"{dtype}.{name}"] = _VECTORS.get(name, both)[i]
        for name, each in _PRODUCTS.items():
            found[f"{dtype}.{name}"] = (1 + i) * each
    return {name: each * 1e-9 for name, each in found.items()}


TYPICAL: Final = Machine(MappingProxyType(_typical()))
"""Rates of a common x86 core, for a machine that was never calibrated."""
