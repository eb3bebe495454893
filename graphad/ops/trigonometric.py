"""Trigonometric functions, their inverses, angles and distances in the plane.

Records that are not exported are derivatives of the others. They are ops of their own because the derivatives of
*their* formulas cancel, overflow or underflow where the function that they mean does not.
"""

import numpy as np

from graphad.compiler.ir import scalar as s
from graphad.ops.exponential import sqrt
from graphad.ops.record import ANYWHERE, POSITIVE, UNIT, Elementwise, elementwise
from graphad.tensor import Tensor

sin = elementwise(
    "sin", scalar=lambda x: s.apply("sin", x), reference=np.sin, partials=lambda x, y: (cos(x),), domain=[ANYWHERE]
)
cos: Elementwise = elementwise(
    "cos", scalar=lambda x: s.apply("cos", x), reference=np.cos, partials=lambda x, y: (-sin(x),), domain=[ANYWHERE]
)
tan = elementwise(
    "tan", scalar=lambda x: s.apply("tan", x), reference=np.tan, partials=lambda x, y: (1 + y * y,), domain=[UNIT]
)
asin = elementwise(
    "asin",
    scalar=lambda x: s.apply("asin", x),
    reference=np.arcsin,
    partials=lambda x, y: (1 / sqrt(one_minus_square(x)),),
    domain=[UNIT],
)
acos = elementwise(
    "acos",
    scalar=lambda x: s.apply("acos", x),
    reference=np.arccos,
    partials=lambda x, y: (-1 / sqrt(one_minus_square(x)),),
    domain=[UNIT],
)
atan = elementwise(
    "atan",
    scalar=lambda x: s.apply("atan", x),
    reference=np.arctan,
    partials=lambda x, y: (lorentzian(x),),
    domain=[ANYWHERE],
)
one_minus_square: Elementwise = elementwise(
    "one_minus_square",  # of asin, acos and atanh; differentiated as a product, -(1 + x) + (1 - x), it cancels near 0
    scalar=lambda x: (1 - x) * (1 + x),
    reference=lambda x: (1 - x) * (1 + x),
    partials=lambda x, y: (-2 * x,),
    domain=[UNIT],
)
lorentzian: Elementwise = elementwise(
    "lorentzian",  # atan'; 2 x / (1 + x^2)^2 as a quotient is 0 from the fourth root of the largest number on
    scalar=lambda x: 1 / (1 + x * x),
    reference=lambda x: 1 / (1 + x * x),
    partials=lambda x, y: (-2 * (x * y) * y,),
    domain=[ANYWHERE],
)


def _inverse(x: s.Scalar, y: s.Scalar) -> tuple[s.Scalar, s.Scalar, s.Scalar, s.Scalar]:
    """Where |x| >= |y|, the larger and the smaller over it, and the larger of the two parts of 1 / (x + iy).

    Smith (1962): with q = small / large it is 1 / (large + small q); no square over- or underflows.
    """
    wide = s.apply("abs", x) >= s.apply("abs", y)
    large, small = s.where(wide, x, y), s.where(wide, y, x)
    quotient = small / large
    return wide, large, quotient, 1 / (large + small * quotient)


def _inverse_real(x: s.Scalar, y: s.Scalar) -> s.Scalar:
    wide, large, quotient, part = _inverse(x, y)
    return s.where(s.apply("eq", large, 0), 0, s.where(wide, part, quotient * part))


def _inverse_imag(x: s.Scalar, y: s.Scalar) -> s.Scalar:
    wide, large, quotient, part = _inverse(x, y)
    return s.where(s.apply("eq", large, 0), 0, -s.where(wide, quotient * part, part))


def _numpy_inverse(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both parts of 1 / (x + iy)."""
    wide = np.abs(x) >= np.abs(y)
    large, small = np.where(wide, x, y), np.where(wide, y, x)
    quotient = small / large
    part = 1 / (large + small * quotient)
    real, imag = np.where(wide, part, quotient * part), -np.where(wide, quotient * part, part)
    return np.where(large == 0, np.zeros((), x.dtype), real), np.where(large == 0, np.zeros((), x.dtype), imag)


# atan2's partials are the parts of w = 1 / (x + iy), 0 at the origin by convention, as torch's. dw/dx = -w^2 and
# dw/dy = -i w^2: derivatives of any order are polynomials of the two parts.
inverse_real: Elementwise = elementwise(
    "inverse_real",
    scalar=_inverse_real,
    reference=lambda x, y: _numpy_inverse(x, y)[0],
    partials=lambda x, y, u: (lambda: _less_square(u, inverse_imag(x, y)), lambda: 2 * (u * inverse_imag(x, y))),
    domain=[ANYWHERE, POSITIVE],
)
inverse_imag: Elementwise = elementwise(
    "inverse_imag",
    scalar=_inverse_imag,
    reference=lambda x, y: _numpy_inverse(x, y)[1],
    partials=lambda x, y, v: (lambda: -2 * (inverse_real(x, y) * v), lambda: _less_square(inverse_real(x, y), v)),
    domain=[ANYWHERE, POSITIVE],
)
atan2 = elementwise(
    "atan2",
    scalar=lambda y, x: s.apply("atan2", y, x),
    reference=np.arctan2,
    partials=lambda y, x, z: (lambda: inverse_real(x, y), lambda: inverse_imag(x, y)),
    domain=[ANYWHERE, POSITIVE],
)


def _less_square(u: Tensor, v: Tensor) -> Tensor:
    """v^2 - u^2."""
    return (v - u) * (v + u)


def _direction_cosine(x: s.Scalar, y: s.Scalar) -> s.Scalar:
    wide = s.apply("abs", x) >= s.apply("abs", y)
    large, small = s.where(wide, x, y), s.where(wide, y, x)
    quotient = small / large
    size = s.where(wide, 1, s.apply("abs", quotient)) / s.apply("sqrt", 1 + quotient * quotient)
    return s.where(s.apply("eq", large, 0), 0, s.where(x < 0, -size, size))


def _numpy_direction(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    wide = np.abs(x) >= np.abs(y)
    large, small = np.where(wide, x, y), np.where(wide, y, x)
    quotient = np.abs(small / large)
    size = np.where(wide, np.ones((), x.dtype), quotient) / np.sqrt(1 + quotient * quotient)
    return np.where(large == 0, np.zeros((), x.dtype), np.where(x < 0, -size, size))


direction_cosine: Elementwise = elementwise(
    "direction_cosine",  # x / hypot(x, y), 0 at the origin, as torch's norm; 1 - (x / hypot)^2 cancels near the x axis
    scalar=_direction_cosine,
    reference=_numpy_direction,
    partials=lambda x, y, u: (lambda: _turn(y, x, direction_cosine(y, x)), lambda: -_turn(y, x, u)),
    domain=[ANYWHERE, POSITIVE],
)
hypot = elementwise(
    "hypot",
    scalar=lambda x, y: s.apply("hypot", x, y),
    reference=np.hypot,
    partials=lambda x, y, z: (lambda: direction_cosine(x, y), lambda: direction_cosine(y, x)),
    domain=[ANYWHERE, POSITIVE],
    commutative=True,
)


def _turn(y: Tensor, x: Tensor, factor: Tensor) -> Tensor:
    """factor * sin(angle) / radius; the quotient first: small sines belong to large radii or large quotients."""
    return factor * (direction_cosine(y, x) / hypot(x, y))


__all__ = ["acos", "asin", "atan", "atan2", "cos", "hypot", "sin", "tan"]
