"""fmod: what is left of x after as many whole y as there are, towards 0."""

from __future__ import annotations

from graphad.runtime.elementary.real import Real


def fmod(x: Real, y: Real) -> Real:
    """x - q y, exactly, with q the integer next to x / y, and once y more where that is below 0; |x| and |y| for them.

    |x - q y| is at most half of y and a multiple of the last bit of x or of y, so it is a float. The C library answers
    where q has too many bits, where y is infinite, and, without fused operations, where a product's second half would
    not be a float.
    """
    a, b = abs(x), abs(y)
    quotient = a / b
    r = quotient.nearest().remaining(b, a)
    r = r.unless(r < 0.0, r + b)
    write = x.assembly
    usual = write.and_(quotient < 2.0 ** (x.format.fraction - 1), b < float("inf"))
    if not write.fused:
        low, high = (2.0**-900, 2.0**990) if x.double else (2.0**-80, 2.0**110)
        usual = write.and_(usual, write.and_(b > low, write.and_(a < high, b < high)))
    return r.with_sign_of(x).rarely(write.not_(usual), "fmod", x, y)
