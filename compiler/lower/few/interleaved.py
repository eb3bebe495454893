"""Vectors written side by side, element by element."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.ir import Expr, Load
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.storage import Storage


@dataclass(frozen=True, eq=False)
class Interleaved:
    """Writes vectors side by side: element l of the first, of the second ..., then element l + 1 of each."""

    context: Context
    builder: Builder
    dtype: str
    count: int
    lanes: int

    def write(self, vectors: Sequence[Expr], to: Storage, start: Dim) -> None:
        """Passes that read every ``count``-th element move the last digit of a place to the front."""
        builder, passes, left = self.builder, 0, self.lanes
        while left % self.count == 0:
            left, passes = left // self.count, passes + 1
        if left != 1:
            for k, value in enumerate(vectors):
                builder.store(to, start + symbol(LANE) * self.count + k, value)
            return
        for _ in range(passes):
            between = self.context.local(self.dtype, self.count * self.lanes, per_part=True)
            for k, value in enumerate(vectors):
                builder.store(between, k * self.lanes + symbol(LANE), value)
            name = builder.buffer(between)
            places = (symbol(LANE) * self.count + k for k in range(self.count))
            vectors = [builder.let("v", Load(name, place, self.dtype)) for place in places]
        for k, value in enumerate(vectors):
            builder.store(to, start + k * self.lanes + symbol(LANE), value)
