"""Winograd's F(m x m, r x r): tiles as polynomials, multiplied at pairs of points of either sign, and at infinity.

    F(2, 3)                   at 0, 1, -1 and infinity
    F(4, 3), F(2, 5), ...     at 0, 3/4, -3/4, 3/2, -3/2 and infinity

Along one axis: B^T d of an input, G g of a kernel, A^T m of the products. B depends on the points alone, so that tiles
of 4 by kernels of 3 and tiles of 2 by kernels of 5 share it. With M(x) = x (x - a)(x + a)(x - b)(x + b), whose points
are all but infinity, a row of B has the coefficients of M(x) / (x - point), that of infinity those of M, and a row of G
is divided by M'(point). The points 3/4 and 3/2 are of those with the smallest rounding errors, a fifth of those that
1 and 2 make, and numbers with few bits.

Sources: A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks" (2016), arXiv 1509.09308; on points
B. Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution for deep neural networks" (2020),
arXiv 1803.10986. The general rule is Toom and Cook's.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Final

from graphad.compiler.loops.ir import Element, Expr, Lit
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.examples.bilinear.algorithm import Algorithm, Memory, Pair, Read, Write, WriteWeights
from graphad.compiler.lower.examples.bilinear.arithmetic import Arithmetic

POINTS: Final = {4: (1.0,), 6: (0.75, 1.5)}
"""The positive ones, by the span."""

CYCLES: Final = {4: 30.0, 6: 100.0}
"""Cycles of a transform of an input, measured."""


class Toom(Algorithm):
    """Evaluation at as many points as a tile spans, along either axis."""

    @property
    def points(self) -> int:
        return self.span**2

    @property
    def parts(self) -> int:
        return 1

    @property
    def name(self) -> str:
        return f"Winograd F({self.tile[0]}x{self.tile[1]}, {self.taps[0]}x{self.taps[1]})"

    @property
    def transform_cycles(self) -> float:
        return CYCLES[self.span]

    def of_input(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: Write) -> None:
        one = _Axis(Arithmetic(builder, dtype), self.span)
        self._into_points(builder, dtype, (self.span, self.span), one.input, read, write)

    def of_weights(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: WriteWeights) -> None:
        one, (lines, columns) = _Axis(Arithmetic(builder, dtype), self.span), self.taps
        across = [one.weights([builder.let("v", read(i, j)) for j in range(columns)]) for i in range(lines)]
        for s in range(self.span):
            for r, value in enumerate(one.weights([line[s] for line in across])):
                write(r * self.span + s, (0, 0), value)

    def of_output(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: Write) -> None:
        one = _Axis(Arithmetic(builder, dtype), self.span)
        self._out_of_points(builder, dtype, self.tile, one.output, read, write)

    def of_cotangents(self, builder: Builder, dtype: str, read: Read, write: Write) -> None:
        """Every point of a tile of the results' cotangents: the transpose of ``of_output``."""
        one = _Axis(Arithmetic(builder, dtype), self.span)
        self._into_points(builder, dtype, self.tile, one.cotangents, read, write)

    def of_products(self, builder: Builder, dtype: str, read: Read, write: Write) -> None:
        """A kernel's gradient from the points' sums: the transpose of ``of_weights``."""
        one = _Axis(Arithmetic(builder, dtype), self.span)
        self._out_of_points(builder, dtype, self.taps, one.products, read, write)

    def _into_points(
        self,
        builder: Builder,
        dtype: str,
        size: Pair,
        one: Callable[[list[Expr]], list[Expr]],
        read: Read,
        write: Write,
    ) -> None:
        """Along lines of so many elements, then along columns."""
        span, (lines, columns) = self.span, size
        half = builder.registers((lines, span), Lit(0, dtype))
        with builder.unrolled(0, lines, lines, "r") as r:
            line = [builder.let("v", read(r, j)) for j in range(columns)]
            for i, value in enumerate(one(list(line))):
                builder.put(half, (r, i), value)
        with builder.unrolled(0, span, span, "s") as s:
            for i, value in enumerate(one([Element(half, (i, s), dtype) for i in range(lines)])):
                write(i * span + s, 0, value)

    def _out_of_points(
        self,
        builder: Builder,
        dtype: str,
        size: Pair,
        one: Callable[[list[Expr], int], list[Expr]],
        read: Read,
        write: Write,
    ) -> None:
        """Along columns, then along lines, to so many elements."""
        span, (lines, columns) = self.span, size
        half = builder.registers((lines, span), Lit(0, dtype))
        with builder.unrolled(0, span, span, "s") as s:
            column = [builder.let("v", read(r * span + s, 0)) for r in range(span)]
            for i, value in enumerate(one(list(column), lines)):
                builder.put(half, (i, s), value)
        with builder.unrolled(0, lines, lines, "r") as r:
            for q, value in enumerate(one([Element(half, (r, s), dtype) for s in range(span)], columns)):
                write(r, q, value)


class _Axis:
    """The transforms along one axis."""

    def __init__(self, arithmetic: Arithmetic, span: int) -> None:
        self.by, self.points = arithmetic, POINTS[span]
        squares = [p * p for p in self.points]
        self.whole = 1.0, *_expanded(squares)  # of M(x) / x, in powers of x squared, the highest first
        self.factors = [1 / self.whole[-1]]
        self.scales = [p**i for p, i in zip(self.points, (2, 1), strict=False)]
        """What the products of a pair are multiplied by: a result then takes it as it is."""
        for k, square in enumerate(squares):
            self.factors.append(1 / (2 * square * prod(square - s for j, s in enumerate(squares) if j != k)))

    def input(self, d: Sequence[Expr]) -> list[Expr]:
        """B^T d, where rows of points of either sign share their even and odd parts."""
        by, last = self.by, len(d) - 1
        found = [self._every_other(d, last - 1, self.whole)]
        for k, point in enumerate(self.points):
            rest = 1.0, *_expanded([p * p for j, p in enumerate(self.points) if j != k])
            even, odd = self._every_other(d, last - 1, rest), self._every_other(d, last - 2, rest)
            found += [by.more(point, odd, even), by.more(-point, odd, even)]
        found.append(self._every_other(d, last, self.whole))
        return [by.some(v) for v in found]

    def _every_other(self, d: Sequence[Expr], first: int, coefficients: Sequence[float]) -> Expr | None:
        """``d[first]``, ``d[first - 2]`` ... by coefficients, of which the first is 1."""
        total: Expr | None = d[first]
        for k, c in enumerate(coefficients[1:], start=1):
            total = self.by.more(c, d[first - 2 * k], total)
        return total

    def weights(self, g: Sequence[Expr]) -> list[Expr]:
        """G g: the polynomial's values, even and odd powers apart, the values of a pair by ``scales``."""
        by, found = self.by, [self.by.scale(self.factors[0], g[0])]
        for point, factor, scale in zip(self.points, self.factors[1:], self.scales, strict=True):
            even, odd = (
                reduce(by.add, [by.scale(factor * scale * point**j, g[j]) for j in range(first, len(g), 2)], None)
                for first in (0, 1)
            )
            found += [by.add(even, odd), by.sub(even, odd)]
        return [by.some(v) for v in (*found, g[-1])]

    def output(self, m: Sequence[Expr], count: int) -> list[Expr]:
        """A^T m: sums of the products by powers of their points, without ``scales``."""
        by = self.by
        pairs = [(by.add(m[i], m[i + 1]), by.sub(m[i], m[i + 1])) for i in range(1, len(m) - 1, 2)]
        found: list[Expr | None] = [m[0], *[None] * (count - 2), m[-1]]
        for i in range(count):
            terms = [(p**i / s, pair[i % 2]) for p, s, pair in zip(self.points, self.scales, pairs, strict=True)]
            for factor, value in sorted(terms, key=lambda t: t[0] != 1):  # one that costs no multiplication first
                found[i] = by.more(factor, value, found[i])
        return [by.some(v) for v in found]

    def cotangents(self, y: Sequence[Expr]) -> list[Expr]:
        """A y: the transpose of ``output``."""
        by, found = self.by, [y[0]]
        for point, scale in zip(self.points, self.scales, strict=True):
            even, odd = (self._polynomial(y, first, point, scale) for first in (0, 1))
            found += [by.some(by.add(even, odd)), by.some(by.sub(even, odd))]
        return [*found, y[-1]]

    def _polynomial(self, y: Sequence[Expr], first: int, point: float, scale: float) -> Expr | None:
        """The even or the odd terms: ``y[i]`` by ``point**i / scale``, one without a multiplication first."""
        terms = sorted(((point**i / scale, y[i]) for i in range(first, len(y), 2)), key=lambda t: t[0] != 1)
        total: Expr | None = None
        for factor, value in terms:
            total = self.by.more(factor, value, total)
        return total

    def products(self, m: Sequence[Expr], count: int) -> list[Expr]:
        """G^T m: the transpose of ``weights``."""
        by = self.by
        pairs = [(by.add(m[i], m[i + 1]), by.sub(m[i], m[i + 1])) for i in range(1, len(m) - 1, 2)]
        found: list[Expr | None] = [by.scale(self.factors[0], m[0]), *[None] * (count - 1)]
        found[-1] = by.add(found[-1], m[-1])
        for i in range(count):
            for point, factor, scale, pair in zip(self.points, self.factors[1:], self.scales, pairs, strict=True):
                found[i] = by.more(factor * scale * point**i, pair[i % 2], found[i])
        return [by.some(v) for v in found]


def _expanded(roots: Sequence[float]) -> list[float]:
    """The coefficients of the product of (y - root), but the first, which is 1.

    >>> _expanded([1.0, 4.0])
    [-5.0, 4.0]
    """
    found = [1.0]
    for root in roots:
        found = [a - root * b for a, b in zip((*found, 0.0), (0.0, *found), strict=True)]
    return found[1:]
