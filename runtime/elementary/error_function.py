"""erf and erfc.

erf(x) = x + x E(x**2) for |x| <= 1. Beyond, erfc(a) = exp(-a**2) M(t) / (a + p), t = (a - p) / (a + p), M smooth: the
variable of M. M. Shepherd and J. G. Laframboise, Math. Comp. 36 (1981). Polynomials by `docs/fit_elementary.py`.
"""

from __future__ import annotations

from graphad.runtime.elementary.exponential import exp_parts
from graphad.runtime.elementary.real import Real

# E(z) = erf(x) / x - 1 on |x| <= 1; errors 2**-54.6 and 2**-27.5
_INNER_64 = (
    0.12837916709551256, -0.37612638903183543, 0.11283791670945006, -0.02686617064323777, 0.0052239776071164225,
    -0.0008548325975389692, 0.00012055294904839707, -1.492473690741966e-05, 1.6447424703317362e-06,
    -1.6208483801871705e-07, 1.3720064546777686e-08, -7.795898827002142e-10,
)  # fmt: skip
_INNER_32 = (
    0.12837916612625122, -0.3761262595653534, 0.11283594369888306, -0.02685421146452427, 0.005189087241888046,
    -0.000801686430349946, 7.875874871388078e-05,
)  # fmt: skip
# M(t) from 1 to 6, p = 3, and from 1 to 4, p = 2; errors 2**-52.1 and 2**-25.0, of what is less than 0.16 there
_NEAR_64 = (
    1.0740069070883398, -0.8833944531698887, 0.5902283571040894, -0.3104672618994273, 0.11952776128931085,
    -0.026827234697027785, -0.0012124167633733429, 0.0030340639754279255, -0.0005483053852033396,
    -0.0002768034651388238, 0.00010749400761302384, 3.0544863992580704e-05, -1.6959729423846043e-05,
    -4.914185183974767e-06, 1.2297579261345911e-06,
)  # fmt: skip
_NEAR_32 = (
    1.0215827226638794, -0.6871607899665833, 0.2794719934463501, -0.03643326088786125, -0.02150377444922924,
    0.006317412480711937, 0.0029655108228325844,
)  # fmt: skip
# M(t) from 3/4 to where erfc is 0 as a float, p = 2 and 1.5; errors 2**-55.4 and 2**-28.1
_FAR_64 = (
    1.021582705242023, -0.6871606844138106, 0.2794720925560547, -0.036442231506876005, -0.021510661889488386,
    0.006479185067536102, 0.0030906120594344317, -0.0008372960558735448, -0.0006630735140150546,
    3.437131731305818e-05, 0.0001444709289158497, 3.4150128533634606e-05, -2.1698554402304848e-05,
    -1.612805042327393e-05, -1.1071705049413527e-06, 3.6621288791955006e-06, 1.9187705619851853e-06,
    1.819616341134632e-08, -3.847779009249088e-07, -5.218482283485335e-07, -1.0532077194118297e-07,
    4.2213786086966023e-07, -1.3188402202359534e-07,
)  # fmt: skip
_FAR_32 = (
    0.9647562503814697, -0.5078499913215637, 0.07562162727117538, 0.047767478972673416, -0.008112852461636066,
    -0.009453106671571732, -0.0009019632707349956, 0.0018305567791685462, 0.0012507365318015218,
    -0.0007170101162046194,
)  # fmt: skip


def erf(x: Real) -> Real:
    """Far from 0, 1 minus what needs fewer digits."""
    size = abs(x)
    inner = _inner(x).mad(size, size)
    a, pole, series = (size.at_most(6.0), 3.0, _NEAR_64) if x.double else (size.at_most(4.0), 2.0, _NEAR_32)
    w = 1.0 / (a + pole)
    n, rest, _ = exp_parts(-(a * a))
    scaled = w * ((a - pole) * w).polynomial(series) * n.power_of_two()
    return inner.unless(size > 1.0, 1.0 - scaled.mad(rest, scaled)).with_sign_of(x)


def erfc(x: Real) -> Real:
    """(1 - x) - x E(x**2) near 0, and 2 minus the function of |x| for negative x.

    Further out a**2, 1 / (a + p) and M are sums of two floats each: what they lose as one adds up to too much.
    """
    size = abs(x)
    near = (-_inner(x)).mad(size, 1.0 - size)
    a, pole, series = (size.at_most(28.0), 2.0, _FAR_64) if x.double else (size.at_most(10.5), 1.5, _FAR_32)
    w, w_rest = _inverse(a, pole)
    t = w.mad(-2.0 * pole, 1.0) - 2.0 * pole * w_rest
    m, m_rest = _sum(series[0], t * t.polynomial(series[1:]))
    scaled, scaled_rest = w.product(m)
    scaled_rest = w.mad(m_rest, w_rest.mad(m, scaled_rest))
    square, square_rest = a.product(a)
    n, rest, whole = exp_parts(-square)
    rest = (-square_rest).mad(whole, rest)
    far = (scaled + scaled.mad(rest, scaled_rest)).times_power_of_two(n)
    right = far.where(size > 0.75, near)
    return right.unless(x < 0.0, 2.0 - right)


def _inner(x: Real) -> Real:
    return (x * x).polynomial(_INNER_64 if x.double else _INNER_32)


def _sum(large: float, small: Real) -> tuple[Real, Real]:
    total = large + small
    return total, (large - total) + small


def _inverse(a: Real, pole: float) -> tuple[Real, Real]:
    """1 / (a + pole) in two floats."""
    d = a + pole
    d_rest = a - (d - pole)
    w = 1.0 / d
    return w, w * ((-w).mad(d_rest, d.remaining(w, d.constant(1.0))))
