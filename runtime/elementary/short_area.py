"""asinh, acosh and atanh of float32: a polynomial where the function is small, else a logarithm.

Far from 0 a logarithm's argument may miss a digit or two of its last place. Polynomials by `docs/fit_elementary.py`.
"""

from __future__ import annotations

from graphad.runtime.elementary.logarithm import log_of_normal
from graphad.runtime.elementary.real import Real

# (asinh(x)/x - 1) / x**2 of x**2 up to 1; error 2**-25.3
_ASINH = (
    -0.166666641831398, 0.07499723136425018, -0.044582825154066086, 0.02987024560570717, -0.020132653415203094,
    0.011618178337812424, -0.004601466469466686, 0.0008715299773029983,
)  # fmt: skip
# acosh(1 + d) / sqrt(d) up to 1; error 2**-25.3
_ACOSH = (
    1.4142135381698608, -0.11785059422254562, 0.026507796719670296, -0.007837356999516487, 0.0025178692303597927,
    -0.0007075076573528349, 0.00011413888569222763,
)  # fmt: skip
# (atanh(x)/x - 1) / x**2 of x**2 up to 1/4; error 2**-25.2
_ATANH = (
    0.3333333134651184, 0.2000047266483307, 0.14263980090618134, 0.11469875276088715, 0.06493489444255829,
    0.15751780569553375,
)  # fmt: skip
_FAR = 2.0**15  # from here on x and sqrt(x**2 + 1) are the same float


def asinh(x: Real) -> Real:
    """x + x**3 P(x**2) up to 1, then log(a + sqrt(a**2 + 1)), a = |x|."""
    size = abs(x)
    z = size * size
    near = (size * z).mad(z.polynomial(_ASINH), size)
    far = _log_of_sum(size, size.mad(size, 1.0).sqrt())
    return near.unless(size > 1.0, far).where(size < float("inf"), size).with_sign_of(x)


def acosh(x: Real) -> Real:
    """sqrt(x - 1) P(x - 1) up to 2, then log(x + sqrt(x**2 - 1))."""
    d = x - 1.0
    close = x < 2.0
    root = d.where(close, x.mad(x, -1.0)).sqrt()
    result = (root * d.polynomial(_ACOSH)).where(close, _log_of_sum(x, root))
    return result.where(x < float("inf"), x)


def atanh(x: Real) -> Real:
    """x + x**3 P(x**2) up to 1/2, then half of log((1 + a) / (1 - a)), a = |x|."""
    size = abs(x)
    z = size * size
    near = (size * z).mad(z.polynomial(_ATANH), size)
    far = 0.5 * log_of_normal((1.0 + size) / (1.0 - size))
    edge = size.unless(size > 1.0, float("nan")).unless(size.equals(1.0), float("inf"))
    return near.unless(size > 0.5, far).where(size < 1.0, edge).with_sign_of(x)


def _log_of_sum(a: Real, b: Real) -> Real:
    """log(a + b) by way of half of it, which does not overflow; b is next to a, if a is large."""
    return log_of_normal(0.5 * a + 0.5 * b.unless(a > _FAR, a), 1.0)
