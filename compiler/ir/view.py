"""Index maps of views: which operand element each result element reads.

``Affine`` covers broadcasting, permuting, slicing, flipping, padding, dilating with zeros and sliding windows:
operand index along axis a is ``(offset + sum(coefficient * i_j)) / divisor`` over the result's indices i_j. A guarded
axis reads the fill value where that is out of range or does not divide. ``Reshape`` keeps the row-major order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graphad.compiler.ir.size import Dim, evaluate
from graphad.compiler.ir.types import Shape


@dataclass(frozen=True, slots=True)
class AxisMap:
    """Where one operand axis is read. ``terms`` are pairs (result axis, coefficient), by axis."""

    offset: Dim = 0
    terms: tuple[tuple[int, int], ...] = ()
    divisor: int = 1
    guarded: bool = False

    def __str__(self) -> str:
        parts = [f"i{j}" if c == 1 else f"-i{j}" if c == -1 else f"{c}*i{j}" for j, c in self.terms]
        if self.offset != 0 or not parts:
            parts.append(str(self.offset) if isinstance(self.offset, int) else f"{{{self.offset}}}")  # may be called i1
        text = "+".join(parts).replace("+-", "-")
        return (f"({text})/{self.divisor}" if self.divisor != 1 else text) + ("?" if self.guarded else "")

    def is_identity(self, axis: int) -> bool:
        """Reads the operand at the result's own index along ``axis``."""
        return self.terms == ((axis, 1),) and self.offset == 0 and self.divisor == 1

    def range(self, shape: Shape) -> tuple[Dim, Dim]:
        """Least and greatest numerator over a result of ``shape``."""
        low = high = self.offset
        for axis, c in self.terms:
            reach = c * (shape[axis] - 1)
            low, high = (low, high + reach) if c > 0 else (low + reach, high)
        return low, high


@dataclass(frozen=True, slots=True)
class Affine:
    """An affine map from a result of ``shape`` to an operand with one axis for each of ``axes``.

    ``spare``: elements left over beside one window, along axes of named size. None may come negative: such a window
    does not fit, and there is no result, as against one without elements.
    """

    shape: Shape
    axes: tuple[AxisMap, ...]
    fill: float = 0.0
    spare: tuple[Dim, ...] = ()

    @property
    def guarded(self) -> bool:
        return any(a.guarded for a in self.axes)

    def used(self) -> set[int]:
        """Result axes that some operand axis depends on; the others are broadcast."""
        return {j for a in self.axes for j, _ in a.terms}

    def is_identity(self, operand: Shape) -> bool:
        return self.shape == operand and all(a.is_identity(i) for i, a in enumerate(self.axes))

    def at(self, sizes: Mapping[str, Dim]) -> "Affine":
        """With named sizes replaced."""
        axes = tuple(AxisMap(evaluate(a.offset, sizes), a.terms, a.divisor, a.guarded) for a in self.axes)
        shape, spare = (tuple(evaluate(d, sizes) for d in dims) for dims in (self.shape, self.spare))
        return Affine(shape, axes, self.fill, spare)

    def __str__(self) -> str:
        fill = f" fill={self.fill!r}" if self.guarded else ""
        return f"[{', '.join(map(str, self.axes))}]{fill}"


@dataclass(frozen=True, slots=True)
class Reshape:
    """Same elements in row-major order, other shape."""

    shape: Shape

    def at(self, sizes: Mapping[str, Dim]) -> "Reshape":
        return Reshape(tuple(evaluate(d, sizes) for d in self.shape))


IndexMap: TypeAlias = Affine | Reshape


def identity(shape: Shape) -> Affine:
    """The map that reads every element where it is.

    >>> str(identity((2, 3)))
    '[i0, i1]'
    """
    return Affine(shape, tuple(AxisMap(terms=((i, 1),)) for i in range(len(shape))))


def compose(outer: Affine, inner: Affine) -> Affine | None:
    """The map of ``view(view(x)[inner])[outer]``, or None where guards or divisors stand in the way.

    The inner view is the one nearer the operand. A guarded outer axis may only meet an inner one that hands its
    index through unchanged with the same range, which is not checked here: such pairs are left apart.
    """
    if outer.guarded or any(a.divisor != 1 for a in (*outer.axes, *inner.axes)):
        return None
    axes = []
    for a in inner.axes:
        offset: Dim = a.offset
        terms: dict[int, int] = {}
        for j, c in a.terms:
            step = outer.axes[j]
            offset = offset + c * step.offset
            for k, d in step.terms:
                terms[k] = terms.get(k, 0) + c * d
        axes.append(AxisMap(offset, tuple(sorted((k, c) for k, c in terms.items() if c)), 1, a.guarded))
    return Affine(outer.shape, tuple(axes), inner.fill)
