"""cbrt and hypot."""

from __future__ import annotations

from graphad.runtime.elementary.logarithm import parts
from graphad.runtime.elementary.real import Real

# m**(-1/3) for m from sqrt(1/2) to sqrt(2), by `docs/fit_elementary.py`; errors 2**-17.0 and 2**-14.3
_INVERSE_64 = (
    1.995341481913526, -2.4668647417873153, 2.7548577521410413, -1.8620663942011884, 0.6835774315626949,
    -0.10484262703707778,
)  # fmt: skip
_INVERSE_32 = (
    1.8703346252441406, -1.8451907634735107, 1.536993384361267, -0.686906099319458, 0.12474055588245392,
)  # fmt: skip
_ROOT_OF_2 = 1.2599210498948732


def cbrt(x: Real) -> Real:
    """2**q cbrt(y), y = m 2**(k - 3 q): y g**2 with g next to y**(-1/3), then a Newton step."""
    size = abs(x)
    k, m = parts(size)
    q = (k * (1.0 / 3.0)).nearest()
    r = k - 3.0 * q
    y = m.unless(r > 0.5, m + m).unless(r < -0.5, 0.5 * m)
    factor = x.constant(1.0).unless(r > 0.5, 1.0 / _ROOT_OF_2).unless(r < -0.5, _ROOT_OF_2)
    g = m.polynomial(_INVERSE_64 if x.double else _INVERSE_32) * factor
    if x.double:
        e = (-(y * g)).mad(g * g, 1.0)
        g = (g * e).mad(e.mad(2.0 / 9.0, 1.0 / 3.0), g)
    square = g * g
    t = y * square
    rest = (t * t).remaining(t, y)
    result = rest.mad(square * (1.0 / 3.0), t) * q.power_of_two()
    proper = x.assembly.and_(size > 0.0, size < float("inf"))
    return result.with_sign_of(x).where(proper, x)


def hypot(x: Real, y: Real) -> Real:
    """sqrt(x**2 + y**2) of operands that a power of two has brought to where squares are floats."""
    swap = abs(y) > abs(x)
    a, b = abs(x).unless(swap, abs(y)), abs(y).unless(swap, abs(x))
    large, small = (500, 600) if x.double else (60, 90)
    up, down = a < 2.0 ** -(large if x.double else 40), a > 2.0**large
    scale = x.constant(1.0).unless(up, 2.0**small).unless(down, 2.0**-small)
    back = x.constant(1.0).unless(up, 2.0**-small).unless(down, 2.0**small)
    a_, b_ = a * scale, b * scale
    result = a_.mad(a_, b_ * b_).sqrt() * back
    infinite = x.assembly.or_(abs(x).equals(float("inf")), abs(y).equals(float("inf")))
    return result.unless(infinite, float("inf"))
