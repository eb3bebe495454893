"""Winograd's F(m x m, r x r): tiles as polynomials, multiplied at small whole numbers and at infinity.

    F(2, 3)                   at 0, 1, -1 and infinity
    F(4, 3), F(2, 5), ...     at 0, 1, -1, 2, -2 and infinity

Along one axis: B^T d of an input, G g of a kernel, A^T m of the products. B depends on the points alone, so that tiles
of 4 by kernels of 3 and tiles of 2 by kernels of 5 share it. Rounding errors of the second are some ten times those of
direct sums.

Source: A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks" (2016), arXiv 1509.09308; the general
rule is Toom and Cook's.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Final

from graphad.compiler.loops.ir import Element, Expr, Lit
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.examples.bilinear.algorithm import Algorithm, Memory, Read, Write, WriteWeights
from graphad.compiler.lower.examples.bilinear.arithmetic import Arithmetic

FACTORS: Final = {4: (1, 1 / 2), 6: (1 / 4, -1 / 6, 1 / 24)}
"""By the span: what the values at 0, and at 1 and -1, and at 2 and -2 are multiplied by."""

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
        span, one = self.span, _Axis(Arithmetic(builder, dtype), self.span)
        half = builder.registers((span, span), Lit(0, dtype))
        with builder.unrolled(0, span, span, "r") as r:
            line = [builder.let("v", read(r, j)) for j in range(span)]
            for i, value in enumerate(one.input(line)):
                builder.put(half, (r, i), value)
        with builder.unrolled(0, span, span, "s") as s:
            for i, value in enumerate(one.input([Element(half, (i, s), dtype) for i in range(span)])):
                write(i * span + s, 0, value)

    def of_weights(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: WriteWeights) -> None:
        one, (lines, columns) = _Axis(Arithmetic(builder, dtype), self.span), self.taps
        across = [one.weights([builder.let("v", read(i, j)) for j in range(columns)]) for i in range(lines)]
        for s in range(self.span):
            for r, value in enumerate(one.weights([line[s] for line in across])):
                write(r * self.span + s, (0, 0), value)

    def of_output(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: Write) -> None:
        span, one, (lines, columns) = self.span, _Axis(Arithmetic(builder, dtype), self.span), self.tile
        half = builder.registers((lines, span), Lit(0, dtype))
        with builder.unrolled(0, span, span, "s") as s:
            column = [builder.let("v", read(r * span + s, 0)) for r in range(span)]
            for i, value in enumerate(one.output(column, lines)):
                builder.put(half, (i, s), value)
        with builder.unrolled(0, lines, lines, "r") as r:
            line: list[Expr] = [Element(half, (r, s), dtype) for s in range(span)]
            for q, value in enumerate(one.output(line, columns)):
                write(r, q, value)


class _Axis:
    """The transforms along one axis."""

    def __init__(self, arithmetic: Arithmetic, span: int) -> None:
        self.by, self.factors = arithmetic, FACTORS[span]
        self.input = self._input_of_six if span == 6 else self._input_of_four

    def _input_of_four(self, d: Sequence[Expr]) -> list[Expr]:
        """B^T d."""
        by = self.by
        found = [by.sub(d[0], d[2]), by.add(d[1], d[2]), by.sub(d[2], d[1]), by.sub(d[3], d[1])]
        return [by.some(v) for v in found]

    def _input_of_six(self, d: Sequence[Expr]) -> list[Expr]:
        """B^T d, where rows 1 and 2, and 3 and 4, share their even and odd parts."""
        by = self.by
        even, odd = by.sub(d[4], by.scale(4, d[2])), by.sub(d[3], by.scale(4, d[1]))
        far, farther = by.sub(d[4], d[2]), by.scale(2, by.sub(d[3], d[1]))
        found = [
            by.add(by.sub(by.scale(4, d[0]), by.scale(5, d[2])), d[4]),
            by.add(even, odd),
            by.sub(even, odd),
            by.add(far, farther),
            by.sub(far, farther),
            by.add(by.sub(by.scale(4, d[1]), by.scale(5, d[3])), d[5]),
        ]
        return [by.some(v) for v in found]

    def weights(self, g: Sequence[Expr]) -> list[Expr]:
        """G g: the polynomial's values, even and odd powers apart."""
        by, found = self.by, [self.by.scale(self.factors[0], g[0])]
        for point, factor in enumerate(self.factors[1:], start=1):
            even, odd = (
                reduce(by.add, [by.scale(factor * point**j, g[j]) for j in range(first, len(g), 2)], None)
                for first in (0, 1)
            )
            found += [by.add(even, odd), by.sub(even, odd)]
        return [by.some(v) for v in (*found, g[-1])]

    def output(self, m: Sequence[Expr], count: int) -> list[Expr]:
        """A^T m: sums of the products by powers of their points."""
        by = self.by
        pairs = [(by.add(m[i], m[i + 1]), by.sub(m[i], m[i + 1])) for i in range(1, len(m) - 1, 2)]
        found = [
            reduce(by.add, [by.scale(point**i, pair[i % 2]) for point, pair in enumerate(pairs, start=1)], None)
            for i in range(count)
        ]
        found[0] = by.add(m[0], found[0])
        found[-1] = by.add(found[-1], m[-1])
        return [by.some(v) for v in found]
