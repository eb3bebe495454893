"""What the algebra does with weights: builds nodes, or only counts what they would cost."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from graphad.build import cast, constant
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import AxisMap
from graphad.ops.arithmetic import equal, multiply, where
from graphad.ops.contraction import contract
from graphad.ops.reductions import sum as sum_
from graphad.ops.shape import affine, index, reshape
from graphad.structures.letters import Einsum, Letter, Letters, Weight, count, fresh
from graphad.structures.local import Local
from graphad.tensor import Tensor

Extents = Mapping[Letter, Dim]


class Weights(Protocol):
    """The operations on weights; ``multiplications`` adds up what products cost."""

    multiplications: int

    def multiply(
        self, a: Weight, left: Letters, b: Weight, right: Letters, out: Letters, extents: Extents, dtype: str
    ) -> Weight:
        """The einsum ``left,right->out``."""

    def spread(self, w: Weight, letters: Letters, to: Letters, extents: Extents) -> Weight:
        """Axes permuted, and repeated where ``letters`` lacks one."""

    def total(self, w: Weight, letters: Letters, kept: Letters) -> Weight:
        """Summed over all but ``kept``, which keep their order."""

    def mask(self, w: Weight, shape: Sequence[Dim], pairs: Sequence[tuple[int, int]]) -> Weight:
        """``w`` where the two axes of each pair have equal indices, else 0."""

    def add(self, a: Weight, b: Weight, subtract: bool) -> Weight:
        """a + b or a - b."""

    def negate(self, w: Weight) -> Weight:
        """-w."""

    def number(self, value: Dim, dtype: str) -> Weight:
        """A whole number without axes."""

    def push(self, local: Local, w: Weight, batch: Sequence[Dim]) -> Weight:
        """Tangents (batch axes, then the operand's) through a node."""

    def pull(self, local: Local, w: Weight, batch: Sequence[Dim]) -> Weight:
        """Cotangents (batch axes, then the node's) through a node."""


@dataclass
class Nodes:
    """Weights are tensors."""

    multiplications: int = 0

    def multiply(
        self, a: Tensor, left: Letters, b: Tensor, right: Letters, out: Letters, extents: Extents, dtype: str
    ) -> Tensor:
        self.multiplications += count(extents[c] for c in {*left, *right})
        a, b = cast(a, dtype), cast(b, dtype)
        if not out and not left and not right:
            return multiply(a, b)
        if {*left, *right} == {*out}:
            return multiply(self.spread(a, left, out, extents), self.spread(b, right, out, extents))
        name = dict(zip(dict.fromkeys((*left, *right)), string.ascii_letters, strict=False))
        words = ("".join(name[c] for c in letters) for letters in (left, right, out))
        return contract(a, b, *words)

    def spread(self, w: Tensor, letters: Letters, to: Letters, extents: Extents) -> Tensor:
        place = {c: i for i, c in enumerate(to)}
        return affine(w, tuple(extents[c] for c in to), [AxisMap(terms=((place[c], 1),)) for c in letters])

    def total(self, w: Tensor, letters: Letters, kept: Letters) -> Tensor:
        return sum_(w, tuple(i for i, c in enumerate(letters) if c not in kept)) if letters != kept else w

    def mask(self, w: Tensor, shape: Sequence[Dim], pairs: Sequence[tuple[int, int]]) -> Tensor:
        for i, j in pairs:
            w = where(equal(index(tuple(shape), i), index(tuple(shape), j)), w, 0)
        return w

    def add(self, a: Tensor, b: Tensor, subtract: bool) -> Tensor:
        return a - b if subtract else a + b

    def negate(self, w: Tensor) -> Tensor:
        return -w

    def number(self, value: Dim, dtype: str) -> Tensor:
        return constant(value, dtype) if isinstance(value, int) else cast(constant(value), dtype)

    def push(self, local: Local, w: Tensor, batch: Sequence[Dim]) -> Tensor:
        flat = reshape(cast(w, local.input.dtype), (product(batch), *local.source_shape)) if len(batch) > 1 else w
        out = local.push(cast(flat, local.input.dtype), batched=bool(batch))
        return reshape(out, (*batch, *local.target_shape)) if len(batch) > 1 else out

    def pull(self, local: Local, w: Tensor, batch: Sequence[Dim]) -> Tensor:
        flat = reshape(w, (product(batch), *local.target_shape)) if len(batch) > 1 else w
        out = local.pull(cast(flat, local.node.dtype), batched=bool(batch))
        return reshape(out, (*batch, *local.source_shape)) if len(batch) > 1 else out


PRICED = object()
"""A weight that is not built."""


def direction(shape: Shape, dtype: str, target: bool) -> Einsum:
    """One dense tangent (of the ``target``'s shape) or cotangent, for its price."""
    letters, (one,) = fresh(len(shape)), fresh(1)
    extents = dict(zip(letters, shape, strict=True)) | {one: 1}
    first, second = (letters, (one,)) if target else ((one,), letters)
    return Einsum(first, second, extents, dtype, (*letters, one), PRICED)


@dataclass
class Prices:
    """Weights are not built: the same algebra, for what it would cost."""

    multiplications: int = 0

    def multiply(
        self, a: Weight, left: Letters, b: Weight, right: Letters, out: Letters, extents: Extents, dtype: str
    ) -> Weight:
        self.multiplications += count(extents[c] for c in {*left, *right})
        return PRICED

    def spread(self, w: Weight, letters: Letters, to: Letters, extents: Extents) -> Weight:
        return PRICED

    def total(self, w: Weight, letters: Letters, kept: Letters) -> Weight:
        return PRICED

    def mask(self, w: Weight, shape: Sequence[Dim], pairs: Sequence[tuple[int, int]]) -> Weight:
        return PRICED

    def add(self, a: Weight, b: Weight, subtract: bool) -> Weight:
        return PRICED

    def negate(self, w: Weight) -> Weight:
        return PRICED

    def number(self, value: Dim, dtype: str) -> Weight:
        return PRICED

    def push(self, local: Local, w: Weight, batch: Sequence[Dim]) -> Weight:
        return PRICED

    def pull(self, local: Local, w: Weight, batch: Sequence[Dim]) -> Weight:
        return PRICED
