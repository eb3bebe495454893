"""x ** y = exp(y log(|x|)), with the logarithm in two floats; negative where x is and y is odd."""

from __future__ import annotations

from graphad.runtime.elementary.exponential import LN2_64, exp_in_range, exp_of_sum
from graphad.runtime.elementary.logarithm import parts
from graphad.runtime.elementary.real import Real

# (2 atanh(s)/s - 2 - 2/3 s**2) / s**4 in s**2: Chebyshev fit, error 1.9e-18
_P64 = (
    0.4, 0.28571428571429375, 0.22222222221649282, 0.18181818336888536, 0.15384594802856283, 0.13334813369111848,
    0.11706004250300112, 0.11725603260192677,
)  # fmt: skip
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
# (2 atanh(s)/s - 2) / s**2 and (exp(r) - 1 - r) / r**2 for results in float32, by `docs/fit_elementary.py`; errors
# 2**-37.0 and 2**-29.4
_L = (0.6666666666737665, 0.39999998795219155, 0.2857175496835035, 0.22191373380944632, 0.19363186932161763)
_Q = (
    0.5000000013510598, 0.16666666681672973, 0.041666464478050266, 0.008333310875814182, 0.0013933699610442548,
    0.00019891045921387787,
)  # fmt: skip
_LEAST, _MOST = -800.0, 800.0  # exponents of e beyond every float64
_SHORT = 200.0  # and beyond every float32
_LIMIT = 2.0**51  # exponents from here on are rare, and even from four times that on


def pow(x: Real, y: Real) -> Real:
    """The C library where x is 0, subnormal or not finite, or y of no use. Needs fused operations."""
    size = abs(x)
    high, low = _precise(size)
    e = y * high
    rest = y.mad(high, -e) + y * low
    inside = abs(e) < _MOST
    result = exp_of_sum(e.at_most(_MOST).at_least(_LEAST), rest.where(inside, 0.0))
    write = x.assembly
    usual = write.and_(write.and_(size > 2.0**-1022, size < float("inf")), abs(y) < _LIMIT)
    return _signed(result, x, y).rarely(write.not_(usual), "pow", x, y)


def short_pow(x: Real, y: Real) -> Real:
    """The same of numbers that are float32, to the digits of a float32."""
    size = abs(x)
    k, m = parts(size, tiny=False)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    e = y * k.mad(LN2_64[0] + LN2_64[1], (s * z).mad(z.polynomial(_L), s + s))
    result = exp_in_range(e.at_most(_SHORT).at_least(-_SHORT), _Q)
    write = x.assembly
    usual = write.and_(write.and_(size > 0.0, size < float("inf")), abs(y) < _LIMIT)
    return _signed(result, x, y).rarely(write.not_(usual), "pow", x, y)


def _signed(result: Real, x: Real, y: Real) -> Real:
    """Of a negative x: minus that for odd y, NaN for a y that is no integer."""
    negative, whole = x < 0.0, y.nearest()
    shifted = (y + y.format.magic).bits()
    sign = x.assembly.shl(shifted, shifted.type(shifted.type.width - 1))
    turned = result.from_bits(x.assembly.xor(result.bits(), sign))
    return result.unless(negative, turned.where(whole.equals(y), float("nan")))


def _precise(x: Real) -> tuple[Real, Real]:
    """log(x) of a normal x as a sum of two floats, to about 2**-65 of itself."""
    k, m = parts(x, tiny=False)
    f = m - 1.0
    d = 2.0 + f
    inverse = 1.0 / d
    s = f * inverse
    s_rest = ((-s).mad(d, f) - s * ((2.0 - d) + f)) * inverse
    z = s * s
    z_rest = s.mad(s, -z) + 2.0 * s * s_rest
    tail = z * z.polynomial(_P64)
    a = tail + _TWO_THIRDS[0]
    a_rest = ((_TWO_THIRDS[0] - a) + tail) + _TWO_THIRDS[1]
    b, b_rest = _product(s, s_rest, z, z_rest)
    c, c_rest = _product(a, a_rest, b, b_rest)
    sum_ = 2.0 * s + c
    sum_rest = ((2.0 * s - sum_) + c) + (2.0 * s_rest + c_rest)
    top = k * LN2_64[0]
    high = top + sum_
    return high, ((top - high) + sum_) + k.mad(LN2_64[1], sum_rest)


def _product(a: Real, a_rest: Real, b: Real, b_rest: Real) -> tuple[Real, Real]:
    high = a * b
    return high, a.mad(b, -high) + (a * b_rest + a_rest * b)
