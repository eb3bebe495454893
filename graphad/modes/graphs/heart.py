"""Human heart dipole: eight unknowns of two dipoles from eight measured moments.

Averick, Carter, Moré and Xue, The MINPACK-2 test problem collection, ANL/MCS-TM-150, 1992; experiment 791129 of Dennis,
Gay and Vu.
"""

from typing import Any, Final

import numpy as np

from graphad.modes.graphs.leaf import scalars
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.ops import stack
from graphad.tensor import Tensor

MOMENTS: Final = (0.485, -0.0019, -0.0581, 0.015, 0.105, 0.0406, 0.167, -0.399)
START: Final = np.array([0.299, 0.186, -0.0273, 0.0254, -0.474, 0.474, -0.0892, 0.0892])


@register(
    "HumanHeartDipole",
    source="MINPACK-2 (ANL/MCS-TM-150); counts: arXiv 2406.05027",
    points=1000,
    published={"forward": 240, "reverse": 172, "eliminate": 148},
)
def heart_dipole() -> tuple[Tensor, Any, Sample]:
    """Residuals of the human heart dipole equations, 8 -> 8."""
    x, (a, b, c, d, t, u, v, w) = scalars(8)
    left, right = t**2 - v**2, u**2 - w**2
    # the third moments' cubic factors, such as t (t^2 - 3 v^2)
    tv, vt = t * (t**2 - 3 * v**2), v * (v**2 - 3 * t**2)
    uw, wu = u * (u**2 - 3 * w**2), w * (w**2 - 3 * u**2)
    sums = (
        a + b,
        c + d,
        t * a + u * b - v * c - w * d,
        v * a + w * b + t * c + u * d,
        a * left - 2 * c * t * v + b * right - 2 * d * u * w,
        c * left + 2 * a * t * v + d * right + 2 * b * u * w,
        a * tv + c * vt + b * uw + d * wu,
        c * tv - a * vt + d * uw - b * wu,
    )
    residuals = [total - moment for total, moment in zip(sums, MOMENTS, strict=True)]
    return stack(residuals), x, lambda rng: START * rng.uniform(0.5, 1.5, 8)
