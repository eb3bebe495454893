"""The columns of a tile of sums: one after the other, or neighbours side by side in the lanes.

Where a block has half as many examples as a vector has lanes, a vector has two neighbouring columns of each:

    one column a vector     c0 c1 c2 c3 c4          five vectors, half of their lanes empty
    two side by side        c0c1 c2c3 c3c4          three; of the last only c4 is new
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.in_lanes import PIXEL
from graphad.compiler.loops.ir import At, Prim
from graphad.compiler.lower.builder import Builder


def beside(number: Dim, side_by_side: int) -> Dim:
    """Of what is counted by so many: the first one's number, or those of all that lanes have at once."""
    return number if side_by_side == 1 else side_by_side * number + symbol(PIXEL)


def in_words(side_by_side: int) -> str:
    """What the lanes have."""
    return "one example a lane" if side_by_side == 1 else f"{side_by_side} neighbours of each example in the lanes"


@dataclass(frozen=True)
class Columns:
    """A tile's columns from ``first`` on, ``size`` times as many as are side by side; ``known``: there already."""

    letter: str
    first: Dim
    size: int
    side_by_side: int = 1
    known: int = 0

    def place(self, q: Dim) -> Dim:
        """The column, or those that lanes have at once."""
        return self.first + beside(q, self.side_by_side)

    def new(self, builder: Builder) -> AbstractContextManager[None]:
        """Where lanes have columns that are not there yet."""
        if not self.known:
            return nullcontext()
        return builder.when(Prim("ge", (At(symbol(PIXEL)), At(self.known)), "bool"))
