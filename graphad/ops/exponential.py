"""Powers, exponentials, logarithms, and the error function."""

import math
from typing import Any, Final, NoReturn

import numpy as np

from graphad._lazy import lazy_import
from graphad.build import TensorLike, as_tensor, is_weak, known_number, refuse, tensors
from graphad.compiler.errors import DTypeError
from graphad.compiler.ir import scalar as s
from graphad.compiler.ir.dtypes import is_float, is_integer
from graphad.compiler.ir.kinds import Constant
from graphad.compiler.ir.make import beneath_views
from graphad.ops.arithmetic import abs, equal, reciprocal, remainder, square, where
from graphad.ops.record import ANYWHERE, POSITIVE, Elementwise, elementwise
from graphad.tensor import OPERATORS, Tensor

special = lazy_import("scipy.special")  # takes as long to import as Numba does


_ERF_SLOPE: Final = 2 / math.sqrt(math.pi)


power: Elementwise = elementwise(
    "pow",
    scalar=lambda x, y: s.apply("pow", x, y),
    reference=np.power,
    partials=lambda x, y, z: (lambda: _slope_of_base(x, y), lambda: power_log(x, y)),
    domain=[POSITIVE, ANYWHERE],
    simplify=lambda x, y: 0 if y == 1 else None,
    takes="number",
)


def _power_slope(x: s.Scalar, y: s.Scalar) -> s.Scalar:
    """Of a small y, y - 1 loses digits that count where log x is large: there x^(y-1) is x^y / x."""
    small = s.apply("and", s.apply("abs", y) < 0.5, s.apply("ne", x, 0))
    raised = s.apply("pow", x, s.where(small, y, y - 1))
    masked = s.apply("and", s.apply("eq", y, 0), s.apply("not", s.apply("abs", x) > 0))
    return s.where(masked, 0, y * s.where(small, raised / x, raised))


def _numpy_power_slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    small = (np.abs(y) < 0.5) & (x != 0)
    raised = np.power(x, np.where(small, y, y - 1))
    return np.where((y == 0) & ~(np.abs(x) > 0), np.zeros((), x.dtype), y * np.where(small, raised / x, raised))


# Derivatives of pow, which are ops of their own so that both orders of its mixed derivative are the same formula
power_slope: Elementwise = elementwise(
    "power_slope",  # y x^(y-1); 0 for y = 0, also at x = 0 and NaN, where 0 * inf and 0 * NaN stand
    scalar=_power_slope,
    reference=_numpy_power_slope,
    partials=lambda x, y, z: (
        # a small y times what overflows, or what has underflowed over a small x: each is right where the other is not
        lambda: where(abs(y) < 1, z * ((y - 1) / x), y * power_slope(x, y - 1)),
        lambda: _mixed(x, y),
    ),
    domain=[POSITIVE, ANYWHERE],
)
power_log: Elementwise = elementwise(
    "power_log",  # x^y log(x), with its limit 0 at x = 0 for y >= 0
    scalar=lambda x, y: s.where(
        s.apply("and", s.apply("eq", x, 0), y >= 0), 0, s.apply("pow", x, y) * s.apply("log", x)
    ),
    reference=lambda x, y: np.where((x == 0) & (y >= 0), np.zeros((), x.dtype), np.power(x, y) * np.log(x)),
    partials=lambda x, y, z: (
        lambda: _mixed(x, y),
        lambda: where(equal(x, 0) & (y >= 0), 0, z * log(x)),
    ),
    domain=[POSITIVE, ANYWHERE],
)


def _mixed(x: Tensor, y: Tensor) -> Tensor:
    """x^(y-1) (1 + y log x), with its limit 0 at x = 0 for y > 1."""
    small = (abs(y) < 0.5) & (x != 0)
    raised = power(x, where(small, y, y - 1))
    return where(equal(x, 0) & (y > 1), 0, where(small, raised / x, raised) * (1 + y * log(x)))


def _slope_of_base(x: Tensor, y: Tensor) -> Tensor | float:
    known = known_number(y)
    if known is None:
        return power_slope(x, y)
    return known * pow(x, known - 1) if known else 0.0


def pow(x: TensorLike, y: TensorLike) -> Tensor:
    """``x ** y``; exponents 1, 2, 0.5, -0.5 and -1 written as Python numbers are the cheap functions they name.

    Of integers, a negative power is what is left of the fraction: 0, but 1 for base 1 and 1 or -1 for base -1, as in C
    and torch. Errors: DTypeError for integers to a negative power that is known when the graph is written.

    >>> pow([3.0], 2)
    <square: float32[1]>
    """
    if not isinstance(y, int | float) or is_weak(x) or isinstance(y, bool):
        base, exponent = tensors("pow", (x, y))
        return _integer_power(base, exponent) if is_integer(base.dtype) else power(base, exponent)
    tensor = as_tensor(x, "pow")
    if is_float(tensor.dtype):
        match y:
            case 1:
                return tensor
            case 2:
                return square(tensor)
            case 0.5:
                return sqrt(tensor)
            case -0.5:
                return rsqrt(tensor)
            case -1:
                return reciprocal(tensor)
            case _:
                return power(tensor, y)
    if isinstance(y, float) or not is_integer(tensor.dtype):
        return power(tensor, y)
    if y < 0:
        _refuse_negative(tensor, y)
    return square(tensor) if y == 2 else power(tensor, y)


def _refuse_negative(x: Tensor, y: Any) -> NoReturn:
    refuse(DTypeError, "pow", (x, y), "integers have no negative powers; write ga.astype(x, 'float32') ** y")


def _integer_power(x: Tensor, y: Tensor) -> Tensor:
    """Of integers; no target is asked for a negative power."""
    known = beneath_views(y).kind
    if isinstance(known, Constant):
        if (known.value < 0).any():
            _refuse_negative(x, y)
        return power(x, y)
    negative = y < 0
    unit = equal(x, 1) | equal(x, -1)
    taken = power(x, where(negative, remainder(y, 2), y))  # of 1 and -1 the power depends on whether y is even
    return where(negative & ~unit, 0, taken)


OPERATORS["pow"] = pow
sqrt = elementwise(
    "sqrt", scalar=lambda x: s.apply("sqrt", x), reference=np.sqrt, partials=lambda x, y: (0.5 / y,), domain=[POSITIVE]
)
cbrt = elementwise(
    "cbrt",
    scalar=lambda x: s.apply("cbrt", x),
    reference=np.cbrt,
    partials=lambda x, y: (1 / (3 * y * y),),
    domain=[POSITIVE],
)
exp = elementwise(
    "exp", scalar=lambda x: s.apply("exp", x), reference=np.exp, partials=lambda x, y: (y,), domain=[ANYWHERE]
)
exp2 = elementwise(
    "exp2",
    scalar=lambda x: s.apply("exp2", x),
    reference=np.exp2,
    partials=lambda x, y: (y * math.log(2),),
    domain=[ANYWHERE],
)
expm1 = elementwise(
    "expm1",
    scalar=lambda x: s.apply("expm1", x),
    reference=np.expm1,
    partials=lambda x, y: (exp(x),),
    domain=[ANYWHERE],
)
log: Elementwise = elementwise(
    "log", scalar=lambda x: s.apply("log", x), reference=np.log, partials=lambda x, y: (1 / x,), domain=[POSITIVE]
)
log2 = elementwise(
    "log2",
    scalar=lambda x: s.apply("log2", x),
    reference=np.log2,
    partials=lambda x, y: (math.log2(math.e) / x,),
    domain=[POSITIVE],
)
log10 = elementwise(
    "log10",
    scalar=lambda x: s.apply("log10", x),
    reference=np.log10,
    partials=lambda x, y: (math.log10(math.e) / x,),
    domain=[POSITIVE],
)
log1p = elementwise(
    "log1p",
    scalar=lambda x: s.apply("log1p", x),
    reference=np.log1p,
    partials=lambda x, y: (1 / (1 + x),),
    domain=[POSITIVE],
)
erf = elementwise(
    "erf",
    scalar=lambda x: s.apply("erf", x),
    reference=lambda x: special.erf(x),
    partials=lambda x, y: (_ERF_SLOPE * gaussian(x),),
    domain=[ANYWHERE],
)
erfc = elementwise(
    "erfc",
    scalar=lambda x: s.apply("erfc", x),
    reference=lambda x: special.erfc(x),
    partials=lambda x, y: (-_ERF_SLOPE * gaussian(x),),
    domain=[ANYWHERE],
)
gaussian: Elementwise = elementwise(
    "gaussian",  # exp(-x^2), of erf and erfc; differentiated as a product, 0 * inf is met where 2 x overflows
    scalar=lambda x: s.apply("exp", -(x * x)),
    reference=lambda x: np.exp(-(x * x)),
    partials=lambda x, y: (-2 * (x * y),),
    domain=[ANYWHERE],
)


def rsqrt(x: TensorLike) -> Tensor:
    """``1 / sqrt(x)``."""
    return reciprocal(sqrt(x))


__all__ = [
    "cbrt",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log10",
    "log1p",
    "log2",
    "pow",
    "power",
    "rsqrt",
    "sqrt",
]
