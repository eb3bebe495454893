"""Symbolic sizes: polynomials with integer coefficients in named sizes, such as ``N`` or ``2*N*H+1``.

The same name is the same size. Equality is equality of polynomials, so ``reshape`` can check ``N*400 == N*16*25``
without knowing N. A quotient that does not divide exactly is kept as an atom of its own, ``(N+1)//2``.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import total_ordering
from typing import Any, Final, NoReturn, TypeAlias

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

    __array_ufunc__ = None  # NumPy's scalars and arrays leave the operator to the size

    def __add__(self, other: "Dim") -> "Dim":
        return _collect((*self.terms, *_terms(other))) if _is_dim(other) else _beyond("add", self, other)

    def __radd__(self, other: "Dim") -> "Dim":
        return self + other if _is_dim(other) else _beyond("add", other, self)

    def __sub__(self, other: "Dim") -> "Dim":
        return self + (-1 * other) if _is_dim(other) else _beyond("subtract", self, other)

    def __rsub__(self, other: "Dim") -> "Dim":
        return (-1 * self) + other if _is_dim(other) else _beyond("subtract", other, self)

    def __mul__(self, other: "Dim") -> "Dim":
        if isinstance(other, int):  # most are, and the terms keep their order
            return Size(tuple((a, x * other) for a, x in self.terms)) if other else 0
        if not _is_dim(other):
            return _beyond("multiply", self, other)  # type: ignore[no-any-return]
        return _collect((tuple(sorted((*a, *b), key=str)), x * y) for a, x in self.terms for b, y in _terms(other))

    def __rmul__(self, other: "Dim") -> "Dim":
        return self * other if _is_dim(other) else _beyond("multiply", other, self)

    def __floordiv__(self, divisor: "Dim") -> "Dim":
        if not _is_dim(divisor):
            return _beyond("floor_divide", self, divisor)  # type: ignore[no-any-return]
        exact = divide(self, divisor)
        if exact is not None:
            return exact
        if not isinstance(divisor, int) or divisor <= 0:
            raise ShapeError(f"size {self} does not divide by {divisor}")
        return Size((((FloorDiv(self, divisor),), 1),))

    def __mod__(self, divisor: "Dim") -> "Dim":
        return self - self // divisor * divisor if _is_dim(divisor) else _beyond("remainder", self, divisor)

    def __divmod__(self, divisor: "Dim") -> "tuple[Dim, Dim]":
        return self // divisor, self % divisor

    def __pow__(self, exponent: int) -> "Dim":
        return product([self] * exponent) if _is_count(exponent) else _beyond("pow", self, exponent)

    def __neg__(self) -> "Dim":
        return -1 * self

    def __pos__(self) -> "Size":
        return self

    def __rfloordiv__(self, other: Any) -> Any:
        return _beyond("floor_divide", other, self)

    def __rmod__(self, other: Any) -> Any:
        return _beyond("remainder", other, self)

    def __rpow__(self, other: Any) -> Any:
        return _beyond("pow", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _beyond("divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _beyond("divide", other, self)

    def __lt__(self, other: object) -> Any:
        _unknown(self, "less", f"{self} < {other}")

    def __le__(self, other: object) -> Any:
        _unknown(self, "less_equal", f"{self} <= {other}")

    def __gt__(self, other: object) -> Any:
        _unknown(self, "greater", f"{self} > {other}")

    def __ge__(self, other: object) -> Any:
        _unknown(self, "greater_equal", f"{self} >= {other}")

    def __bool__(self) -> bool:
        _unknown(self, "bool", f"bool({self})")

    def __float__(self) -> float:
        _unknown(self, "float", f"float({self})")

    def __int__(self) -> int:
        _unknown(self, "int", f"int({self})")

    def __index__(self) -> int:
        _unknown(self, "index", f"{self} as an index or a count, as in range({self}),")

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

    def at(self, sizes: "Mapping[str, Dim]") -> "Dim":
        """Its value with some names given, as numbers or as other sizes.

        >>> (2 * symbol("N") + 1).at({"N": 3}), (2 * symbol("N") + 1).at({"N": symbol("M")})
        (7, 2*M+1)
        """
        (atoms, coefficient), *others = self.terms
        if not others and len(atoms) == 1 and isinstance(atoms[0], str):  # as most sizes are, and without arithmetic
            return coefficient * sizes[atoms[0]] if atoms[0] in sizes else self
        total: Dim = 0
        for atoms, coefficient in self.terms:
            product: Dim = coefficient
            for atom in atoms:
                product = product * _atom_at(atom, sizes)
            total = total + product
        return total


Dim: TypeAlias = int | Size


Arithmetic: TypeAlias = Callable[[str, Any, Any], Any]
_FRONT: Final[dict[str, Callable[..., Any]]] = {}


def declare_front(arithmetic: Arithmetic, refuse: Callable[[str, str, Size], NoReturn]) -> None:
    """The front end's say in what is no polynomial.

    ``arithmetic(op, a, b)``: what an operator makes of a size and something that is none. ``refuse(what, text,
    size)``: the error for a size that is asked for its number, ``text`` as it was written.
    """
    _FRONT["arithmetic"], _FRONT["refuse"] = arithmetic, refuse


def _is_dim(other: object) -> bool:
    return isinstance(other, int | Size)


def _is_count(exponent: object) -> bool:
    return isinstance(exponent, int) and exponent >= 0


def _beyond(op: str, a: object, b: object) -> Any:
    return _FRONT["arithmetic"](op, a, b) if _FRONT else NotImplemented


def _unknown(size: Size, what: str, text: str) -> NoReturn:
    if _FRONT:
        _FRONT["refuse"](what, text, size)
    raise ShapeError(f"{text} is not known before the call")


def symbol(name: str) -> Size:
    """The named size.

    >>> symbol("N") * 4 + 1
    4*N+1
    """
    if not name.isidentifier():
        raise ShapeError(f"a size's name is an identifier such as 'N', got {name!r}")
    return Size((((name,), 1),))


def variable(name: str) -> Size:
    """An index that an analysis reasons about, among sizes: no size has its name, which is no identifier.

    >>> variable("row 0") * 64 + symbol("N")
    N+64*row 0
    """
    assert not name.isidentifier(), f"{name!r} may be a size's name"
    return Size((((name,), 1),))


def evaluate(dim: Dim, sizes: Mapping[str, Dim]) -> Dim:
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


DEEPEST: Final = 100
"""Parentheses and signs inside one another that a size may have as text."""
QUOTIENTS: Final = 50
"""Quotients that it may have."""
MOST: Final = 1000
"""Numbers, names and signs that it may have, and terms once it is multiplied out."""
LARGEST: Final = 2**63 - 1
"""Of the numbers in it."""
_TOKEN: Final = re.compile(r"\s*([0-9]+|//|[-+*()]|[^\s\d+*/()-][^\s+*/()-]*)")


def parse_dim(text: str) -> Dim:
    """Reads what ``str`` of a size wrote. A name is any identifier, keywords of Python, too, but for its constants.

    >>> parse_dim("2*N+1"), parse_dim("64"), parse_dim("class//2")
    (2*N+1, 64, ((class)//2))
    """
    try:
        return _Reader(text).whole()
    except (ValueError, ShapeError) as error:
        shown = repr(text if len(text) < 100 else f"{text[:100]}...")
        raise ShapeError(f"{shown} is no size: write a number, a name, or sums and products of these") from error


class _Reader:
    """sum: product (+|- product)*; product: factor (*|// factor)*; factor: number, name, - factor, (sum)."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.depth = 0
        if self.tokens.count("//") > QUOTIENTS:
            raise ShapeError("too many quotients")

    def whole(self) -> Dim:
        found = self.sum()
        if self.tokens or any(abs(c) > LARGEST for _, c in _terms(found)):
            raise ShapeError("not a size, or too large")
        return found

    def sum(self) -> Dim:
        total = self.product()
        while self.tokens and self.tokens[-1] in ("+", "-"):
            sign = 1 if self.tokens.pop() == "+" else -1
            total = total + sign * self.product()
        return total

    def product(self) -> Dim:
        total = self.factor()
        while self.tokens and self.tokens[-1] in ("*", "//"):
            times = self.tokens.pop() == "*"
            total = _bounded(total, self.factor()) if times else floor_divide(total, self.factor())
        return total

    def factor(self) -> Dim:
        token = self.tokens.pop() if self.tokens else ""
        if token in ("True", "False", "None"):  # what another library may mean by them is not meant here
            raise ShapeError("not a size")
        if token not in ("-", "("):
            return int(token) if token.isdecimal() else symbol(token)
        self.depth += 1
        if self.depth > DEEPEST:
            raise ShapeError("too deep")
        found = -1 * self.factor() if token == "-" else self.sum()
        if token == "(" and (not self.tokens or self.tokens.pop() != ")"):
            raise ShapeError("a parenthesis is open")
        self.depth -= 1
        return found


def _tokens(text: str) -> list[str]:
    """The tokens, the last one first. Names are normalised as Python does it, so that arguments by name meet them."""
    found: list[str] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(found) == MOST:
            raise ShapeError("not a size")
        token = match[1]
        found.append(unicodedata.normalize("NFKC", token) if token.isidentifier() else token)
        at = match.end()
    return found[::-1]


def _bounded(a: Dim, b: Dim) -> Dim:
    if len(_terms(a)) * len(_terms(b)) > MOST:
        raise ShapeError("too many terms")
    return a * b


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


def _atom_at(atom: Atom, sizes: Mapping[str, Dim]) -> Dim:
    if isinstance(atom, str):
        return sizes[atom] if atom in sizes else Size((((atom,), 1),))
    return atom.numerator.at(sizes) // atom.denominator


def _show_term(atoms: Monomial, c: int) -> str:
    body = "*".join(map(str, atoms))
    if not body:
        return str(c)
    return body if c == 1 else f"-{body}" if c == -1 else f"{c}*{body}"
