"""Places of memory in code that runs in all lanes at once: how an index changes from lane to lane."""

from __future__ import annotations

import ast
from typing import NamedTuple

from graphad.runtime.assembly import Word
from graphad.runtime.indices import Monomial, combined
from graphad.runtime.spmd_values import I64, Values
from graphad.runtime.streams import memory

_EXACT = ("nsw",)


class Access(NamedTuple):
    """An index: ``stride`` from lane to lane, ``across`` from pixel to pixel, terms that all share, and a number."""

    stride: int
    across: int
    base: dict[Monomial, int]
    offset: int


class Places(Values):
    """Indices and addresses."""

    def split(self, tree: ast.expr) -> Access | None:
        """An index that changes evenly from lane to lane, and from pixel to pixel; None for others."""
        terms = self._terms(tree)
        if terms is None:
            return None
        stride, across = (terms.pop((name,), 0) for name in (self.lane_name, self.pixel_name))
        if any(name in names for names in terms for name in (self.lane_name, self.pixel_name)):
            return None
        offset = terms.pop((), 0)
        return Access(stride, across, terms, offset)

    def _terms(self, tree: ast.expr) -> dict[Monomial, int] | None:
        match tree:
            case ast.Constant(value=int(number)):
                return {(): int(number)}
            case ast.Name(id=name):
                if name in self.constants:
                    return {(): self.constants[name]}
                known = self.arguments.get(name)
                own = name in (self.lane_name, self.pixel_name)
                if own or (known is not None and known.dtype == "int64" and not self.varies(known)):
                    return {(name,): 1}
                return None
            case ast.UnaryOp(op=ast.USub(), operand=a):
                inner = self._terms(a)
                return None if inner is None else {m: -c for m, c in inner.items()}
            case ast.BinOp(left=a, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=b):
                x, y = self._terms(a), self._terms(b)
                return None if x is None or y is None else combined(op, x, y)
            case _:
                return None

    def base(self, terms: dict[Monomial, int]) -> Word:
        """The sum of the terms; those of outer loops first, so that they need not be added again inside."""
        total = I64(0)
        order = {n: i for i, n in enumerate(self.arguments)}
        for names, factor in sorted(terms.items(), key=lambda t: max(order[n] for n in t[0])):
            product = I64(factor)
            for name in names:
                word = self.arguments[name].ir
                product = word if product.constant == 1 else self.text.mul(word, product, _EXACT)
            total = product if total.constant == 0 else self.text.add(total, product, _EXACT)
        return total

    def address_of(self, name: str, dtype: str, terms: dict[Monomial, int], offset: int) -> str:
        element = memory(dtype)
        pointer = self.arguments[name].ir.text
        base = self.base(terms)
        start = pointer if base.constant == 0 else self.text.address(element, pointer, base.text)
        return self.text.address(element, start, str(offset)) if offset else start

    def strided(self, found: Access) -> Word:
        write = self.text
        start = write.add(self.base(found.base), I64(found.offset), _EXACT)
        steps = write.mul(self.lane, self.lane.type(found.stride), _EXACT)
        if found.across:
            steps = write.add(steps, write.mul(self.pixel, self.lane.type(found.across), _EXACT), _EXACT)
        return write.add(write.splat(start, self.lanes), steps, _EXACT)

    def regular(self, found: Access) -> bool:
        """Whether all lanes are a stride apart, those of different pixels, too."""
        return self.group == self.lanes or found.across == found.stride * self.group
