"""Combustion of propane in air, full formulation: eleven mole numbers.

Averick, Carter, Moré and Xue, The MINPACK-2 test problem collection, ANL/MCS-TM-150, 1992, after Meintjes and Morgan.
"""

from typing import Any, Final

import numpy as np

from graphad.modes.graphs.leaf import scalars
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.ops import sqrt, stack
from graphad.tensor import Tensor

PRESSURE: Final = 40.0  # atmospheres
AIR: Final = 10.0  # air relative to fuel
EQUILIBRIUM: Final = (1.930e-1, 2.597e-3, 3.448e-3, 1.799e-5, 2.155e-4, 3.846e-5)  # K5 to K10

START: Final = np.array([
    5.0, 2.5, 5.0, 0.1, 0.05 * EQUILIBRIUM[0], EQUILIBRIUM[1] / PRESSURE**0.5, 50 * EQUILIBRIUM[2] / PRESSURE**0.5,
    1e3 * EQUILIBRIUM[3] / PRESSURE, 5e2 * EQUILIBRIUM[4] / PRESSURE**0.5, 5e4 * EQUILIBRIUM[5] / PRESSURE, 20.0,
])  # fmt: skip


def _residuals(x: list[Tensor], constants: tuple[float, ...] | None) -> Tensor:
    """Balances of C, H, O and N, six equilibria, and the total; without constants they are left out (all 1)."""
    x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11 = x
    k5, k6, k7, k8, k9, k10 = constants or (None,) * 6

    def times(k: float | None, value: Tensor) -> Tensor:
        return value if k is None else k * value

    root = sqrt(PRESSURE / x11)
    return stack(
        [
            x1 + x4 - 3,
            2 * x1 + x2 + x4 + x7 + x8 + x9 + 2 * x10 - AIR,
            2 * x2 + 2 * x5 + x6 + x7 - 8,
            2 * x3 + x9 - 4 * AIR,
            times(k5, x2 * x4) - x1 * x5,
            times(k6, sqrt(x2 * x4)) - sqrt(x1) * root * x6,
            times(k7, sqrt(x1 * x2)) - sqrt(x4) * x7 * root,
            times(k8, x1) - x4 * x8 * PRESSURE / x11,
            times(k9, x1 * sqrt(x3)) - x4 * x9 * root,
            times(k10, x1**2) - x4**2 * x10 * PRESSURE / x11,
            x11 - x1 - x2 - x3 - x4 - x5 - x6 - x7 - x8 - x9 - x10,
        ]
    )


def _problem(constants: tuple[float, ...] | None) -> tuple[Tensor, Any, Sample]:
    x, elements = scalars(11)
    return _residuals(elements, constants), x, lambda rng: START * rng.uniform(0.8, 1.2, 11)


@register(
    "PropaneCombustion",
    source="MINPACK-2 (ANL/MCS-TM-150); as in arXiv 2406.05027",
    points=1000,
    published={"forward": 151, "reverse": 90, "eliminate": 88},
)
def propane() -> tuple[Tensor, Any, Sample]:
    """Residuals of propane combustion, 11 -> 11, as published with counts: without the equilibrium constants."""
    return _problem(None)


@register("PropaneCombustion_corrected", source="MINPACK-2 (ANL/MCS-TM-150)", points=1000)
def propane_corrected() -> tuple[Tensor, Any, Sample]:
    """Residuals of propane combustion, 11 -> 11, with MINPACK-2's equilibrium constants."""
    return _problem(EQUILIBRIUM)
