"""asinh, acosh and atanh of float64: logarithms of what is close to 1, or a sum of two floats.

With k and m of log(m 2**k), s = (m - 1) / (m + 1): log = k ln 2 + 2 atanh(s), as in `logarithm`. Where k = 0, numerator
and denominator are written without what cancels:

    asinh(x)   s = x / (sqrt(1 + x**2) + 1)
    acosh(x)   s = sqrt(x**2 - 1) / (x + 1)
    atanh(x)   s = x, of twice the function

One division each. What roots and sums lose comes back as a second float.
"""

from __future__ import annotations

from graphad.runtime.assembly import Word
from graphad.runtime.elementary.exponential import LN2_64
from graphad.runtime.elementary.logarithm import L64, parts
from graphad.runtime.elementary.real import Real

Pair = tuple[Real, Real]
_ROOT_OF_2 = 1.4142135623730951


def asinh(x: Real) -> Real:
    """log(a + sqrt(1 + a**2)), a = |x|."""
    size = abs(x)
    square, square_rest = size.at_most(2.0**40).product(size.at_most(2.0**40))
    t = square + 1.0
    large = square > 1.0
    lost = ((square - t) + 1.0).where(large, (1.0 - t) + square) + square_rest
    root = _root(t, lost)
    result = _log_of_sum(_unless(_far(size), root, size), (size, size.constant(0.0)))
    result = result.unless(size < 2.0**-28, size)
    return result.where(size < float("inf"), size).with_sign_of(x)


def acosh(x: Real) -> Real:
    """log(x + sqrt(x**2 - 1)), the square as (x - 1) (x + 1)."""
    a = x.at_most(2.0**40)
    low, high = a - 1.0, a + 1.0
    low_rest, high_rest = (a - low) - 1.0, (a - high) + 1.0
    t, lost = low.product(high)
    root = _root(t, low.mad(high_rest, high.mad(low_rest, lost)))
    result = _log_of_sum((x, x.constant(0.0)), _unless(_far(x), root, x))
    return result.unless(x < 1.0, float("nan")).where(x < float("inf"), x)


def atanh(x: Real) -> Real:
    """Half of log((1 + a) / (1 - a)), a = |x|, with a power of two that brings the quotient to the middle."""
    size = abs(x)
    top, bottom = 1.0 + size, 1.0 - size
    top_rest, bottom_rest = size - (top - 1.0), (1.0 - bottom) - size
    k, m = parts(bottom, tiny=False)
    up = top > _ROOT_OF_2 * m
    scale = (-(k.at_least(-60.0))).power_of_two()
    m, m_rest = m.unless(up, m + m), (bottom_rest * scale).unless(up, 2.0 * (bottom_rest * scale))
    k = (-k).unless(up, 1.0 - k)
    plain = k.equals(0.0)
    s, d = top - m, top + m
    d_rest = (top - d) + m + (top_rest + m_rest)
    numerator = s.unless(plain, size), (top_rest - m_rest).unless(plain, 0.0)
    denominator = d.unless(plain, 1.0), d_rest.unless(plain, 0.0)
    result = 0.5 * _log(k, numerator, denominator)
    edge = size.unless(size > 1.0, float("nan")).unless(size.equals(1.0), float("inf"))
    return result.where(size < 1.0, edge).with_sign_of(x)


def _far(x: Real) -> Word:
    """Where x and sqrt(x**2 + 1) are the same float."""
    return x > 2.0**30


def _unless(far: Word, pair: Pair, x: Real) -> Pair:
    return pair[0].unless(far, x), pair[1].unless(far, 0.0)


def _root(t: Real, lost: Real) -> Pair:
    """The square root of t + lost in two floats."""
    root = t.sqrt()
    return root, (root.remaining(root, t) + lost) * (0.5 * root.rough_inverse())


def _log_of_sum(big: Pair, small: Pair) -> Real:
    """log(big + small) where their squares differ by 1. Half of the sum is what k and m are of: the sum overflows."""
    half = 0.5 * big[0]
    total = half + 0.5 * small[0]
    lost = (half - total) + 0.5 * small[0] + 0.5 * (big[1] + small[1])
    k, m = parts(total, tiny=False)
    rest = lost * (-(k.at_most(60.0))).power_of_two()
    k = k + 1.0
    plain = k.equals(0.0)
    base = m.unless(plain, big[0])
    bottom = base + 1.0
    bottom_rest = (1.0 - (bottom - base)).where(base > 1.0, base - (bottom - 1.0)) + rest.unless(plain, big[1])
    top = (m - 1.0).unless(plain, small[0])
    return _log(k, (top, rest.unless(plain, small[1])), (bottom, bottom_rest))


def _log(k: Real, top: Pair, bottom: Pair) -> Real:
    """k ln 2 + 2 atanh(top / bottom), the quotient at most 0.1716; each in two floats."""
    s = top[0] / bottom[0]
    lost = (-s).mad(bottom[1], top[1]) * bottom[0].rough_inverse()
    z = s * s
    tail = (s * z).mad(z.polynomial(L64), 2.0 * lost)
    high, low = LN2_64
    first = k * high
    total = first + 2.0 * s
    rest = (first - total) + 2.0 * s
    return total + (rest + k.mad(low, tail))
