"""Sums of terms ``coefficient * p^power * s^scale``, and the ops that keep them such sums."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.make import full, mapped
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import MapOp, ReduceOp
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.view import Affine


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Algebra:
    """The ops that the terms are made of; the front end says which of its records they are."""

    exp: MapOp
    log: MapOp
    add: MapOp
    subtract: MapOp
    multiply: MapOp
    divide: MapOp
    negative: MapOp
    where: MapOp
    isfinite: MapOp
    sum: ReduceOp
    max: ReduceOp


_DECLARED: Final[list[Algebra]] = []


def declare_algebra(algebra: Algebra) -> None:
    """Hands over the records; the front end does so when it is imported."""
    _DECLARED.append(algebra)


def declared_algebras() -> tuple[Algebra, ...]:
    """What the front end has handed over."""
    return tuple(_DECLARED)


@dataclass(frozen=True, slots=True)
class Term:
    """``sign * coefficient * p^power * s^scale``; no coefficient is 1."""

    sign: int
    coefficient: Node | None
    power: int
    scale: int


@dataclass(frozen=True, slots=True)
class Form:
    """A sum of terms, of a node's type. ``frame``: the view of s that has the node's shape; None where s is absent."""

    type: TensorType
    frame: Affine | None
    terms: tuple[Term, ...]

    @property
    def is_safe(self) -> bool:
        """Whether it can be computed from p without overflow."""
        return all(t.scale == 0 and t.power >= 0 for t in self.terms)


def plain(x: Node) -> Form:
    """A node that has nothing to do with s."""
    return Form(x.type, None, (Term(1, x, 0, 0),))


@dataclass(frozen=True, slots=True)
class Terms:
    """The arithmetic. A method answers None where the result is no such sum."""

    algebra: Algebra

    def map(self, op: MapOp, forms: Sequence[Form]) -> Form | None:
        """An elementwise op on sums of terms."""
        a = self.algebra
        if op is a.negative:
            return _negative(forms[0])
        frames = {f.frame for f in forms if f.frame is not None}
        if len(frames) != 1 or op not in (a.multiply, a.divide, a.add, a.subtract):
            return None
        found = self._map(op, *forms)
        return None if found is None else Form(forms[0].type, frames.pop(), found)

    def _map(self, op: MapOp, left: Form, right: Form) -> tuple[Term, ...] | None:
        a = self.algebra
        if op is a.multiply:
            return self._collect([self._times(t, u) for t in left.terms for u in right.terms], left.type)
        if op is a.divide:
            if len(right.terms) != 1:
                return None
            return self._collect([self._over(t, right.terms[0]) for t in left.terms], left.type)
        other = _negative(right) if op is a.subtract else right
        return self._collect((*left.terms, *other.terms), left.type)

    def _times(self, t: Term, u: Term) -> Term:
        pair = [c for c in (t.coefficient, u.coefficient) if c is not None]
        product = mapped(self.algebra.multiply, *pair) if len(pair) == 2 else pair[0] if pair else None
        return Term(t.sign * u.sign, product, t.power + u.power, t.scale + u.scale)

    def _over(self, t: Term, u: Term) -> Term:
        quotient = t.coefficient
        if u.coefficient is not None:
            above = full(1, u.coefficient.type) if t.coefficient is None else t.coefficient
            quotient = mapped(self.algebra.divide, above, u.coefficient)
        return Term(t.sign * u.sign, quotient, t.power - u.power, t.scale - u.scale)

    def _collect(self, terms: Iterable[Term], like: TensorType) -> tuple[Term, ...]:
        """Terms of the same powers become one, with their coefficients added."""
        found: dict[tuple[int, int], Term] = {}
        for t in terms:
            key = (t.power, t.scale)
            found[key] = self._plus(found[key], t, like) if key in found else t
        return tuple(found.values())

    def _plus(self, t: Term, u: Term, like: TensorType) -> Term:
        a, b = (full(1, like) if c is None else c for c in (t.coefficient, u.coefficient))
        op = self.algebra.add if t.sign == u.sign else self.algebra.subtract
        return Term(t.sign, mapped(op, a, b), t.power, t.scale)


def _negative(form: Form) -> Form:
    return Form(form.type, form.frame, tuple(Term(-t.sign, t.coefficient, t.power, t.scale) for t in form.terms))
