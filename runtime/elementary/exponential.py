"""exp, exp2, expm1 and the hyperbolic functions.

exp(x) = 2**n exp(r), n the integer next to x / ln 2 and r = x - n ln 2 in two steps (Cody and Waite), so |r| is at most
ln 2 / 2; exp(r) = 1 + r + r**2 q(r). Overflow and subnormal results come from scaling by 2**n in two factors.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphad.runtime.elementary.real import Real

# q(r) = (exp(r) - 1 - r) / r**2 on |r| <= 0.3468: Chebyshev fit (mpmath.chebyfit), error 1.1e-16 and 6.6e-8
_Q64 = (
    0.5000000000000001, 0.16666666666666669, 0.04166666666662399, 0.008333333333330051, 0.0013888888917281794,
    0.00019841269863105968, 2.480152119021773e-05, 2.7557268378684192e-06, 2.7620138719733994e-07,
    2.5100424157005067e-08,
)  # fmt: skip
_Q32 = (0.5, 0.16666576845993977, 0.04166655443768594, 0.008363202971575855, 0.0013926213466332444)
_LOG2E = 1.4426950408889634
# ln 2 in two parts. The first has few enough bits that its product with n is exact even without a fused operation.
LN2_64 = (0.6931471803691238, 1.9082149292705877e-10)
LN2_32 = (0.693359375, -2.12194440e-4)

_RANGE = {True: (-746.0, 710.0), False: (-104.0, 89.0)}  # arguments beyond are 0 or infinity


def exp(x: Real) -> Real:
    low, high = _RANGE[x.double]
    n, r = _reduce(x.at_most(high).at_least(low))
    return _exp_of_rest(r).times_power_of_two(n)


def exp2(x: Real) -> Real:
    low, high = (-1076.0, 1025.0) if x.double else (-151.0, 129.0)
    x = x.at_most(high).at_least(low)
    n = x.nearest()
    return _exp_of_rest((x - n) * 0.6931471805599453).times_power_of_two(n)


def expm1(x: Real) -> Real:
    """2**n expm1(r) + 2**n - 1, with half of 2**n, which does not overflow."""
    low, high = (-40.0, 710.0) if x.double else (-20.0, 89.0)
    n, r, rest = _reduce_closely(x.at_most(high).at_least(low))
    half = (n - 1.0).power_of_two()
    result = 2.0 * _expm1_of_rest(r, rest).mad(half, half - 0.5)
    return result.unless(abs(x) < (2.0**-54 if x.double else 2.0**-25), x)


def tanh(x: Real) -> Real:
    """-t / (2 + t) with t = expm1(-2 |x|), from 0.85 on 1 - 2 e / (1 + e) with e = 1 + t.

    The derivative takes exp(-2 |x|), too: most of both is the same instructions.
    """
    low, high = _RANGE[x.double]
    size = abs(x)
    n, r = _reduce((-2.0 * size).at_most(high).at_least(low))
    scale = n.at_least(-64.0).power_of_two()
    rest = _expm1_of_rest(r)
    t, e = rest.mad(scale, scale - 1.0), rest.mad(scale, scale)
    far = size > 0.85
    y = (-t).unless(far, e + e) / (t + 2.0)
    return y.unless(far, 1.0 - y).with_sign_of(x)


def sinh(x: Real) -> Real:
    """(t + t / (t + 1)) / 2 with t = expm1(|x|); for large |x| half of exp(|x|)."""
    size, limit = abs(x), 22.0 if x.double else 10.0
    t = _expm1_of_moderate(size.at_most(limit))
    return (0.5 * (t + t / (t + 1.0))).unless(size > limit, _half_exp(size)).with_sign_of(x)


def cosh(x: Real) -> Real:
    """h + 1 / (4 h) with h = exp(|x|) / 2."""
    half = _half_exp(abs(x))
    return half + 0.25 / half


def exp_parts(x: Real) -> tuple[Real, Real, Real]:
    """n, expm1(r) and exp(r) with exp(x) = 2**n exp(r)."""
    n, r = _reduce(x)
    rest = _expm1_of_rest(r)
    return n, rest, rest + 1.0


def exp_in_range(x: Real, series: Sequence[float]) -> Real:
    """exp(x) with q as given, where neither the result nor the inverse overflows."""
    n, r = _reduce(x)
    return r.polynomial(series).mad(r, 1.0).mad(r, 1.0) * n.power_of_two()


def exp_of_sum(x: Real, more: Real) -> Real:
    """exp(x + more) for a small second term."""
    n, r = _reduce(x)
    return _exp_of_rest(r + more).times_power_of_two(n)


def _half_exp(x: Real) -> Real:
    n, r = _reduce(x.at_most(712.0 if x.double else 90.0))
    return _exp_of_rest(r).times_power_of_two(n - 1.0)


def _expm1_of_moderate(x: Real) -> Real:
    """For 0 <= x <= 40."""
    n, r, rest = _reduce_closely(x)
    scale = n.power_of_two()
    return _expm1_of_rest(r, rest).mad(scale, scale - 1.0)


def _reduce(x: Real) -> tuple[Real, Real]:
    n = x.mad(_LOG2E, x.format.magic) - x.format.magic
    high, low = LN2_64 if x.double else LN2_32
    return n, n.mad(-low, n.mad(-high, x))


def _reduce_closely(x: Real) -> tuple[Real, Real, Real]:
    """The same with what r lacks: where 2**n - 1 cancels most of expm1(r), its last bit is seen."""
    n, r = _reduce(x)
    high, low = LN2_64 if x.double else LN2_32
    return n, r, n.mad(-low, n.mad(-high, x) - r)


def _exp_of_rest(r: Real) -> Real:
    """1 + r (1 + r q(r)), nested to the end: a step less than by r**2, and within 0.93 ulp instead of 1.05."""
    q = r.polynomial(_Q64 if r.double else _Q32)
    return q.mad(r, 1.0).mad(r, 1.0)


def _expm1_of_rest(r: Real, rest: Real | None = None) -> Real:
    q = r.polynomial(_Q64 if r.double else _Q32)
    return (r * r).mad(q, r) if rest is None else r + (r * r).mad(q, rest)
