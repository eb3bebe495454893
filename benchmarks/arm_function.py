"""A six-joint arm, written once for any library that has sin, cos, sqrt, arctan2 and stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# Denavit-Hartenberg parameters in millimetres: offsets a_k along x_k, d_k along z_(k-1). FANUC-like.
A1, A2, A3 = 175.0, 890.0, 50.0
D1, D4, D6 = 575.0, 1035.0, 185.0
POINTS = 100_000


def arm(library: Any, t: Sequence[Any]) -> list[Any]:
    """Joint angles (radians) to the hand's position (mm) and Euler angles (radians); angle sums are expanded."""
    sin, cos = library.sin, library.cos
    s1, s2, s3, s4, s5, s6 = (sin(v) for v in t)
    c1, c2, c3, c4, c5, c6 = (cos(v) for v in t)
    c23, s23 = c2 * c3 - s2 * s3, s2 * c3 + c2 * s3
    ax = s5 * (c4 * (c1 * c23) + s1 * s4) + c5 * (c1 * s23)
    ay = s5 * (c4 * (s1 * c23) - c1 * s4) + c5 * (s1 * s23)
    az = s5 * (c4 * s23) - c5 * c23
    nz = c6 * (c23 * s5 + c5 * (c4 * s23)) - s6 * (s4 * s23)
    oz = -s6 * (c23 * s5 + c5 * (c4 * s23)) - c6 * (s4 * s23)
    reach = A1 + A2 * c2 + A3 * c23 + D4 * s23
    position = [D6 * ax + c1 * reach, D6 * ay + s1 * reach, D1 + A2 * s2 + A3 * s23 - D4 * c23 + D6 * az]
    turn = library.arctan2
    return [*position, turn(ay, ax), turn(library.sqrt(1 - az * az), az), turn(oz, -nz)]


def joints() -> np.ndarray:
    """Random joint angles, float64[POINTS, 6]."""
    return np.random.default_rng(0).uniform(-1.2, 1.2, (POINTS, 6))
