"""sin, cos, tan and their inverses.

x = n pi/2 + r with pi/2 in three parts (Cody and Waite), |r| <= pi/4; n modulo 4 says which of +-sin(r), +-cos(r).
Beyond the range in which the reduction is exact, the C library answers.
"""

from __future__ import annotations

import math

from graphad.runtime.assembly import Word
from graphad.runtime.elementary.real import Real

# sin(r) = r + r**3 S(r**2), cos(r) = 1 - r**2/2 + r**4 C(r**2), |r| <= 0.789: Chebyshev fits (mpmath.chebyfit), errors
# 2.2e-17 and 1.4e-18, in float32 2.1e-8 and 2.1e-9
_S64 = (
    -0.16666666666666666, 0.008333333333330827, -0.0001984126983657571, 2.755731600817155e-06,
    -2.5051112272573243e-08, 1.5916726193889336e-10,
)  # fmt: skip
_C64 = (
    0.041666666666666664, -0.0013888888888887322, 2.4801587298651292e-05, -2.755731721268659e-07,
    2.0876134024090145e-09, -1.1381754653662937e-11,
)  # fmt: skip
_S32 = (-0.16666664601754114, 0.00833273655917713, -0.0001958537320669302)
_C32 = (0.04166666459882798, -0.0013888291300556933, 2.4545419078353295e-05)

# pi/2 in parts and the largest |x| that they serve: with fused operations parts of all bits, without them parts so
# short that products with n are exact (fdlibm's). In float32 such parts would have too few bits.
_FUSED = {
    "double": ((1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33), 2.0**30),
    "float": ((1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15), 2.0**16),
}
_PLAIN = {
    "double": ((1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21), 2.0**20),
}


def sin(x: Real) -> Real:
    quadrant, sine, cosine, far = _both(x)
    return _choose(sine, cosine, quadrant).unless(x.equals(0.0), x).rarely(far, "sin", x)


def cos(x: Real) -> Real:
    quadrant, sine, cosine, far = _both(x)
    return _choose(sine, cosine, x.assembly.add(quadrant, quadrant.type(1))).rarely(far, "cos", x)


def tan(x: Real) -> Real:
    quadrant, sine, cosine, far = _both(x)
    odd = _odd(x, quadrant)
    flipped = (-sine).where(odd, cosine)
    return (cosine.where(odd, sine) / flipped).unless(x.equals(0.0), x).rarely(far, "tan", x)


def _both(x: Real) -> tuple[Word, Real, Real, Word]:
    """n's low bits, sin(r), cos(r), and where x is too large for them."""
    parts, limit = (_FUSED if x.assembly.fused else _PLAIN)[x.kind.element]
    shifted = x.mad(2.0 / math.pi, x.format.magic)
    n = shifted - x.format.magic
    r = n.mad(-parts[0], x)  # exact: both are multiples of the first part's last bit
    for part in parts[1:]:
        r = n.mad(-part, r)
    z = r * r
    sine = (r * z).mad(z.polynomial(_S64 if x.double else _S32), r)
    cosine = z.mad(z.polynomial((-0.5, *(_C64 if x.double else _C32))), 1.0)
    return shifted.bits(), sine, cosine, abs(x) > limit


def _odd(x: Real, quadrant: Word) -> Word:
    one = quadrant.type(1)
    return x.assembly.icmp_signed("!=", x.assembly.and_(quadrant, one), quadrant.type(0))


def _choose(sine: Real, cosine: Real, quadrant: Word) -> Real:
    """sin(n pi/2 + r), n given by its low bits."""
    write = sine.assembly
    value = cosine.where(_odd(sine, quadrant), sine)
    width = quadrant.type.width
    sign = write.and_(write.shl(quadrant, quadrant.type(width - 2)), quadrant.type(-(1 << (width - 1))))
    return value.from_bits(write.xor(value.bits(), sign))


# atan(u) = u + u**3 A(u**2), |u| <= tan(pi/8): Chebyshev fit, error 3.2e-17
_A64 = (
    -0.3333333333333333, 0.1999999999999548, -0.14285714284657894, 0.11111111014561013, -0.09090904549884611,
    0.07692182535116648, -0.06664502215671447, 0.058580687568615106, -0.05085030492810941, 0.03921955253255129,
    -0.019162068915902573,
)  # fmt: skip
# the same with error 2**-25.6, by `docs/fit_elementary.py`
_A32 = (-0.3333333134651184, 0.19999539852142334, -0.14263956248760223, 0.10743731260299683, -0.06451927870512009)
# multiples of pi in two parts
_TURN = {True: (3.141592653589793, 1.2246467991473532e-16), False: (3.1415927410125732, -8.742277657347586e-08)}


def _of_pi(x: Real, fraction: float = 1.0) -> tuple[float, float]:
    """A power of two times pi, for numbers like x."""
    first, second = _TURN[x.double]
    return fraction * first, fraction * second


def atan(x: Real) -> Real:
    """pi/4 + atan((x-1)/(x+1)) from tan(pi/8) on, pi/2 + atan(-1/x) from tan(3 pi/8) on."""
    size = abs(x)
    middle, far = size > 0.4142135623730951, size > 2.414213562373095
    top = size.unless(middle, size - 1.0).unless(far, -1.0)
    bottom = size.constant(1.0).unless(middle, size + 1.0).unless(far, size)
    high, low = (
        size.constant(0.0).unless(middle, eighth).unless(far, quarter)
        for eighth, quarter in zip(_of_pi(x, 0.25), _of_pi(x, 0.5), strict=True)
    )
    u = top / bottom
    return (high + (u + (_atan_tail(u) + low))).with_sign_of(x)


def atan2(y: Real, x: Real) -> Real:
    """The angle of the smaller over the larger magnitude, folded out; zeros and extremes by the C library."""
    a, b = abs(x), abs(y)
    swap = b > a
    small, large = a.where(swap, b), b.where(swap, a)
    middle = small > 0.4142135623730951 * large
    u = small.unless(middle, small - large) / large.unless(middle, small + large)
    high, low = (u.constant(0.0).unless(middle, eighth) for eighth in _of_pi(u, 0.25))
    tail = _atan_tail(u) + low
    # pi/2 - angle where swapped, then pi - angle for negative x: one constant and one sign
    left = x < 0.0
    flip = x.assembly.xor(swap, left)
    base = _choose_constant(u, swap, left)
    sign = u.constant(1.0).unless(flip, -1.0)
    high_sum = base[0] + sign * high
    error = (base[0] - high_sum) + sign * high
    angle = high_sum + sign * u
    rest = (high_sum - angle) + sign * u
    result = (angle + (rest + (error + base[1] + sign * tail))).with_sign_of(y)
    write, limit = x.assembly, 2.0 ** (1000 if x.double else 100)
    strange = write.or_(write.not_(write.and_(small > 1.0 / limit, large < limit)), small.is_nan())
    return result.rarely(strange, "atan2", y, x)


def _choose_constant(u: Real, swap: Word, left: Word) -> tuple[Real, Real]:
    """pi/2 where swapped, else pi at the left and 0 at the right, in two parts."""
    first, second = (
        u.constant(0.0).unless(left, whole).unless(swap, quarter)
        for whole, quarter in zip(_of_pi(u), _of_pi(u, 0.5), strict=True)
    )
    return first, second


def _atan_tail(u: Real) -> Real:
    z = u * u
    return u * (z * z.polynomial(_A64 if u.double else _A32))


# asin(x) = x + x**3 B(x**2), |x| <= 1/2: Chebyshev fit, error 1.6e-17
_B64 = (
    0.16666666666666669, 0.07499999999998425, 0.04464285714637338, 0.030381944137085216, 0.022372173002005596,
    0.017352391265909227, 0.013971235301124539, 0.011478952690257387, 0.010324318288744113, 0.00545087818772055,
    0.017419357964884856, -0.014881409392818066, 0.02877844261259304,
)  # fmt: skip
# the same with error 2**-26.4, by `docs/fit_elementary.py`
_B32 = (
    0.1666666567325592, 0.07500094175338745, 0.04459940269589424, 0.031100662425160408, 0.017149237915873528,
    0.03369084745645523,
)  # fmt: skip


def asin(x: Real) -> Real:
    """pi/2 - 2 asin(sqrt((1 - |x|)/2)) from 1/2 on."""
    far, s, tail = _asin_parts(x)
    quarter, rest = _of_pi(x, 0.5)
    outer = (quarter - 2.0 * s) - (2.0 * tail - rest)
    return outer.where(far, s + tail).with_sign_of(x)


def acos(x: Real) -> Real:
    """2 asin(sqrt((1 - |x|)/2)) from 1/2 on, pi minus that on the other side, pi/2 - asin(x) between."""
    far, s, tail = _asin_parts(x)
    outer = 2.0 * (s + tail)
    (half, half_rest), (quarter, rest) = _of_pi(x), _of_pi(x, 0.5)
    turned = half - (outer - half_rest)
    signed = tail.with_sign_of(x)
    inner = quarter - (x - (rest - signed))
    return outer.unless(x < 0.0, turned).where(far, inner)


def _asin_parts(x: Real) -> tuple[Word, Real, Real]:
    """Where |x| > 1/2, and asin of |x| or of sqrt((1 - |x|)/2) as s + tail."""
    size = abs(x)
    far = size > 0.5
    z = (0.5 * (1.0 - size)).where(far, size * size)
    s = z.sqrt().where(far, size)
    return far, s, s * (z * z.polynomial(_B64 if z.double else _B32))
