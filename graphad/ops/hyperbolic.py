"""Hyperbolic functions, their inverses, and the logistic function and its relatives.

Records that are not exported are derivatives of the others, see ``trigonometric``.
"""

import math

import numpy as np

from graphad._lazy import lazy_import
from graphad.compiler.ir import scalar as s
from graphad.ops.arithmetic import equal, isinf, where
from graphad.ops.exponential import sqrt
from graphad.ops.record import ANYWHERE, UNIT, Elementwise, elementwise
from graphad.ops.trigonometric import hypot, one_minus_square
from graphad.tensor import Tensor

special = lazy_import("scipy.special")  # takes as long to import as Numba does

sinh = elementwise(
    "sinh",
    scalar=lambda x: s.apply("sinh", x),
    reference=np.sinh,
    partials=lambda x, y: (cosh(x),),
    domain=[ANYWHERE],
)
cosh: Elementwise = elementwise(
    "cosh",
    scalar=lambda x: s.apply("cosh", x),
    reference=np.cosh,
    partials=lambda x, y: (sinh(x),),
    domain=[ANYWHERE],
)
tanh = elementwise(
    "tanh",
    scalar=lambda x: s.apply("tanh", x),
    reference=np.tanh,
    partials=lambda x, y: (sech_squared(x),),  # of y it is 1 - y^2, which has no digits where y is next to 1
    domain=[ANYWHERE],
)


def _sech_squared(x: s.Scalar) -> s.Scalar:
    small = s.apply("exp", -2 * s.apply("abs", x))
    return 4 * small / ((1 + small) * (1 + small))


def _numpy_sech_squared(x: np.ndarray) -> np.ndarray:
    small = np.exp(-2 * np.abs(x))
    found: np.ndarray = 4 * small / ((1 + small) * (1 + small))
    return found


sech_squared: Elementwise = elementwise(
    "sech_squared",
    scalar=_sech_squared,
    reference=_numpy_sech_squared,
    partials=lambda x, y: (-2 * (y * tanh(x)),),
    domain=[ANYWHERE],
)
asinh = elementwise(
    "asinh",
    scalar=lambda x: s.apply("asinh", x),
    reference=np.arcsinh,
    partials=lambda x, y: (1 / hypot(x, 1.0),),
    domain=[ANYWHERE],
)
acosh = elementwise(
    "acosh",
    scalar=lambda x: s.apply("acosh", x),
    reference=np.arccosh,
    partials=lambda x, y: (1 / sqrt(x - 1) / sqrt(x + 1),),  # the square of x overflows
    domain=[(1.2, 4.0)],
)
atanh = elementwise(
    "atanh",
    scalar=lambda x: s.apply("atanh", x),
    reference=np.arctanh,
    partials=lambda x, y: (1 / one_minus_square(x),),
    domain=[UNIT],
)


def _sigmoid(x: s.Scalar) -> s.Scalar:
    small = s.apply("exp", -s.apply("abs", x))  # of a number that is never positive, so nothing overflows
    return s.where(x >= 0, 1, small) / (1 + small)


def _logistic_density(x: s.Scalar) -> s.Scalar:
    small = s.apply("exp", -s.apply("abs", x))
    return small / ((1 + small) * (1 + small))


def _numpy_logistic_density(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))
    found: np.ndarray = small / ((1 + small) * (1 + small))
    return found


sigmoid = elementwise(
    "sigmoid",
    scalar=_sigmoid,
    reference=lambda x: special.expit(x),
    partials=lambda x, y: (logistic_density(x),),  # not y (1 - y), which has no digits where y is next to 1
    domain=[ANYWHERE],
)
logistic_density: Elementwise = elementwise(
    "logistic_density",
    scalar=_logistic_density,
    reference=_numpy_logistic_density,
    partials=lambda x, y: (-y * tanh(0.5 * x),),  # 1 - 2 sigmoid(x), but right near 0
    domain=[ANYWHERE],
)
softplus = elementwise(
    "softplus",
    scalar=lambda x: s.apply("max", x, 0) + s.apply("log1p", s.apply("exp", -s.apply("abs", x))),
    reference=lambda x: np.logaddexp(x, np.zeros((), x.dtype)),
    partials=lambda x, y: (sigmoid(x),),
    domain=[ANYWHERE],
)
logaddexp = elementwise(
    "logaddexp",
    # equal infinities are answered by themselves: inf - inf would be NaN
    scalar=lambda x, y: s.where(
        s.apply("eq", x, y),
        x + math.log(2),
        s.apply("max", x, y) + s.apply("log1p", s.apply("exp", -s.apply("abs", x - y))),
    ),
    reference=np.logaddexp,
    partials=lambda x, y, z: (lambda: sigmoid(_gap(x, y)), lambda: sigmoid(_gap(y, x))),
    domain=[ANYWHERE, ANYWHERE],
    commutative=True,
)


def _gap(x: Tensor, y: Tensor) -> Tensor:
    """x - y, and 0 between equal infinities."""
    return where(equal(x, y) & isinf(x), 0, x - y)


__all__ = ["acosh", "asinh", "atanh", "cosh", "logaddexp", "sigmoid", "sinh", "softplus", "tanh"]
