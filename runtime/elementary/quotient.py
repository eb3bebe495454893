"""x / y for many x and one y: by the inverse of y, which is computed once.

q = x r, r = 1 / y rounded, is within an ulp or two; the rest x - q y is exact with a fused operation, and
q + (x - q y) r is x / y, correctly rounded (P. Markstein, IBM J. Res. Dev. 34(1), 1990), unless numbers near the
subnormal ones are in it: then it may be an ulp off. A division takes as long as some ten other operations.
"""

from __future__ import annotations

from graphad.runtime.assembly import Word
from graphad.runtime.elementary.real import Real

_MODERATE = {True: 1000, False: 100}  # exponents of y up to which r is as precise as it gets


def inverse(y: Real) -> Real:
    """1 / y, for `quotient`."""
    return 1.0 / y


def extreme(y: Real) -> Word:
    """Whether y is so large or small, or no number, that its inverse will not do."""
    limit, size = _MODERATE[y.double], abs(y)
    write = y.assembly
    return write.not_(write.and_(size > 2.0**-limit, size < 2.0**limit))


def quotient(x: Real, y: Real, r: Real, wild: Word) -> Real:
    """x / y. The division itself where ``wild``, which holds for all lanes or for none."""
    q = x * r
    better = (-q).mad(y, x).mad(r, q)
    found = better.where(abs(q) < float("inf"), q)  # infinite: the rest is no number
    write = x.assembly
    return Real(write, write.rarely(wild, found.word, lambda: (x / y).word))
