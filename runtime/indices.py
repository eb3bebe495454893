"""Indices of kernels' text as polynomials: what a loop variable adds to an address at every step."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

Monomial = tuple[str, ...]
Polynomial = tuple[tuple[Monomial, int], ...]
"""Terms in order: names in a product, and its factor. A quotient of names is a name: its text."""


def constant_of(polynomial: Polynomial) -> int | None:
    """The number, if it is one."""
    if not polynomial:
        return 0
    return polynomial[0][1] if len(polynomial) == 1 and polynomial[0][0] == () else None


@dataclass(frozen=True)
class Affine:
    """variable * stride + base + offset. The base has no constant term."""

    stride: Polynomial
    base: Polynomial
    offset: int


def affine(tree: ast.expr, variable: str, invariant: Collection[str]) -> Affine | None:
    """The index as a function of the variable; None if other names than the invariant ones vary in it, or it bends."""
    terms = _terms(tree, frozenset((variable,)), frozenset(invariant))
    if terms is None:
        return None
    stride: dict[Monomial, int] = {}
    base: dict[Monomial, int] = {}
    for monomial, factor in terms.items():
        count = monomial.count(variable)
        if count > 1:
            return None
        if count:
            stride[tuple(n for n in monomial if n != variable)] = factor
        else:
            base[monomial] = factor
    offset = base.pop((), 0)
    return Affine(_sorted(stride), _sorted(base), offset)


def _sorted(terms: dict[Monomial, int]) -> Polynomial:
    return tuple(sorted((m, c) for m, c in terms.items() if c))


def _terms(tree: ast.expr, varying: frozenset[str], invariant: frozenset[str]) -> dict[Monomial, int] | None:
    match tree:
        case ast.Constant(value=int(number)):
            return {(): int(number)}
        case ast.Name(id=name) if name in varying or name in invariant:
            return {(name,): 1}
        case ast.UnaryOp(op=ast.USub(), operand=a):
            inner = _terms(a, varying, invariant)
            return None if inner is None else {m: -c for m, c in inner.items()}
        case ast.BinOp(left=a, op=ast.FloorDiv(), right=b):
            if _terms(a, frozenset(), invariant) is None or _terms(b, frozenset(), invariant) is None:
                return None
            return {(ast.unparse(tree),): 1}
        case ast.BinOp(left=a, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=b):
            x, y = _terms(a, varying, invariant), _terms(b, varying, invariant)
            return None if x is None or y is None else combined(op, x, y)
        case _:
            return None


def combined(op: ast.operator, x: dict[Monomial, int], y: dict[Monomial, int]) -> dict[Monomial, int]:
    """The sum, the difference or the product of terms."""
    total: dict[Monomial, int] = {}
    if isinstance(op, ast.Mult):
        for m, c in x.items():
            for n, d in y.items():
                key = tuple(sorted(m + n))
                total[key] = total.get(key, 0) + c * d
        return total
    total.update(x)
    for n, d in y.items():
        total[n] = total.get(n, 0) + (d if isinstance(op, ast.Add) else -d)
    return total


@lru_cache(maxsize=1024)
def parsed(text: str) -> ast.expr:
    """The tree of a name that is a quotient."""
    return ast.parse(text, mode="eval").body
