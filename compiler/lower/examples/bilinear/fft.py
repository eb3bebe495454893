"""Convolution by Fourier transforms of tiles, for kernels of many taps.

Correlation is a product by the conjugate: out = inverse(transform(x) * conj(transform(w))), right where nothing wraps
around, in span - taps + 1 results along either axis (overlap-save). Of real numbers half the transform is enough:

    pair p of parts      column 0 or span/2, line 0 and line span/2      two real numbers
                         column 0 or span/2, line k                      a complex number
                         column k, line r                                a complex number

Source: M. Mathieu, M. Henaff and Y. LeCun, "Fast training of convolutional networks through FFTs" (2014),
arXiv 1312.5851.
"""

from collections.abc import Sequence
from typing import Final

from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.ir import Expr, Load
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.examples.bilinear.algorithm import Algorithm, Memory, Read, Write, WriteWeights
from graphad.compiler.lower.examples.bilinear.arithmetic import Arithmetic
from graphad.compiler.lower.examples.bilinear.fourier import Complex, of_complex, of_real, to_complex, to_real
from graphad.compiler.lower.storage import Storage

CYCLES: Final = {8: 220.0, 16: 2000.0, 32: 15000.0}
"""Cycles of a transform of an input, measured."""


class Fft(Algorithm):
    """Real transforms of lines, complex ones of columns."""

    @property
    def points(self) -> int:
        return self.span**2 // 2

    @property
    def parts(self) -> int:
        return 2

    @property
    def name(self) -> str:
        return f"FFT of {self.span} x {self.span}"

    @property
    def transform_cycles(self) -> float:
        return CYCLES[self.span]

    def of_input(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: Write) -> None:
        work = _Halves(self.span, builder, memory, dtype)
        with builder.loop(self.span, stem="r") as r:
            work.put(r, _parts(of_real(work.by, [builder.let("v", read(r, j)) for j in range(self.span)])))
        with builder.loop(2, stem="s") as s:
            values = _parts(of_real(work.by, work.column(s, self.span)))
            for i, value in enumerate(values):
                write(s * (self.span // 2) + i // 2, i % 2, work.by.some(value))
        with builder.loop(self.span // 2, stem="s", start=1) as s:
            for r, z in enumerate(of_complex(work.by, work.columns(s, self.span))):
                for part, value in enumerate(z):
                    write(s * self.span + r, part, work.by.some(value))

    def of_weights(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: WriteWeights) -> None:
        work, (lines, columns) = _Halves(self.span, builder, memory, dtype), self.taps
        rest = [None] * (self.span - columns)
        with builder.loop(lines, stem="r") as r:
            taps = [work.by.scale(self.span**-2, builder.let("v", read(r, j))) for j in range(columns)]
            work.put(r, _parts(of_real(work.by, [*taps, *rest])))
        with builder.loop(2, stem="s") as s:
            found = of_real(work.by, work.column(s, lines))
            first = s * (self.span // 2)
            for i, value in enumerate((found[0][0], None, None, found[-1][0])):
                write(first, divmod(i, 2), work.by.some(value))
            for k, z in enumerate(found[1:-1], start=1):
                _turn(work.by, first + k, z, write)
        with builder.loop(self.span // 2, stem="s", start=1) as s:
            for r, z in enumerate(of_complex(work.by, work.columns(s, lines))):
                _turn(work.by, s * self.span + r, z, write)

    def of_output(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: Write) -> None:
        work, (lines, columns) = _Halves(self.span, builder, memory, dtype), self.tile
        with builder.loop(2, stem="s") as s:
            values = [read(s * (self.span // 2) + i // 2, i % 2) for i in range(self.span)]
            work.put_column(s, to_real(work.by, _complex([builder.let("v", v) for v in values]))[:lines])
        with builder.loop(self.span // 2, stem="s", start=1) as s:
            pairs = [
                (builder.let("v", read(s * self.span + r, 0)), builder.let("v", read(s * self.span + r, 1)))
                for r in range(self.span)
            ]
            found = to_complex(work.by, pairs)[:lines]
            work.put_column(2 * s, [re for re, _ in found])
            work.put_column(2 * s + 1, [im for _, im in found])
        with builder.loop(lines, stem="r") as r:
            line = to_real(work.by, _complex(work.line(r)))
            for q, value in enumerate(line[:columns]):
                write(r, q, work.by.some(value))


def _parts(x: Sequence[Complex]) -> list[Expr | None]:
    """The real first and last numbers, then the others' parts."""
    return [x[0][0], x[-1][0], *(part for z in x[1:-1] for part in z)]


def _complex(parts: Sequence[Expr]) -> list[Complex]:
    """What ``_parts`` came from."""
    inner: list[Complex] = list(zip(parts[2::2], parts[3::2], strict=True))
    return [(parts[0], None), *inner, (parts[1], None)]


def _turn(by: Arithmetic, point: Dim, z: Complex, write: WriteWeights) -> None:
    """The product by the conjugate as a matrix of two by two."""
    for i, value in enumerate((z[0], z[1], by.scale(-1, z[1]), z[0])):
        write(point, divmod(i, 2), by.some(value))


class _Halves:
    """A tile of which the lines are transformed, in memory; lines an odd number of elements apart."""

    def __init__(self, span: int, builder: Builder, memory: Memory, dtype: str) -> None:
        self.span, self.builder, self.dtype = span, builder, dtype
        self.by = Arithmetic(builder, dtype)
        self.memory = memory
        self.storage: Storage = memory.local(dtype, span * (span + 1))

    def put(self, line: Dim, values: Sequence[Expr | None]) -> None:
        for i, value in enumerate(values):
            self._store(line * (self.span + 1) + i, value)

    def put_column(self, column: Dim, values: Sequence[Expr | None]) -> None:
        for i, value in enumerate(values):
            self._store(column + i * (self.span + 1), value)

    def line(self, line: Dim) -> list[Expr]:
        return [self._load(line * (self.span + 1) + i) for i in range(self.span)]

    def column(self, column: Dim, lines: int) -> list[Expr | None]:
        """The first ``lines`` of a column; there are zeros below."""
        zeros: list[Expr | None] = [None] * (self.span - lines)
        return [self._load(r * (self.span + 1) + column) for r in range(lines)] + zeros

    def columns(self, column: Dim, lines: int) -> list[Complex]:
        """A complex column."""
        pairs = zip(self.column(2 * column, lines), self.column(2 * column + 1, lines), strict=True)
        return list(pairs)

    def _store(self, place: Dim, value: Expr | None) -> None:
        self.builder.store(self.storage, self.memory.place(place), self.by.some(value))

    def _load(self, place: Dim) -> Expr:
        name = self.builder.buffer(self.storage)
        return self.builder.let("v", Load(name, self.memory.place(place), self.dtype))
