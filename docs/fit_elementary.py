"""Prints the polynomials of `runtime/elementary/`: python -m docs.fit_elementary

Method. Each function is brought to a smooth g on a short interval by an identity that the module names. mpmath expands
g in Chebyshev polynomials to the degree given (`mpmath.chebyfit`, 60 digits): the result is within a small factor of
the best polynomial of that degree. Coefficients are then rounded to the dtype, and the error of the rounded polynomial,
evaluated exactly, is measured on a fine grid and printed as a power of two.
"""

from collections.abc import Callable
from typing import Any, Final

import mpmath
import numpy as np

Smooth = Callable[[Any], Any]
_GRID: Final = 2000
_HALF: Final = mpmath.mpf(1) / 2


def _series(function: Callable[[Any], Any], start: int, coefficient: Any) -> Smooth:
    """(function(x) / x - 1) / x**start of z = x**2, odd functions; ``coefficient`` is its value at 0."""

    def value(z: Any) -> Any:
        x = mpmath.sqrt(z)
        return (function(x) / x - 1) / z**start if z > mpmath.mpf(10) ** -25 else coefficient

    return value


def _scaled_erfc(pole: float) -> Smooth:
    """(a + pole) exp(a**2) erfc(a) of t = (a - pole) / (a + pole), which takes [0, infinity) to [-1, 1).

    The variable is that of M. M. Shepherd and J. G. Laframboise, Math. Comp. 36 (1981).
    """

    def value(t: Any) -> Any:
        a = pole * (1 + t) / (1 - t)
        return (a + pole) * mpmath.exp(a * a) * mpmath.erfc(a)

    return value


def _between(pole: float, low: float, high: float) -> tuple[Any, Any]:
    return (mpmath.mpf(low) - pole) / (low + pole), (mpmath.mpf(high) - pole) / (high + pole)


def _log_tail(z: Any) -> Any:
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) / s - 2) / z if z > mpmath.mpf(10) ** -25 else mpmath.mpf(2) / 3


def _exp_tail(r: Any) -> Any:
    return (mpmath.exp(r) - 1 - r) / r**2 if abs(r) > mpmath.mpf(10) ** -20 else _HALF


_ERF_SLOPE: Final = 2 / mpmath.sqrt(mpmath.pi) - 1
_INNER: Final = _series(mpmath.erf, 0, _ERF_SLOPE)
_ASINH: Final = _series(mpmath.asinh, 1, -mpmath.mpf(1) / 6)
_ATANH: Final = _series(mpmath.atanh, 1, mpmath.mpf(1) / 3)
_ATAN: Final = _series(mpmath.atan, 1, -mpmath.mpf(1) / 3)
_ASIN: Final = _series(mpmath.asin, 1, mpmath.mpf(1) / 6)
_ROOTS: Final = (mpmath.sqrt(_HALF), mpmath.sqrt(mpmath.mpf(2)))
_TURN: Final = (0, (mpmath.sqrt(mpmath.mpf(2)) - 1) ** 2)
_LOG: Final = (0, mpmath.mpf("0.02945"))
_EXP: Final = (-mpmath.mpf("0.3468"), mpmath.mpf("0.3468"))


def _acosh_over_root(d: Any) -> Any:
    return mpmath.acosh(1 + d) / mpmath.sqrt(d) if d > mpmath.mpf(10) ** -25 else mpmath.sqrt(mpmath.mpf(2))


def _inverse_cube_root(m: Any) -> Any:
    return m ** (-mpmath.mpf(1) / 3)


FITS: Final[dict[str, tuple[Smooth, tuple[Any, Any], int, type]]] = {
    "error_function._INNER_64": (_INNER, (0, 1), 12, np.float64),
    "error_function._INNER_32": (_INNER, (0, 1), 7, np.float32),
    "error_function._NEAR_64": (_scaled_erfc(3), _between(3, 1, 6), 15, np.float64),
    "error_function._NEAR_32": (_scaled_erfc(2), _between(2, 1, 4), 7, np.float32),
    "error_function._FAR_64": (_scaled_erfc(2), _between(2, 0.75, 27.5), 23, np.float64),
    "error_function._FAR_32": (_scaled_erfc(1.5), _between(1.5, 0.75, 10.1), 10, np.float32),
    "circular._A32": (_ATAN, _TURN, 5, np.float32),
    "circular._B32": (_ASIN, (0, 0.25), 6, np.float32),
    "short_area._ASINH": (_ASINH, (0, 1), 8, np.float32),
    "short_area._ACOSH": (_acosh_over_root, (0, 1), 7, np.float32),
    "short_area._ATANH": (_ATANH, (0, 0.25), 6, np.float32),
    "roots._INVERSE_64": (_inverse_cube_root, _ROOTS, 6, np.float64),
    "roots._INVERSE_32": (_inverse_cube_root, _ROOTS, 5, np.float32),
    "power._L": (_log_tail, _LOG, 5, np.float64),
    "power._Q": (_exp_tail, _EXP, 6, np.float64),
}
"""Table -> smooth function, interval, number of coefficients, dtype."""


def fitted(name: str) -> tuple[list[float], float]:
    """The coefficients, the constant term first, and the logarithm to base 2 of the largest error."""
    function, (low, high), count, dtype = FITS[name]
    with mpmath.workdps(60):
        falling = mpmath.chebyfit(function, [mpmath.mpf(low), mpmath.mpf(high)], count)
        rounded = [float(dtype(float(c))) for c in falling]
        grid = [low + (high - low) * mpmath.mpf(k) / _GRID for k in range(_GRID + 1)]
        error = max(abs(mpmath.polyval(rounded, x) - function(x)) for x in grid)
        return rounded[::-1], float(mpmath.log(error, 2))


if __name__ == "__main__":
    for table in FITS:
        coefficients, error = fitted(table)
        print(f"{table} = {tuple(coefficients)}  # error 2**{error:.1f}")
