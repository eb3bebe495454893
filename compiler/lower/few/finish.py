"""What follows on sums that lie in scratch memory, line by line, with neighbours in the lanes of vectors."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.ir import At, Load, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.maps import Stores, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage


@dataclass(frozen=True)
class Sums:
    """Sums of ``count`` rows from ``first`` of letter ``row``, each of ``lines`` from ``at`` on, ``width`` a line.

    ``row`` and ``line`` are "" where there is but one. ``pitches``: from row to row, and from line to line.
    """

    storage: Storage
    row: str
    first: Dim
    count: int
    line: str
    lines: int
    column: str
    width: int
    pitches: tuple[int, int]
    start: Dim = 0


@dataclass(frozen=True, eq=False)
class Finish:
    """Writes the epilogue of a contraction whose result has the letters ``out``."""

    builder: Builder
    puller: Puller
    anchor: Node
    stores: Stores
    out: str
    lanes: int

    def write(self, sums: Sums, at: Mapping[str, Dim]) -> None:
        """The maps on each sum, in vectors. ``at``: the other letters, and where lines and columns begin."""
        builder = self.builder
        with ExitStack() as stack:
            r = stack.enter_context(builder.loop(sums.count, stem="r"))
            m = stack.enter_context(builder.loop(sums.lines, stem="m"))
            place = dict(at)
            if sums.row:
                place[sums.row] = sums.first + r
            if sums.line:
                place[sums.line] = at.get(sums.line, 0) + m
            base, before = sums.start + r * sums.pitches[0] + m * sums.pitches[1], at.get(sums.column, 0)
            whole = sums.width // self.lanes
            if whole:
                with builder.loop(whole, stem="q") as q:
                    step = q * self.lanes + symbol(LANE)
                    self._vector(sums.storage, base + step, {**place, sums.column: before + step})
            if sums.width % self.lanes:
                step = symbol(LANE) + whole * self.lanes
                with builder.when(Prim("lt", (At(step), At(sums.width)), "bool")):
                    self._vector(sums.storage, base + step, {**place, sums.column: before + step})

    def _vector(self, storage: Storage, place: Dim, at: Mapping[str, Dim]) -> None:
        builder = self.builder
        with builder.scope():
            load = Load(builder.buffer(storage), place, storage.dtype)
            self.puller.substituted[self.anchor] = builder.let("v", load)
            store_all(builder, self.puller, self.stores, tuple(at[c] for c in self.out))
