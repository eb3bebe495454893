"""Arithmetic on index polynomials: flat and split indices, quotients that the loops' extents decide."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from graphad.compiler.ir.size import Dim, FloorDiv, Size
from graphad.compiler.ir.types import Shape

Extents: TypeAlias = Mapping[str, Dim]
"""Each loop variable's extent; it runs from 0."""


def flat(index: Sequence[Dim], shape: Shape) -> Dim:
    """The row-major position of an index.

    >>> flat((1, 2), (3, 4))
    6
    """
    place: Dim = 0
    for i, d in zip(index, shape, strict=True):
        place = place * d + i
    return place


def split(place: Dim, shape: Shape, extents: Extents) -> tuple[Dim, ...]:
    """The index at a row-major position; ``flat`` of it is ``place`` again, term by term."""
    rest = place
    found: list[Dim] = []
    for i in range(len(shape) - 1, 0, -1):
        d = shape[i]
        if d in (0, 1):  # in an empty shape there is no index to find
            found.append(0)
            continue
        above = quotient(rest, d, extents)
        found.append(rest - above * d)
        rest = above
    if shape:
        found.append(rest)
    return tuple(reversed(found))


def quotient(place: Dim, divisor: Dim, extents: Extents) -> Dim:
    """``place // divisor`` for a place that is not negative, without division where the extents allow it."""
    if isinstance(place, int):
        return place // divisor if isinstance(divisor, int) else 0 if place == 0 else _refuse(place, divisor)
    if not isinstance(divisor, int):
        return place // divisor
    whole: Dim = 0
    rest: Dim = 0
    for atoms, c in place.terms:
        term = Size(((atoms, 1),)) if atoms else 1
        if c % divisor == 0:
            whole = whole + (c // divisor) * term
        else:
            rest = rest + c * term
    low, high = bounds(rest, extents)
    if low is not None and high is not None and low >= 0 and high < divisor:
        return whole
    return place // divisor


def bounds(place: Dim, extents: Extents) -> tuple[int | None, int | None]:
    """Least and greatest value over the loops, None where unknown."""
    if isinstance(place, int):
        return place, place
    low: int | None = 0
    high: int | None = 0
    for atoms, c in place.terms:
        top = _top(atoms, extents)
        if c > 0:
            high = None if high is None or top is None else high + c * top
        else:
            low = None if low is None or top is None else low + c * top
        if not atoms:
            low, high = (None if low is None else low + max(c, 0)), (None if high is None else high + min(c, 0))
    return low, high


def _top(atoms: tuple[str | FloorDiv, ...], extents: Extents) -> int | None:
    """The greatest value of a monomial; its least is 0 (1 for none: the constant term)."""
    total = 1
    for atom in atoms:
        if isinstance(atom, FloorDiv):
            inner = bounds(atom.numerator, extents)[1]
            if inner is None:
                return None
            total *= inner // atom.denominator
            continue
        extent = extents.get(atom)
        if not isinstance(extent, int):
            return None
        total *= max(extent - 1, 0)
    return total


def _refuse(place: Dim, divisor: Dim) -> Dim:
    raise AssertionError(f"{place} // {divisor} has no polynomial")


def slope(place: Dim, variable: str) -> Dim | None:
    """What a step of ``variable`` adds to a place; None where that depends on where it is.

    >>> from graphad.compiler.ir.size import symbol
    >>> slope(symbol("i") + 4096 * symbol("k"), "k"), slope(symbol("i") // 4 + symbol("k"), "i")
    (4096, None)
    """
    if isinstance(place, int):
        return 0
    total: Dim = 0
    for atoms, c in place.terms:
        if any(isinstance(a, FloorDiv) and variable in a.numerator.names() for a in atoms):
            return None
        if variable in atoms:
            rest = list(atoms)
            rest.remove(variable)
            if variable in rest:
                return None
            total = total + (Size(((tuple(rest), c),)) if rest else c)
    return total
