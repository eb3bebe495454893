"""Operands of contractions inside a region: read where they lie, or copied to where they can be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import VIEW
from graphad.compiler.ir.size import Dim, floor_divide
from graphad.compiler.ir.types import Shape, TensorType
from graphad.compiler.ir.view import Affine, AxisMap, identity
from graphad.compiler.loops.ir import Expr, Load
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.letters import Strided, strided

WORTH: Final = 1 / 12
"""Of what a loop goes through, the part that is worth bounds that are computed."""


@dataclass(frozen=True)
class Bound:
    """What there is to be read: ``0 <= offset + sum of step * [letter] < extent``; beyond are zeros."""

    offset: int
    steps: tuple[tuple[str, int], ...]
    extent: int

    def span(self, letter: str, at: Mapping[str, Dim]) -> "tuple[Dim, Dim] | None":
        """Where the letter may go while the others stay; None if another is not known.

        >>> Bound(-2, (("y", 4), ("i", 1)), 9).span("y", {"i": 0}), Bound(3, (("m", -2),), 9).span("m", {})
        ((1, 3), (-2, 2))
        """
        rest: Dim = self.offset
        for c, s in self.steps:
            if c != letter:
                if c not in at:
                    return None
                rest = rest + s * at[c]
        step = dict(self.steps)[letter]
        if step > 0:
            return 0 - floor_divide(rest, step), 0 - floor_divide(rest - self.extent, step)
        return floor_divide(rest - self.extent, -step) + 1, floor_divide(rest, -step) + 1

    def saved(self, sizes: Mapping[str, int]) -> float:
        """The part of all places that there is nothing to be read at.

        >>> Bound(-1, (("y", 1), ("i", 1)), 4).saved({"y": 4, "i": 3})
        0.16666666666666666
        """
        places = [self.offset]
        for c, step in self.steps:
            places = [p + step * k for p in places for k in range(sizes[c])]
        return sum(not 0 <= p < self.extent for p in places) / len(places)


@dataclass(frozen=True)
class Operand:
    """A stored tensor with a stride for each letter; ``bounds`` of what is read."""

    found: Strided
    letters: str
    bounds: tuple[Bound, ...] = ()

    def load(self, context: Context, builder: Builder, at: dict[str, Dim]) -> Expr:
        """The element where the letters are ``at``."""
        storage = context.stored[self.found.stored]
        return Load(builder.buffer(storage), self.place(at), storage.dtype)

    def place(self, at: dict[str, Dim]) -> Dim:
        """Where that element lies."""
        place = self.found.start
        for c in self.letters:
            place = place + self.found.strides[c] * at.get(c, 0)  # letters of size 1 need no place
        return place


def padded(node: Node) -> tuple[Node, Affine]:
    """A copy of what a view reads, with its gaps and margins, and the view of that; any other node as it is.

    The copy is as large as the view reaches, with the fill value where it reads nothing.
    """
    if not isinstance(node.kind, View) or not isinstance(node.kind.map, Affine):
        same = identity(node.type.shape)
        return Node(VIEW, View(same), (node,), node.type, node.site), same
    (x,) = node.operands
    found = node.kind.map
    shape: list[Dim] = []
    margins: list[AxisMap] = []
    windows: list[AxisMap] = []
    for a, axis in enumerate(found.axes):
        low, high = axis.range(found.shape)
        shape.append(high - low + 1)
        margins.append(AxisMap(low, ((a, 1),), axis.divisor, axis.guarded))
        windows.append(AxisMap(axis.offset - low, axis.terms))
    inner = View(Affine(tuple(shape), tuple(margins), found.fill))
    copy = Node(VIEW, inner, (x,), TensorType(x.type.dtype, tuple(shape)), node.site)
    return copy, Affine(found.shape, tuple(windows))


def unmargined(node: Node, letters: str, kept: Sequence[str]) -> tuple[Node, tuple[Bound, ...]] | None:
    """A view without its margins of zeros, and the bounds to keep to instead; None for other views.

    ``kept``: letters whose loops can keep to bounds.
    """
    if not isinstance(node.kind, View) or not isinstance(node.kind.map, Affine) or node.kind.map.fill != 0:
        return None
    found, bounds = node.kind.map, bounds_of(node, letters)
    tight = all(any(c in kept for c, _ in b.steps) for b in bounds)
    if not tight or len(bounds) < sum(axis.guarded for axis in found.axes):
        return None
    axes = tuple(AxisMap(a.offset, a.terms, a.divisor) for a in found.axes)
    bare = Node(node.op, View(Affine(found.shape, axes, found.fill)), node.operands, node.type, node.site)
    return bare, tuple(bounds)


def bounds_of(node: Node, letters: str) -> list[Bound]:
    """What there is to be read of a view with margins of zeros, axis by axis."""
    if not isinstance(node.kind, View) or not isinstance(node.kind.map, Affine) or node.kind.map.fill != 0:
        return []
    return [
        Bound(axis.offset, tuple((letters[j], c) for j, c in axis.terms), extent)
        for axis, extent in zip(node.kind.map.axes, node.operands[0].type.shape, strict=True)
        if axis.guarded and axis.divisor == 1 and isinstance(axis.offset, int) and isinstance(extent, int)
    ]


def margins(node: Node, letters: str, column: str = "") -> tuple[Bound, ...]:
    """Bounds that are worth a loop's while, although the margins are there: of lines, not of the ``column``."""
    sizes = extents([letters], [node.type.shape])
    found = [b for b in bounds_of(node, letters) if column not in dict(b.steps)]
    return tuple(b for b in found if b.saved(sizes) > WORTH)


def in_place(node: Node, letters: str, context: Context) -> Operand | None:
    """The operand where it lies, if one stride a letter reads it."""
    found = strided(node, letters, context)
    return None if found is None else Operand(found, letters)


def extents(letters: Sequence[str], shapes: Sequence[Shape]) -> dict[str, int]:
    """Each letter's extent, all of them numbers."""
    found: dict[str, int] = {}
    for word, shape in zip(letters, shapes, strict=True):
        for c, d in zip(word, shape, strict=True):
            assert isinstance(d, int)
            found[c] = d
    return found
