"""What results read, side by side in the order of their weights: ``packed[outer, result, k]``."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeAlias

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.view import Affine
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import Expr, Lit
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.few.depth_plan import Depth, count_of
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

Reach: TypeAlias = tuple[Dim, tuple[tuple[str, int], ...], Dim]
"""An index along an axis, as an offset and letters with their steps, and the axis's extent."""


@dataclass(frozen=True, eq=False)
class Packing:
    """What the results read: ``packed[outer, pixel, k]``, k in the order of the weights."""

    builder: Builder
    puller: Puller
    plan: Depth
    packed: Storage

    def write(self) -> None:
        """Loops over results and taps; the longest of the summed letters inside, shared among threads."""
        builder, plan, sizes = self.builder, self.plan, self.plan.found.sizes
        longest = max(plan.depth, key=lambda c: count_of(plan.found, c))
        around = [*plan.outer, *plan.line, plan.column, *(c for c in plan.depth if c != longest)]
        builder.kernel.parallel = sizes[longest] != 1
        with ExitStack() as stack:
            here = [c for c in around if c in plan.found.columns_letters]
            at: dict[str, Dim] = {c: stack.enter_context(builder.loop(sizes[c], stem="i")) for c in here}
            asked = self._asked()
            if asked:
                self._each(longest, at, (), Lit(0, self.packed.dtype))
            outside = [a for a in asked if longest not in dict(a[1])]
            with builder.ensured((index_at(found, at), extent) for *found, extent in outside):
                self._each(longest, at, [a for a in asked if a not in outside], None)

    def _each(self, letter: str, at: Mapping[str, Dim], asked: Sequence[Reach], value: Expr | None) -> None:
        """Every element along a letter, set where it is there; ``value``: instead of what the operand has."""
        builder, found = self.builder, self.plan.found
        with builder.loop(found.sizes[letter], "parallel", stem="k") as k:
            here = {**at, letter: k}
            with builder.ensured((index_at(place, here), extent) for *place, extent in asked):
                own = value or self._value(here)
                builder.store(self.packed, self._place(here), own)

    def _asked(self) -> list[Reach]:
        """Along which axes of what is read there may be nothing; none where elements are asked for one by one."""
        view, letters = self._view(), self.plan.found.columns_letters
        if view is None:
            return []
        shape = self.plan.found.columns_operand.operands[0].type.shape
        axes = zip(view.axes, shape, strict=True)
        return [(a.offset, tuple((letters[j], c) for j, c in a.terms), d) for a, d in axes if a.guarded]

    def _view(self) -> Affine | None:
        kind = self.plan.found.columns_operand.kind
        if not isinstance(kind, View) or not isinstance(kind.map, Affine) or kind.map.fill != 0:
            return None
        return kind.map if all(a.divisor == 1 for a in kind.map.axes) else None

    def _value(self, at: Mapping[str, Dim]) -> Expr:
        operand, letters, view = self.plan.found.columns_operand, self.plan.found.columns_letters, self._view()
        if view is None:
            return self.puller.value(operand, tuple(at[c] for c in letters))
        terms = ((a.offset, [(letters[j], c) for j, c in a.terms]) for a in view.axes)
        return self.puller.value(operand.operands[0], tuple(index_at(t, at) for t in terms))

    def _place(self, at: Mapping[str, Dim]) -> Dim:
        return packed_at(self.plan, at, flat([at[c] for c in self.plan.depth], self.plan.found.shape(self.plan.depth)))


def packed_at(plan: Depth, at: Mapping[str, Dim], k: Dim, pixel: Dim | None = None) -> Dim:
    """Where an element lies in the packed operand."""
    own, inner = [c for c in plan.outer if c in plan.found.columns_letters], plan.line + plan.column
    outer = flat([at[c] for c in own], plan.found.shape("".join(own))) if own else 0
    at_pixel = flat([at[c] for c in inner], plan.found.shape(inner)) if pixel is None else pixel
    return (outer * plan.pixels + at_pixel) * plan.steps + k


def index_at(place: Sequence[object], at: Mapping[str, Dim]) -> Dim:
    """An index along an axis: an offset, and letters with their steps."""
    offset, terms = place
    found: Dim = offset  # type: ignore[assignment]
    for c, step in terms:  # type: ignore[attr-defined]
        found = found + step * at.get(c, 0)
    return found
