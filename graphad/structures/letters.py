"""Jacobians as einsums: J[target, source] = weight[letters], where equal letters mean equal indices.

One form covers most of what a local derivative can be. With letters for the axes of the result and of the operand:

    identity      J[a, a]       = 1            scaled        J[a, a]    = c
    diagonal      J[a, a]       = w[a]         permutation   J[b a, a b] = 1
    broadcast     J[a b, b]     = 1            sum           J[b, a b]  = 1
    dense layer   J[n o, n i]   = w[o i]       (Kronecker with the identity over n)
    dense         J[a b, c d]   = w[a b c d]

A letter that target and source share is a Kronecker delta; one of the target alone is a repetition unless the weight
has it, one of the source alone a sum. Products stay in the form: middle axes are identified, and what neither end has
is summed. So products keep the structure that they can, and their cost is read off the letters.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape

Letter: TypeAlias = int
Letters: TypeAlias = tuple[Letter, ...]
Weight: TypeAlias = Any  # a Tensor, or what a pricing backend stands in for it

TYPICAL: Final = 64
"""What a symbolic size counts as, where alternatives are compared."""

_fresh = itertools.count()


def fresh(count: int) -> Letters:
    """Letters that stand nowhere else."""
    return tuple(next(_fresh) for _ in range(count))


def number_of(dim: Dim) -> int:
    """A size as a number; a symbolic one counts as 64, and expressions in it accordingly."""
    if isinstance(dim, int):
        return dim
    value = dim.at(dict.fromkeys(dim.names(), TYPICAL))
    assert isinstance(value, int)
    return value


def count(shape: Iterable[Dim]) -> int:
    """Elements of a shape, symbolic sizes taken for typical ones.

    >>> count((2, 3))
    6
    """
    total = 1
    for dim in shape:
        total *= number_of(dim)
    return total


@dataclass(frozen=True, eq=False, slots=True)
class Einsum:
    """J[target, source] = weight[letters], or its negative; a weight of None is 1.

    Letters are distinct within target, within source and within the weight's; every letter of the weight is in target
    or source.
    """

    target: Letters
    source: Letters
    extents: Mapping[Letter, Dim]
    dtype: str
    letters: Letters = ()
    weight: Weight | None = None
    negative: bool = False

    @property
    def target_shape(self) -> Shape:
        return tuple(self.extents[a] for a in self.target)

    @property
    def source_shape(self) -> Shape:
        return tuple(self.extents[a] for a in self.source)

    @property
    def is_identity(self) -> bool:
        """Whether it is the identity, or its negative."""
        return self.weight is None and self.target == self.source

    @property
    def deltas(self) -> frozenset[Letter]:
        """The letters that target and source share."""
        return frozenset(self.target) & frozenset(self.source)

    def size(self, letters: Iterable[Letter]) -> int:
        """Elements of an array with these axes."""
        return count(self.extents[a] for a in letters)

    def renamed(self, names: Mapping[Letter, Letter]) -> Einsum:
        """With letters exchanged for others."""
        if not names:
            return self

        def new(letters: Letters) -> Letters:
            return tuple(names.get(a, a) for a in letters)

        extents = {names.get(a, a): d for a, d in self.extents.items()}
        ends = new(self.target), new(self.source)
        return Einsum(*ends, extents, self.dtype, new(self.letters), self.weight, self.negative)

    def anew(self) -> Einsum:
        """With letters of its own."""
        return self.renamed(dict(zip(self.extents, fresh(len(self.extents)), strict=True)))

    def __str__(self) -> str:
        return describe(self)


def identity(shape: Shape, dtype: str) -> Einsum:
    """The identity on tensors of a shape.

    >>> print(identity((2, 3), "float32"))
    identity[2,3]
    """
    letters = fresh(len(shape))
    return Einsum(letters, letters, dict(zip(letters, shape, strict=True)), dtype)


def describe(j: Einsum) -> str:
    """In words: identity, diagonal, selection, Kronecker, dense, with the shapes of both ends."""
    ends = f"[{','.join(map(str, j.target_shape))}]"
    if j.target != j.source:
        ends += f" by [{','.join(map(str, j.source_shape))}]"
    sign = "-" if j.negative else ""
    if j.weight is None:
        return f"{sign}{'identity' if j.is_identity else 'sum and broadcast'}{ends}"
    if not j.letters:
        return f"{sign}scaled{ends}"
    if j.target == j.source:
        return f"{sign}diagonal{ends}"
    if any(j.extents[a] != 1 for a in j.deltas):
        return f"{sign}Kronecker{ends}"
    return f"{sign}dense{ends}"
