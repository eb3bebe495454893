"""Fourier transforms of short lines of real and of complex numbers, as expressions written out.

    X[k] = sum over n of x[n] w^(k n),    w = exp(-2 pi i / N)

by halves: X[k] = E[k] + w^k O[k] from the transforms of even and odd elements. Of real numbers only half of them are
computed: X[N-k] is the conjugate of X[k]. Zeros in the input, None, cost nothing. Inverses are not divided by N.

Source: J. W. Cooley and J. W. Tukey, "An algorithm for the machine calculation of complex Fourier series" (1965); for
real numbers H. V. Sorensen et al., "Real-valued fast Fourier transform algorithms" (1987).
"""

from collections.abc import Sequence
from math import cos, pi, sin
from typing import TypeAlias

from graphad.compiler.loops.ir import Expr
from graphad.compiler.lower.examples.bilinear.arithmetic import Arithmetic

Real: TypeAlias = Expr | None
Complex: TypeAlias = tuple[Real, Real]


def of_real(by: Arithmetic, x: Sequence[Real]) -> list[Complex]:
    """X[0] to X[N/2]; the first and the last are real."""
    n = len(x)
    if n == 1:
        return [(x[0], None)]
    even, odd = of_real(by, x[::2]), of_real(by, x[1::2])
    if n == 2:
        return [(by.add(even[0][0], odd[0][0]), None), (by.sub(even[0][0], odd[0][0]), None)]
    low: list[Complex] = []
    high: list[Complex] = []
    for k, (e, o) in enumerate(zip(even, odd, strict=True)):
        t = turned(by, o, k, n)
        low.append((by.add(e[0], t[0]), by.add(e[1], t[1])))
        high.append((by.sub(e[0], t[0]), by.sub(t[1], e[1])))
    return low + high[-2::-1]


def to_real(by: Arithmetic, x: Sequence[Complex]) -> list[Real]:
    """N times the real numbers whose transform begins with X[0] to X[N/2]."""
    n = 2 * (len(x) - 1)
    if n == 2:
        return [by.add(x[0][0], x[1][0]), by.sub(x[0][0], x[1][0])]
    even: list[Complex] = []
    odd: list[Complex] = []
    for k in range(n // 4 + 1):
        a, b = x[k], x[n // 2 - k]
        if k == n // 4:
            even.append((by.scale(2, a[0]), None))
            odd.append((by.scale(-2, a[1]), None))
            break
        even.append((by.add(a[0], b[0]), by.sub(a[1], b[1])))
        odd.append(turned(by, (by.sub(a[0], b[0]), by.add(a[1], b[1])), -k, n))
    return [v for pair in zip(to_real(by, even), to_real(by, odd), strict=True) for v in pair]


def of_complex(by: Arithmetic, x: Sequence[Complex]) -> list[Complex]:
    """X[0] to X[N-1]."""
    n = len(x)
    if n == 1:
        return list(x)
    low: list[Complex] = []
    high: list[Complex] = []
    for k, (e, o) in enumerate(zip(of_complex(by, x[::2]), of_complex(by, x[1::2]), strict=True)):
        t = turned(by, o, k, n)
        low.append((by.add(e[0], t[0]), by.add(e[1], t[1])))
        high.append((by.sub(e[0], t[0]), by.sub(e[1], t[1])))
    return low + high


def to_complex(by: Arithmetic, x: Sequence[Complex]) -> list[Complex]:
    """N times the numbers whose transform is ``x``: that of real and imaginary parts exchanged."""
    return [(re, im) for im, re in of_complex(by, [(im, re) for re, im in x])]


def turned(by: Arithmetic, x: Complex, k: int, n: int) -> Complex:
    """x * w^k; by eighths of a turn without multiplying by two numbers."""
    re, im = x
    eighths, rest = divmod(8 * k, n)
    if rest == 0:
        for _ in range(eighths % 8 // 2):
            re, im = im, by.scale(-1, re)
        if eighths % 2:
            re, im = by.scale(cos(pi / 4), by.add(re, im)), by.scale(cos(pi / 4), by.sub(im, re))
        return re, im
    c, s = cos(2 * pi * k / n), sin(2 * pi * k / n)
    return by.add(by.scale(c, re), by.scale(s, im)), by.sub(by.scale(c, im), by.scale(s, re))
