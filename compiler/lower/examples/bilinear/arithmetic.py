"""Arithmetic on expressions whose results get names, in which zeros cost nothing."""

from dataclasses import dataclass

from graphad.compiler.loops.ir import Expr, Lit, Prim
from graphad.compiler.lower.builder import Builder


@dataclass(frozen=True)
class Arithmetic:
    """Sums and multiples of expressions; None is a zero."""

    builder: Builder
    dtype: str

    def add(self, a: Expr | None, b: Expr | None) -> Expr | None:
        if a is None or b is None:
            return b if a is None else a
        return self._let("add", a, b)

    def sub(self, a: Expr | None, b: Expr | None) -> Expr | None:
        if b is None:
            return a
        return self.scale(-1, b) if a is None else self._let("sub", a, b)

    def scale(self, factor: float, a: Expr | None) -> Expr | None:
        if a is None or factor == 1:
            return a
        if factor == -1:
            return self.builder.let("v", Prim("neg", (a,), self.dtype))
        return self._let("mul", Lit(factor, self.dtype), a)

    def more(self, factor: float, a: Expr | None, b: Expr | None) -> Expr | None:
        """``factor * a + b``, rounded once."""
        if a is None or b is None or abs(factor) == 1:
            return self.add(b, self.scale(factor, a)) if factor != -1 else self.sub(b, a)
        return self.builder.let("v", Prim("fma", (Lit(factor, self.dtype), a, b), self.dtype))

    def some(self, a: Expr | None) -> Expr:
        """The value, a zero written out."""
        return Lit(0, self.dtype) if a is None else a

    def _let(self, name: str, a: Expr, b: Expr) -> Expr:
        return self.builder.let("v", Prim(name, (a, b), self.dtype))
