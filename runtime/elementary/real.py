"""Vectors of floats with Python's operators, so that formulas read as formulas.

Comparisons give masks; bits are integers of the floats' width. Nothing branches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.runtime import target
from graphad.runtime.assembly import Assembly, Kind, Word, kind


@dataclass(frozen=True)
class Format:
    """Facts about a binary floating-point format (IEEE 754)."""

    element: str
    fraction: int  # bits of the significand that are stored
    bias: int  # of the exponent
    integer: str  # of its width

    @property
    def magic(self) -> float:
        """Added and subtracted, it rounds to an integer; before the subtraction the low bits are that integer."""
        return 1.5 * 2.0**self.fraction


_SCALE = {("<16 x float>", True): "ps", ("<8 x double>", True): "pd"}
_CURRENT = 4  # rounding as set

FORMATS = {"double": Format("double", 52, 1023, "i64"), "float": Format("float", 23, 127, "i32")}


@dataclass(frozen=True, eq=False)
class Real:
    """A vector of floats. Numbers become constants of its type; every operation rounds once, as written."""

    assembly: Assembly
    word: Word

    @property
    def kind(self) -> Kind:
        return self.word.type

    @property
    def format(self) -> Format:
        return FORMATS[self.kind.element]

    @property
    def double(self) -> bool:
        return self.kind.element == "double"

    def like(self, value: Real | float) -> Word:
        return value.word if isinstance(value, Real) else self.kind(float(value))

    def _new(self, word: Word) -> Real:
        return Real(self.assembly, word)

    def __add__(self, other: Real | float) -> Real:
        return self._new(self.assembly.fadd(self.word, self.like(other)))

    def __radd__(self, other: float) -> Real:
        return self._new(self.assembly.fadd(self.like(other), self.word))

    def __sub__(self, other: Real | float) -> Real:
        return self._new(self.assembly.fsub(self.word, self.like(other)))

    def __rsub__(self, other: float) -> Real:
        return self._new(self.assembly.fsub(self.like(other), self.word))

    def __mul__(self, other: Real | float) -> Real:
        return self._new(self.assembly.fmul(self.word, self.like(other)))

    __rmul__ = __mul__

    def __truediv__(self, other: Real | float) -> Real:
        return self._new(self.assembly.fdiv(self.word, self.like(other)))

    def __rtruediv__(self, other: float) -> Real:
        return self._new(self.assembly.fdiv(self.like(other), self.word))

    def __neg__(self) -> Real:
        return self._new(self.assembly.fneg(self.word))

    def mad(self, factor: Real | float, more: Real | float) -> Real:
        """self * factor + more, rounded once where the machine can."""
        return self._new(self.assembly.intrinsic("llvm.fma", [self.word, self.like(factor), self.like(more)]))

    def polynomial(self, coefficients: Sequence[float]) -> Real:
        """By Horner's rule, the constant term first."""
        total: Real | float = coefficients[-1]
        for c in reversed(coefficients[:-1]):
            total = self.mad(total, c)
        assert isinstance(total, Real)
        return total

    def __lt__(self, other: Real | float) -> Word:
        return self.assembly.fcmp_ordered("<", self.word, self.like(other))

    def __gt__(self, other: Real | float) -> Word:
        return self.assembly.fcmp_ordered(">", self.word, self.like(other))

    def equals(self, other: Real | float) -> Word:
        return self.assembly.fcmp_ordered("==", self.word, self.like(other))

    def is_nan(self) -> Word:
        return self.assembly.fcmp_unordered("uno", self.word, self.word)

    def where(self, mask: Word, other: Real | float) -> Real:
        """self where the mask holds, else other."""
        return self._new(self.assembly.select(mask, self.word, self.like(other)))

    def unless(self, mask: Word, other: Real | float) -> Real:
        """other where the mask holds, else self."""
        return self._new(self.assembly.select(mask, self.like(other), self.word))

    def at_most(self, limit: float) -> Real:
        """NaN stays."""
        return self.unless(self > limit, limit)

    def at_least(self, limit: float) -> Real:
        return self.unless(self < limit, limit)

    def __abs__(self) -> Real:
        return self._new(self.assembly.intrinsic("llvm.fabs", [self.word]))

    def with_sign_of(self, other: Real) -> Real:
        return self._new(self.assembly.intrinsic("llvm.copysign", [self.word, other.word]))

    def sqrt(self) -> Real:
        return self._new(self.assembly.intrinsic("llvm.sqrt", [self.word]))

    def bits(self) -> Word:
        return self.assembly.bitcast(self.word, self.kind.of(self.format.integer))

    def from_bits(self, bits: Word) -> Real:
        """The floats of self's type with these bits."""
        return self._new(self.assembly.bitcast(bits, self.kind))

    def constant(self, number: float) -> Real:
        return self._new(self.kind(float(number)))

    def power_of_two(self) -> Real:
        """2**self for integers in the range of normal exponents."""
        bits = (self + (self.format.magic + self.format.bias)).bits()
        return self.from_bits(self.assembly.shl(bits, bits.type(self.format.fraction)))

    def times_power_of_two(self, n: Real) -> Real:
        """self * 2**n for any integers n; rounded once, or twice where the result is subnormal."""
        scale = _SCALE.get((str(self.kind), "avx512f" in target.features()))
        if scale is not None:
            every, rounding = kind(f"i{max(8, self.kind.lanes)}")(-1), kind("i32")(_CURRENT)
            values = [self.word, n.word, self.word, every, rounding]
            return self._new(self.assembly.native(f"llvm.x86.avx512.mask.scalef.{scale}.512", values, self.kind))
        first = (0.5 * n).nearest()  # 2**n alone may be out of range
        return self * first.power_of_two() * (n - first).power_of_two()

    def nearest(self) -> Real:
        """The nearest integer, ties to even, for magnitudes far below 2**fraction."""
        return (self + self.format.magic) - self.format.magic

    def product(self, other: Real) -> tuple[Real, Real]:
        """self * other as a sum of two floats, exactly: by a fused operation, or Dekker's products of halves (1971)."""
        p = self * other
        if self.assembly.fused:
            return p, self.mad(other, -p)
        (a, b), (c, d) = self._halves(), other._halves()
        return p, (((a * c - p) + a * d) + b * c) + b * d

    def _halves(self) -> tuple[Real, Real]:
        """Two floats of half of the bits each (Veltkamp)."""
        large = self * (2.0 ** (27 if self.double else 12) + 1.0)
        high = large - (large - self)
        return high, self - high

    def remaining(self, factor: Real, of: Real) -> Real:
        """of - self * factor, where that is small and a float."""
        if self.assembly.fused:
            return (-self).mad(factor, of)
        p, rest = self.product(factor)
        return (of - p) - rest

    def rough_inverse(self) -> Real:
        """1 / self for positive numbers within an eighth, which corrections are served by: the bits are subtracted."""
        bits = self.bits()
        magic = 0x7FDE6238DA3C2118 if self.double else 0x7EF311C3
        return self.from_bits(self.assembly.sub(bits.type(magic), bits))

    def libm(self, name: str, *more: Real) -> Word:
        return self.assembly.libm(name, [self.word, *(m.word for m in more)])

    def rarely(self, mask: Word, name: str, *before: Real) -> Real:
        """The C library's name(before, ...) where the mask holds, else self: a block without such lanes skips it."""
        return self._new(self.assembly.rarely(mask, self.word, lambda: before[0].libm(name, *before[1:])))
