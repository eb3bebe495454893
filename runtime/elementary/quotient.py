"""x / y for many x and one y, of all lanes or one in each: by the inverse of y, which is computed once.

q = x r, r = 1 / y rounded, is within an ulp or two; the rest x - q y is exact with a fused operation, and
q + (x - q y) r is x / y, correctly rounded (P. Markstein, IBM J. Res. Dev. 34(1), 1990), unless numbers near the
subnormal ones are in it: then it may be an ulp off. A division takes as long as some ten other operations.
"""

from __future__ import annotations

from graphad.runtime.elementary.real import Real

_MODERATE = {True: 1000, False: 100}  # exponents of y up to which its inverse is as precise as it gets
_POWERS = {True: (128, -64), False: (64, -32)}  # of two, that bring smaller and larger y to where it is


class Divisor:
    """y, which several x are divided by.

    Both are scaled where y is extreme. What x loses there by overflow or underflow, x / y loses in any case.
    """

    def __init__(self, y: Real) -> None:
        size, limit = abs(y), 2.0 ** _MODERATE[y.double]
        up, down = (2.0**power for power in _POWERS[y.double])
        one = Real(y.assembly, y.kind(1.0))
        self.scale = one.unless(size < 1.0 / limit, up).unless(size > limit, down)
        self.y = y * self.scale
        self.inverse = 1.0 / self.y

    def divide(self, x: Real) -> Real:
        """x / y; the plain product where the rest is no number: for infinities, and where y is 0."""
        scaled = x * self.scale
        q = scaled * self.inverse
        better = (-q).mad(self.y, scaled).mad(self.inverse, q)
        return better.where(better.equals(better), q)
