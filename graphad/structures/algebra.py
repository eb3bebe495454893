"""Products and sums of structured Jacobians.

``after(outer, inner)`` is the matrix product outer @ inner. Where both are einsums, so is it. A program (a ``Local``)
that meets weights is applied to them, as tangents or as cotangents, over the axes that it does not pass. Programs that
meet no weights yet stay as they are, in a ``Composite``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape
from graphad.structures.letters import Einsum, Letter, Letters, Weight, count, fresh, identity
from graphad.structures.local import Edge, Local
from graphad.structures.weights import Extents, Weights


@dataclass(frozen=True, eq=False, slots=True)
class Composite:
    """A product of factors, innermost first: programs, and einsums without weight between them."""

    factors: tuple[Edge, ...]

    @property
    def target_shape(self) -> Shape:
        return self.factors[-1].target_shape

    @property
    def source_shape(self) -> Shape:
        return self.factors[0].source_shape

    @property
    def dtype(self) -> str:
        return self.factors[-1].dtype

    def __str__(self) -> str:
        return " after ".join(str(f) for f in reversed(self.factors))


Structured: TypeAlias = Einsum | Local | Composite


def factors(j: Structured) -> tuple[Edge, ...]:
    """Its factors, innermost first."""
    return j.factors if isinstance(j, Composite) else (j,)


def after(w: Weights, outer: Structured, inner: Structured) -> Structured:
    """outer @ inner."""
    if isinstance(outer, Einsum) and isinstance(inner, Einsum):
        return product(w, outer, inner)
    if isinstance(inner, Einsum) and inner.is_identity and not inner.negative:
        return outer
    if isinstance(outer, Einsum) and outer.is_identity and not outer.negative:
        return inner
    if isinstance(inner, Einsum) and inner.weight is not None:
        for factor in factors(outer):
            inner = push(w, factor, inner)
        return inner
    if isinstance(outer, Einsum) and outer.weight is not None:
        return _onto_programs(w, outer, inner)
    return Composite((*factors(inner), *factors(outer)))


def _onto_programs(w: Weights, outer: Einsum, inner: Structured) -> Einsum:
    """A weight behind programs: pull it through them, or make them a matrix first, whichever is the smaller array."""
    broken = {outer.source[a] for a in _touched(factors(inner)[-1], target=True)} & outer.deltas
    pulled = outer.size({*outer.letters, *outer.source}) * outer.size(broken)
    first = factors(inner)[0]
    touched = count(first.source_shape[a] for a in _touched(first, target=False))
    pushed = outer.size({*outer.letters, *outer.source}) * touched
    if pulled <= pushed:
        for factor in reversed(factors(inner)):
            outer = pull(w, outer, factor)
        return outer
    return product(w, outer, materialise(w, inner))


def product(w: Weights, outer: Einsum, inner: Einsum) -> Einsum:
    """outer @ inner: middle axes are identified; the letters that neither end has are summed over."""
    if not outer.extents and not inner.extents:
        return _scalar(w, outer, inner)
    if outer.is_identity:
        return replace(inner, negative=inner.negative != outer.negative, dtype=outer.dtype)
    if inner.is_identity:
        return replace(outer, negative=inner.negative != outer.negative)
    if not outer.extents.keys().isdisjoint(inner.extents):
        inner = inner.anew()
    mine: dict[Letter, Letter] = {}
    theirs: dict[Letter, Letter] = {}
    ends = frozenset(inner.source)
    for u, v in zip(outer.source, inner.target, strict=True):
        if v in ends and u not in outer.target:
            mine[u] = v
        else:
            theirs[v] = u
    outer, inner = outer.renamed(mine), inner.renamed(theirs)
    extents = {**inner.extents, **outer.extents}
    seen = {*outer.target, *inner.source}
    lost: Dim = 1
    for a in outer.source:
        if a not in seen and a not in outer.letters and a not in inner.letters:
            lost = lost * extents[a]
    found = Einsum(
        outer.target,
        inner.source,
        {a: extents[a] for a in (*outer.target, *inner.source)},
        outer.dtype,
        negative=outer.negative != inner.negative,
    )
    found = _weigh(w, found, outer, inner, extents, seen)
    return found if lost == 1 else _scaled(w, found, lost)


def _scalar(w: Weights, outer: Einsum, inner: Einsum) -> Einsum:
    """Without axes, where there are many and little to look at."""
    negative = outer.negative != inner.negative
    if outer.weight is None:
        return Einsum((), (), {}, outer.dtype, (), inner.weight, negative)
    if inner.weight is None:
        return Einsum((), (), {}, outer.dtype, (), outer.weight, negative)
    weight = w.multiply(outer.weight, (), inner.weight, (), (), {}, outer.dtype)
    return Einsum((), (), {}, outer.dtype, (), weight, negative)


def _weigh(w: Weights, found: Einsum, outer: Einsum, inner: Einsum, extents: Extents, seen: set[Letter]) -> Einsum:
    """The product's weight: of two, their einsum; of one, its own, summed."""
    if outer.weight is None and inner.weight is None:
        return found
    if outer.weight is None or inner.weight is None:
        only = outer if inner.weight is None else inner
        kept = tuple(a for a in only.letters if a in seen)
        return replace(found, letters=kept, weight=w.total(only.weight, only.letters, kept))
    both = tuple(dict.fromkeys((*outer.letters, *inner.letters)))
    kept = tuple(a for a in (*found.target, *found.source) if a in both)
    kept = tuple(dict.fromkeys(kept))
    args = (outer.weight, outer.letters, inner.weight, inner.letters, kept)
    weight = w.multiply(*args, extents, found.dtype)
    return replace(found, letters=kept, weight=weight)


def _scaled(w: Weights, j: Einsum, number: Dim) -> Einsum:
    """Times a whole number: what summing over an axis that nothing depends on gives."""
    factor = w.number(number, j.dtype)
    if j.weight is None:
        return replace(j, letters=(), weight=factor)
    return replace(j, weight=w.multiply(j.weight, j.letters, factor, (), j.letters, j.extents, j.dtype))


def push(w: Weights, factor: Edge, j: Einsum) -> Einsum:
    """factor @ j, the weights of ``j`` taken for tangents."""
    if isinstance(factor, Einsum):
        return product(w, factor, j)
    j = explicit(w, j, [j.target[a] for a in _touched(factor, target=False)], target=True)
    batch = tuple(a for a in j.letters if a not in j.target)
    weight = w.spread(j.weight, j.letters, (*batch, *j.target), j.extents)
    weight = w.push(factor, weight, [j.extents[a] for a in batch])
    own = fresh(len(factor.target_shape))
    target = tuple(j.target[factor.passes[i]] if i in factor.passes else own[i] for i in range(len(own)))
    extents = {a: j.extents[a] for a in (*batch, *j.source)} | dict(zip(target, factor.target_shape, strict=True))
    return Einsum(target, j.source, extents, factor.dtype, (*batch, *target), weight, j.negative)


def pull(w: Weights, j: Einsum, factor: Edge) -> Einsum:
    """j @ factor, the weights of ``j`` taken for cotangents."""
    if isinstance(factor, Einsum):
        return product(w, j, factor)
    j = explicit(w, j, [j.source[a] for a in _touched(factor, target=True)], target=False)
    batch = tuple(a for a in j.letters if a not in j.source)
    weight = w.spread(j.weight, j.letters, (*batch, *j.source), j.extents)
    weight = w.pull(factor, weight, [j.extents[a] for a in batch])
    own = fresh(len(factor.source_shape))
    back = {a: i for i, a in factor.passes.items()}
    source = tuple(j.source[back[a]] if a in back else own[a] for a in range(len(own)))
    extents = {a: j.extents[a] for a in (*batch, *j.target)} | dict(zip(source, factor.source_shape, strict=True))
    return Einsum(j.target, source, extents, j.dtype, (*batch, *source), weight, j.negative)


def _touched(factor: Edge, target: bool) -> list[int]:
    """The axes of its result (or operand) that a program does not hand through."""
    if isinstance(factor, Einsum):
        return []
    kept = factor.passes.keys() if target else factor.passes.values()
    shape = factor.target_shape if target else factor.source_shape
    return [a for a in range(len(shape)) if a not in kept]


def explicit(w: Weights, j: Einsum, letters: Iterable[Letter], target: bool) -> Einsum:
    """The same Jacobian with no delta over these letters; the weight has their axes, one for each end.

    The end that is the ``target`` (or else the source) gets the new letters, and all its letters are the weight's.
    """
    end = j.target if target else j.source
    broken = [a for a in letters if a in j.deltas]
    new = dict(zip(broken, fresh(len(broken)), strict=True))
    extents = dict(j.extents) | {new[a]: j.extents[a] for a in broken}
    end = tuple(new.get(a, a) for a in end)
    wide = tuple(dict.fromkeys((*j.letters, *broken, *end)))
    weight = w.spread(_weight(w, j), j.letters, wide, extents)
    place = {a: i for i, a in enumerate(wide)}
    weight = w.mask(weight, [extents[a] for a in wide], [(place[a], place[new[a]]) for a in broken])
    ends = (end, j.source) if target else (j.target, end)
    return Einsum(*ends, extents, j.dtype, wide, weight, j.negative)


def materialise(w: Weights, j: Structured) -> Einsum:
    """As an einsum: programs are applied to the basis of the axes that they touch."""
    if isinstance(j, Einsum):
        return j
    first, last = factors(j)[0], factors(j)[-1]
    entry = count(first.source_shape[a] for a in _touched(first, target=False))
    leave = count(last.target_shape[a] for a in _touched(last, target=True))
    if entry <= leave:
        found = identity(j.source_shape, first.dtype)
        for factor in factors(j):
            found = push(w, factor, found)
        return found
    found = identity(j.target_shape, j.dtype)
    for factor in reversed(factors(j)):
        found = pull(w, found, factor)
    return found


def plus(w: Weights, known: Structured | None, more: Structured) -> Structured:
    """The sum; None is zero. Deltas that only one of them has are broken."""
    if known is None:
        return more
    first, second = materialise(w, known), materialise(w, more)
    if not first.extents.keys().isdisjoint(second.extents):
        second = second.anew()
    shared = _delta_axes(first) & _delta_axes(second)
    first, second = (_break_others(w, j, shared) for j in (first, second))
    names = dict(zip((*second.target, *second.source), (*first.target, *first.source), strict=True))
    second = second.renamed(names)
    letters = tuple(x for x in dict.fromkeys((*first.target, *first.source)) if x in (*first.letters, *second.letters))
    a, b = (w.spread(_weight(w, j), j.letters, letters, j.extents) for j in (first, second))
    total = w.add(a, b, first.negative != second.negative)
    return replace(first, letters=letters, weight=total)


def _weight(w: Weights, j: Einsum) -> Weight:
    return w.number(1, j.dtype) if j.weight is None else j.weight


def _delta_axes(j: Einsum) -> set[tuple[int, int]]:
    """Pairs (target axis, source axis) that are one letter."""
    return {(i, j.source.index(a)) for i, a in enumerate(j.target) if a in j.source}


def _break_others(w: Weights, j: Einsum, shared: set[tuple[int, int]]) -> Einsum:
    others = [j.target[i] for i, _ in sorted(_delta_axes(j) - shared)]
    return _broken(w, j, others) if others else j


def _broken(w: Weights, j: Einsum, letters: Letters | list[Letter]) -> Einsum:
    """The same Jacobian with the deltas over these letters in the weight; other axes stay out of it where they can."""
    new = dict(zip(letters, fresh(len(letters)), strict=True))
    extents = dict(j.extents) | {new[a]: j.extents[a] for a in letters}
    wide = tuple(dict.fromkeys((*j.letters, *letters, *new.values())))
    weight = w.spread(_weight(w, j), j.letters, wide, extents)
    place = {a: i for i, a in enumerate(wide)}
    weight = w.mask(weight, [extents[a] for a in wide], [(place[a], place[new[a]]) for a in letters])
    target = tuple(new.get(a, a) for a in j.target)
    return Einsum(target, j.source, extents, j.dtype, wide, weight, j.negative)


def dense(w: Weights, j: Structured) -> object:
    """The whole matrix, of shape target + source: the weight itself where that is all there is to it."""
    found = materialise(w, j)
    found = _broken(w, found, [a for a in found.target if a in found.deltas])
    weight = w.spread(_weight(w, found), found.letters, (*found.target, *found.source), found.extents)
    return w.negate(weight) if found.negative else weight
