"""Symbolic sizes: polynomials with integer coefficients in named sizes, such as ``N`` or ``2*N*H+1``.

The same name is the same size. Equality is equality of polynomials, so ``reshape`` can check ``N*400 == N*16*25``
without knowing N. A quotient that does not divide exactly is kept as an atom of its own, ``(N+1)//2``.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import total_ordering
from typing import TypeAlias

from graphad.compiler.errors import ShapeError


@total_ordering
@dataclass(frozen=True, slots=True)
class FloorDiv:
    """The atom ``numerator // denominator`` that did not divide exactly."""

    numerator: "Size"
    denominator: int

    def __str__(self) -> str:
        return f"(({self.numerator})//{self.denominator})"

    def __lt__(self, other: "FloorDiv") -> bool:
        return str(self) < str(other)


Atom: TypeAlias = str | FloorDiv
Monomial: TypeAlias = tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """A polynomial: pairs (sorted atoms of a monomial, coefficient), sorted, without zeros.

    Its hash is kept: shapes and indices are keys for every node of a graph.
    """

    terms: tuple[tuple[Monomial, int], ...]
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        if not self._hash:
            object.__setattr__(self, "_hash", hash(self.terms) or 1)
        return self._hash

    def __reduce__(self) -> "tuple[type[Size], tuple[object]]":
        return Size, (self.terms,)  # another process hashes strings otherwise

    def __add__(self, other: "Dim") -> "Dim":
        return _collect((*self.terms, *_terms(other)))

    def __sub__(self, other: "Dim") -> "Dim":
        return self + (-1 * other)

    def __rsub__(self, other: "Dim") -> "Dim":
        return (-1 * self) + other

    def __mul__(self, other: "Dim") -> "Dim":
        if isinstance(other, int):  # most are, and the terms keep their order
            return Size(tuple((a, x * other) for a, x in self.terms)) if other else 0
        return _collect((tuple(sorted((*a, *b), key=str)), x * y) for a, x in self.terms for b, y in _terms(other))

    __radd__ = __add__
    __rmul__ = __mul__

    def __floordiv__(self, divisor: "Dim") -> "Dim":
        exact = divide(self, divisor)
        if exact is not None:
            return exact
        if not isinstance(divisor, int) or divisor <= 0:
            raise ShapeError(f"size {self} does not divide by {divisor}")
        return Size((((FloorDiv(self, divisor),), 1),))

    def __str__(self) -> str:
        return "+".join(_show_term(atoms, c) for atoms, c in self.terms).replace("+-", "-")

    __repr__ = __str__

    def names(self) -> set[str]:
        """The named sizes it is made of."""
        found: set[str] = set()
        for atoms, _ in self.terms:
            for atom in atoms:
                found |= {atom} if isinstance(atom, str) else atom.numerator.names()
        return found

    def at(self, sizes: Mapping[str, int]) -> "Dim":
        """Its value with some names given.

        >>> (2 * symbol("N") + 1).at({"N": 3})
        7
        """
        total: Dim = 0
        for atoms, coefficient in self.terms:
            product: Dim = coefficient
            for atom in atoms:
                product = product * _atom_at(atom, sizes)
            total = total + product
        return total


Dim: TypeAlias = int | Size


def symbol(name: str) -> Size:
    """The named size.

    >>> symbol("N") * 4 + 1
    4*N+1
    """
    if not name.isidentifier():
        raise ShapeError(f"a size's name is an identifier such as 'N', got {name!r}")
    return Size((((name,), 1),))


def evaluate(dim: Dim, sizes: Mapping[str, int]) -> Dim:
    """``dim`` with the names in ``sizes`` replaced."""
    return dim if isinstance(dim, int) else dim.at(sizes)


def product(dims: Iterable[Dim]) -> Dim:
    """The product of sizes; 1 for none."""
    total: Dim = 1
    for dim in dims:
        total = total * dim
    return total


def floor_divide(dim: Dim, divisor: Dim) -> Dim:
    """``dim // divisor``; a divisor that does not divide exactly is a number > 0."""
    if isinstance(dim, Size):
        return dim // divisor
    if not isinstance(divisor, int) or divisor == 0:
        raise ShapeError(f"size {dim} does not divide by {divisor}")
    return dim // divisor


def divide(dim: Dim, divisor: Dim) -> Dim | None:
    """``dim / divisor`` if that is exact as polynomials, else None.

    >>> divide(symbol("N") * 400, symbol("N") * 16), divide(2 * symbol("N") + 2, symbol("N") + 1)
    (25, 2)
    """
    if isinstance(dim, int) and isinstance(divisor, int):
        return dim // divisor if divisor and dim % divisor == 0 else None
    if divisor == 0:
        return None
    atoms, coefficient = _terms(divisor)[0]
    quotient: Dim = 0
    while dim != 0:  # long division: the leading term goes in each round
        monomial, c = _terms(dim)[0]
        rest = list(monomial)
        if c % coefficient or any(rest.count(a) < atoms.count(a) for a in atoms):
            return None
        for atom in atoms:
            rest.remove(atom)
        part = _collect([(tuple(rest), c // coefficient)])
        quotient, dim = quotient + part, dim - part * divisor
    return quotient


def parse_dim(text: str) -> Dim:
    """Reads what ``str`` of a size wrote.

    >>> parse_dim("2*N+1"), parse_dim("64")
    (2*N+1, 64)
    """
    try:
        return _read(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ShapeError) as error:
        raise ShapeError(f"{text!r} is no size: write a number, a name, or sums and products of these") from error


def _read(tree: ast.expr) -> Dim:
    match tree:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.Name(id=name):
            return symbol(name)
        case ast.UnaryOp(op=ast.USub(), operand=x):
            return -1 * _read(x)
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            return _read(a) + _read(b)
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            return _read(a) - _read(b)
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            return _read(a) * _read(b)
        case ast.BinOp(left=a, op=ast.FloorDiv(), right=b):
            return floor_divide(_read(a), _read(b))
        case _:
            raise ShapeError("not a size")


def _terms(dim: Dim) -> tuple[tuple[Monomial, int], ...]:
    return (((), dim),) if isinstance(dim, int) else dim.terms


def _collect(terms: Iterable[tuple[Monomial, int]]) -> Dim:
    sums: dict[Monomial, int] = {}
    for atoms, c in terms:
        sums[atoms] = sums.get(atoms, 0) + c
    kept = [(a, c) for a, c in sums.items() if c]
    if len(kept) > 1:  # by degree, then by atoms: an order that products keep, which division relies on
        kept.sort(key=lambda t: (-len(t[0]), tuple(map(str, t[0]))))
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return Size(tuple(kept))


def _atom_at(atom: Atom, sizes: Mapping[str, int]) -> Dim:
    if isinstance(atom, str):
        return sizes[atom] if atom in sizes else symbol(atom)
    return atom.numerator.at(sizes) // atom.denominator


def _show_term(atoms: Monomial, c: int) -> str:
    body = "*".join(map(str, atoms))
    if not body:
        return str(c)
    return body if c == 1 else f"-{body}" if c == -1 else f"{c}*{body}"
