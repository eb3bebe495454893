"""log, log1p, log2 and log10; what other logarithms and powers share with them.

x = 2**k m with m between sqrt(1/2) and sqrt(2), f = m - 1, s = f / (2 + f):
log(m) = 2 atanh(s) = f - (f**2/2 - s (f**2/2 + R)), R = s**2 L(s**2): the arrangement of FreeBSD's msun (e_log.c).
"""

from __future__ import annotations

from graphad.runtime.elementary.exponential import LN2_32, LN2_64
from graphad.runtime.elementary.real import Real

# L(z) = (2 atanh(s)/s - 2) / z, z = s**2 <= 0.0296: Chebyshev fits, error 3.2e-16 and 1.9e-7
L64 = (
    0.666666666666667, 0.3999999999989827, 0.28571428626533335, 0.22222211043822487, 0.18182895746801428,
    0.1533150172120742, 0.1461916477718642,
)  # fmt: skip
_L32 = (0.6666668515139674, 0.3998873484312968, 0.2958202252541237)
# 1 / ln 2, 1 / ln 10 and the logarithm of 2 to base 10 in two parts, the first as short as products need
_LOG2E = {True: (1.4426950407214463, 1.6751713164886512e-10), False: (1.44268798828125, 7.052607713387005e-06)}
_LOG10E = {True: (0.4342944818781689, 2.5082946711645275e-11), False: (0.434295654296875, -1.1723936232388432e-06)}
_LOG10_2 = {True: (0.30102999566361177, 3.694239077158931e-13), False: (0.301025390625, 4.6050389811980175e-06)}


def log(x: Real) -> Real:
    return _at_the_edges(x, _whole(*parts(x)))


def log_of_normal(x: Real, more: float = 0.0) -> Real:
    """log(x) + more ln 2 of positive normal numbers."""
    k, m = parts(x, tiny=False)
    return _whole(k + more if more else k, m)


def _whole(k: Real, m: Real) -> Real:
    """k ln 2 + log(m)."""
    f = m - 1.0
    high, low = LN2_64 if m.double else LN2_32
    half = 0.5 * f * f
    return k.mad(high, f - (half - k.mad(low, _tail(f, half))))


def log1p(x: Real) -> Real:
    """log(u), u = 1 + x rounded, with what that loses; where u is next to 1, x is m - 1 itself."""
    u = 1.0 + x
    k, m = parts(u, tiny=False)
    lost = (1.0 - (u - x)).where(x > 1.0, x - (u - 1.0)) * (-(k.at_most(100.0))).power_of_two()
    plain = k.equals(0.0)
    f = (m - 1.0).unless(plain, x)
    c = (lost * (1.0 - f * (1.0 - f))).unless(plain, 0.0)  # of 1 / m two digits will do
    high, low = LN2_64 if x.double else LN2_32
    half = 0.5 * f * f
    result = k.mad(high, f - (half - (_tail(f, half) + (k.mad(low, c)))))
    return _at_the_edges(u, result).unless(abs(x) < (2.0**-54 if x.double else 2.0**-25), x)


def log2(x: Real) -> Real:
    """k + log(m) / ln 2, the logarithm in two parts."""
    k, m = parts(x)
    high, low = _two_parts(m)
    return _at_the_edges(x, _sum(k, high, low, *_LOG2E[x.double]))


def log10(x: Real) -> Real:
    """k log10(2) + log(m) / ln 10, of which the larger terms have few bits."""
    k, m = parts(x)
    high, low = _two_parts(m)
    first, second = _LOG10_2[x.double]
    scaled = _sum(k * first, high, low, *_LOG10E[x.double], k * second)
    return _at_the_edges(x, scaled)


def _sum(top: Real, high: Real, low: Real, c: float, rest: float, more: Real | float = 0.0) -> Real:
    """top + (high + low) * (c + rest) + more; |top| is large or zero, high * c exact."""
    product = high * c
    total = top + product
    error = (top - total) + product
    return total + (error + ((low + high) * rest + low * c + more))


def _two_parts(m: Real) -> tuple[Real, Real]:
    """log(m) as a sum whose first term has at most half of the bits."""
    f = m - 1.0
    half = 0.5 * f * f
    mask = f.bits().type(-(1 << (f.format.fraction // 2 + 6)))
    high = f.from_bits(f.assembly.and_((f - half).bits(), mask))
    return high, ((f - high) - half) + _tail(f, half)


def _tail(f: Real, half: Real) -> Real:
    """s (f**2/2 + R)."""
    s = f / (2.0 + f)
    z = s * s
    return s * (half + z * z.polynomial(L64 if f.double else _L32))


def parts(x: Real, tiny: bool = True) -> tuple[Real, Real]:
    """k and m. Without meaning where x is not positive and finite, or, unless ``tiny``, where it is subnormal."""
    if tiny:
        small, more = x < 2.0 ** (1 - x.format.bias), float(x.format.fraction + 2)
        k, m = parts((x * 2.0**more).where(small, x), tiny=False)
        return (k - more).where(small, k), m
    fraction, write = x.format.fraction, x.assembly
    bits = x.bits()
    integer = bits.type
    offset = 0x3FE6A09E667F3BCD if x.double else 0x3F3504F3  # sqrt(1/2)
    above = write.sub(bits, integer(offset))
    m = x.from_bits(write.sub(bits, write.and_(above, integer(-(1 << fraction)))))
    # the exponent as an unsigned number e + 2**(exponent's width), put into the low bits of 2**fraction
    half = 1 << (integer.width - fraction - 1)
    exponent = write.xor(write.lshr(above, integer(fraction)), integer(half))
    base = 2.0**fraction
    return x.from_bits(write.or_(exponent, x.constant(base).bits())) - (base + half), m


def _at_the_edges(x: Real, inside: Real) -> Real:
    """-inf at 0, inf at inf, NaN for negative numbers and NaN."""
    positive = x > 0.0
    proper = x.assembly.and_(positive, x < float("inf"))
    edge = x.where(positive, float("nan")).unless(x.equals(0.0), float("-inf"))
    return inside.where(proper, edge)
