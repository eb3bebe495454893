"""log, log2, log10, log1p and pow.

x = 2**k m with m between sqrt(1/2) and sqrt(2), f = m - 1, s = f / (2 + f):
log(m) = 2 atanh(s) = f - (f**2/2 - s (f**2/2 + R)), R = s**2 L(s**2): the arrangement of FreeBSD's msun (e_log.c).
"""

from __future__ import annotations

from graphad.runtime.elementary.exponential import exp_of_sum
from graphad.runtime.elementary.real import Real

# L(z) = (2 atanh(s)/s - 2) / z, z = s**2 <= 0.0296: Chebyshev fits, error 3.2e-16 and 1.9e-7
_L64 = (
    0.666666666666667, 0.3999999999989827, 0.28571428626533335, 0.22222211043822487, 0.18182895746801428,
    0.1533150172120742, 0.1461916477718642,
)  # fmt: skip
_L32 = (0.6666668515139674, 0.3998873484312968, 0.2958202252541237)
# ln 2 in two parts, the product of the first with k is exact
_LN2_64 = (0.6931471803691238, 1.9082149292705877e-10)
_LN2_32 = (0.693359375, -2.12194440e-4)


def log(x: Real) -> Real:
    k, m = _parts(x)
    f = m - 1.0
    high, low = _LN2_64 if x.double else _LN2_32
    half = 0.5 * f * f
    return _at_the_edges(x, k.mad(high, f - (half - k.mad(low, _tail(f, half)))))


def log1p(x: Real) -> Real:
    """log(u) + c with u = 1 + x rounded and c = (x - (u - 1)) / u; for k = 0, f is x itself."""
    u = 1.0 + x
    k, m = _parts(u)
    lost = (1.0 - (u - x)).where(x > 1.0, x - (u - 1.0))
    plain = k.equals(0.0)
    f = (m - 1.0).unless(plain, x)
    c = (lost / u).unless(plain, 0.0)
    high, low = _LN2_64 if x.double else _LN2_32
    half = 0.5 * f * f
    result = k.mad(high, f - (half - (_tail(f, half) + k.mad(low, c))))
    return _at_the_edges(u, result).unless(abs(x) < (2.0**-54 if x.double else 2.0**-25), x)


def log2(x: Real) -> Real:
    """k + log(m) / ln 2, the logarithm in two parts."""
    k, m = _parts(x)
    high, low = _two_parts(m)
    return _at_the_edges(x, _sum(k, high, low, 1.4426950407214463, 1.6751713164886512e-10))


def log10(x: Real) -> Real:
    """k log10(2) + log(m) / ln 10, of which the larger terms have few bits."""
    k, m = _parts(x)
    high, low = _two_parts(m)
    top = k * 0.30102999566361177
    scaled = _sum(top, high, low, 0.4342944818781689, 2.5082946711645275e-11, k * 3.694239077158931e-13)
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
    return s * (half + z * z.polynomial(_L64 if f.double else _L32))


def _parts(x: Real) -> tuple[Real, Real]:
    """k and m. Without meaning where x is not positive and finite."""
    fraction, write = x.format.fraction, x.assembly
    tiny = x < 2.0 ** (1 - x.format.bias)
    x = (x * 2.0 ** (fraction + 2)).where(tiny, x)
    bits = x.bits()
    integer = bits.type
    offset = 0x3FE6A09E667F3BCD if x.double else 0x3F3504F3  # sqrt(1/2)
    above = write.sub(bits, integer(offset))
    m = x.from_bits(write.sub(bits, write.and_(above, integer(-(1 << fraction)))))
    # the exponent as an unsigned number e + 2**(exponent's width), put into the low bits of 2**fraction
    half = 1 << (integer.width - fraction - 1)
    exponent = write.xor(write.lshr(above, integer(fraction)), integer(half))
    base = 2.0**fraction
    k = x.from_bits(write.or_(exponent, x.constant(base).bits())) - (base + half)
    return (k - float(fraction + 2)).where(tiny, k), m


def _at_the_edges(x: Real, inside: Real) -> Real:
    """-inf at 0, inf at inf, NaN for negative numbers and NaN."""
    positive = x > 0.0
    proper = x.assembly.and_(positive, x < float("inf"))
    edge = x.where(positive, float("nan")).unless(x.equals(0.0), float("-inf"))
    return inside.where(proper, edge)


# (2 atanh(s)/s - 2 - 2/3 s**2) / s**4 in s**2: Chebyshev fit, error 1.9e-18
_P64 = (
    0.4, 0.28571428571429375, 0.22222222221649282, 0.18181818336888536, 0.15384594802856283, 0.13334813369111848,
    0.11706004250300112, 0.11725603260192677,
)  # fmt: skip
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)


def pow(x: Real, y: Real) -> Real:
    """exp(y log(x)) with log(x) in two floats; the C library where x is not positive and normal, or the result extreme.

    Needs fused operations.
    """
    high, low = _precise(x)
    e = y * high
    rest = y.mad(high, -e) + y * low
    write = x.assembly
    plain = write.and_(x > 2.0**-1022, x < float("inf"))
    usual = write.and_(plain, abs(e) < 700.0)
    result = exp_of_sum(e.where(usual, 0.0), rest.where(usual, 0.0))
    return result.rarely(write.not_(usual), "pow", x, y)


def _precise(x: Real) -> tuple[Real, Real]:
    """log(x) as a sum of two floats, to about 2**-65 of itself."""
    k, m = _parts(x)
    f = m - 1.0
    d = 2.0 + f
    s = f / d
    s_rest = ((-s).mad(d, f) - s * ((2.0 - d) + f)) / d
    z = s * s
    z_rest = s.mad(s, -z) + 2.0 * s * s_rest
    tail = z * z.polynomial(_P64)
    a = tail + _TWO_THIRDS[0]
    a_rest = ((_TWO_THIRDS[0] - a) + tail) + _TWO_THIRDS[1]
    b, b_rest = _product(s, s_rest, z, z_rest)
    c, c_rest = _product(a, a_rest, b, b_rest)
    sum_ = 2.0 * s + c
    sum_rest = ((2.0 * s - sum_) + c) + (2.0 * s_rest + c_rest)
    top = k * _LN2_64[0]
    high = top + sum_
    return high, ((top - high) + sum_) + k.mad(_LN2_64[1], sum_rest)


def _product(a: Real, a_rest: Real, b: Real, b_rest: Real) -> tuple[Real, Real]:
    high = a * b
    return high, a.mad(b, -high) + (a * b_rest + a_rest * b)
