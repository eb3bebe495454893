"""Bilinear algorithms for convolution: both operands are transformed, multiplied point by point, and back.

    v[p] = transform of span x span elements of the input        once for all rows of the weights
    u[p] = transform of a kernel's taps                           once for all examples
    m[p] = sum over channels of u[p] * v[p]
    out  = tile x tile results from m

A point is one number (``parts`` 1) or two: the real and the imaginary part of a complex one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.ir import Expr
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.storage import Storage

Pair: TypeAlias = tuple[int, int]
Read: TypeAlias = Callable[[Dim, Dim], Expr]
"""The element of a line and a column; of a transform, the part of a point."""
Write: TypeAlias = Callable[[Dim, Dim, Expr], None]
WriteWeights: TypeAlias = Callable[[Dim, Pair, Expr], None]
"""Stores the factor of a point between a part of the result and one of the input."""


@dataclass(frozen=True)
class Memory:
    """What a transform keeps in memory: new storage of so many elements, and the place of an element in it."""

    local: Callable[[str, int], Storage]
    place: Callable[[Dim], Dim]


MULTIPLIES: Final = 1.2
"""Multiply-adds a cycle in products point by point."""


@dataclass(frozen=True)
class Algorithm(ABC):
    """One that computes ``tile`` results along either axis from ``span`` elements."""

    taps: Pair
    span: int

    @property
    def tile(self) -> Pair:
        return self.span - self.taps[0] + 1, self.span - self.taps[1] + 1

    @property
    @abstractmethod
    def points(self) -> int: ...

    @property
    @abstractmethod
    def parts(self) -> int: ...

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    @abstractmethod
    def transform_cycles(self) -> float:
        """Cycles of one transform of an input, of vectors."""

    @abstractmethod
    def of_input(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: Write) -> None:
        """Every part of every point of ``span`` by ``span`` elements, to ``write``."""

    @abstractmethod
    def of_weights(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: WriteWeights) -> None:
        """The factors of every point from a kernel's taps, to ``write``."""

    @abstractmethod
    def of_output(self, builder: Builder, memory: Memory, dtype: str, read: Read, write: Write) -> None:
        """The results of a tile from the points' sums, to ``write``."""

    def cycles(self, rows: int, depth: int, tiles: int) -> float:
        """Cycles for so many tiles, channels by channels, of a block of examples in lanes."""
        products = self.points * self.parts**2 * rows * depth / MULTIPLIES
        return tiles * (products + self.transform_cycles * (rows + depth))
