"""Columns of a contraction whose summed elements lie so that they drive each other out of the cache: copied together.

Channels of 32 x 32 pixels, an example a lane, are 64 KiB apart: the same pixels of all of them fall into one set of the
first-level cache and into two of the second-level one. Every tile of rows would fetch them from beyond both.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import gcd, prod
from typing import Final

from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import Expr, Load
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.columns import Columns
from graphad.compiler.lower.examples.operands import Operand
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import LINE, SETS, WAYS

MOST: Final = 16 << 10
"""Bytes of a copy: a third of the first-level cache, which has the weights and results too."""


@dataclass(frozen=True, kw_only=True)
class Copied(Operand):
    """An operand whose elements of some columns lie in ``storage``: the summed letters' side by side."""

    storage: Storage
    start: Dim = 0
    pitches: tuple[tuple[str, int], ...] = ()

    def load(self, context: Context, builder: Builder, at: dict[str, Dim]) -> Expr:
        place = self.start
        for c, pitch in self.pitches:
            place = place + pitch * at.get(c, 0)
        return Load(builder.buffer(self.storage), place, self.storage.dtype)


def crowded(x: Operand, depth: Sequence[str], sizes: dict[str, int], vector_bytes: int, columns: int) -> bool:
    """Whether a tile's elements do not fit where they fall in the cache, but would if they lay together."""
    wide = [c for c in depth if sizes[c] != 1]
    many = prod(sizes[c] for c in wide)
    if x.bounds or len(wide) != 1 or many * columns * vector_bytes > MOST:
        return False
    stride = x.found.strides.get(wide[0], 0)
    assert isinstance(stride, int)
    lines = stride * vector_bytes // LINE
    return many > WAYS * (SETS // gcd(lines, SETS))


def copied(
    context: Context,
    builder: Builder,
    x: Operand,
    columns: Columns,
    outer: dict[str, Dim],
    depth: Sequence[str],
    sizes: dict[str, int],
) -> Copied:
    """The operand's elements of a tile's columns, for one place of the outer letters."""
    column, many = columns.letter, columns.size * columns.side_by_side
    stored = context.stored[x.found.stored]
    shape = tuple(sizes[c] for c in depth)
    storage = context.local(stored.dtype, prod(shape) * many, per_part=True)
    with ExitStack() as stack:
        at = dict(outer)
        for c in depth:
            at[c] = stack.enter_context(builder.loop(sizes[c], stem="k"))
        q = stack.enter_context(builder.unrolled(0, columns.size, columns.size, "q"))
        place = columns.place(q)
        value = x.load(context, builder, {**at, column: place})
        builder.store(storage, flat([at[c] for c in depth], shape) * many + place - columns.first, value)
    pitches = [(c, many * prod(shape[i + 1 :])) for i, c in enumerate(depth)]
    pitches.append((column, 1))
    return Copied(found=x.found, letters=x.letters, storage=storage, start=-1 * columns.first, pitches=tuple(pitches))
