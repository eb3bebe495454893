"""Whether a convolution of few images may go by Winograd's algorithm, by which tiles, and what that costs."""

from dataclasses import dataclass
from typing import ClassVar, Final

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.view import Affine
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.bilinear.letters import Letters, letters_of
from graphad.compiler.lower.examples.bilinear.toom import CYCLES, Toom
from graphad.compiler.lower.examples.operands import Operand, in_place
from graphad.compiler.lower.examples.tiles import choose, pieces, step_cost
from graphad.compiler.lower.few.pixels_plan import number_of
from graphad.compiler.lower.letters import Plan
from graphad.compiler.lower.target import Target, target

INPUT: Final = 2.0
"""A transform of an input in strided vectors takes so many times as long as one of neighbours."""
OUTPUT: Final = 1.3
"""One back, with its results interleaved."""
WEIGHTS: Final = 3.0
"""One of the weights, whose taps are gathered and whose points are written to memory and read again."""
GAIN: Final = 1.15
"""Direct sums lose by that much before anything else is taken: they are the more exact, and need no memory."""


@dataclass(frozen=True, eq=False)
class Winograd:
    """A contraction that can be done so."""

    option: ClassVar = "winograd"

    found: Plan
    w: Operand
    letters: Letters
    algorithm: Toom
    machine: Target
    lanes: int

    @property
    def name(self) -> str:
        return f"{self.algorithm.name}, a tile a lane"

    def size(self, letter: str) -> int:
        return number_of(self.found.sizes[letter])

    @property
    def across(self) -> tuple[int, int]:
        """Tiles along lines and columns."""
        lines, columns = (-(-self.size(c) // t) for c, t in zip(self.letters.pixels, self.algorithm.tile, strict=True))
        return lines, columns

    @property
    def tiles(self) -> int:
        return self.across[0] * self.across[1]

    @property
    def pitch(self) -> int:
        """Elements from channel to channel: tiles, and room for what lanes beyond the last one of a line write."""
        return -(-self.tiles // self.lanes) * self.lanes + self.lanes

    @property
    def outer(self) -> list[str]:
        """Letters of images, and those of size 1."""
        return [c for c in self.found.out if c not in (self.letters.rows, *self.letters.pixels)]

    def cycles(self) -> float:
        """Of one image, by a count of multiply-adds and transforms."""
        rows, depth = self.size(self.letters.rows), self.size(self.letters.depth)
        vectors, (lines, columns) = -(-self.tiles // self.lanes), self.across
        r, c = choose(rows, vectors, self.machine.vectors)
        step = sum(
            p.count * q.count * p.size * q.size * step_cost(p.size, q.size)
            for p in pieces(rows, r)
            for q in pieces(vectors, c)
        )
        one = CYCLES[self.algorithm.span]
        moved = depth * lines * -(-columns // self.lanes) * INPUT + rows * vectors * OUTPUT
        return GAIN * (self.algorithm.points * depth * step + one * (moved + rows * depth / self.lanes * WEIGHTS))


def plan_winograd(context: Context, found: Plan) -> list[Winograd]:
    """The schedules that are legal: convolutions along two axes with stride 1, of tiles of two results or more."""
    kind = found.columns_operand.kind
    if context.options.precision == "strict" or not isinstance(kind, View) or not isinstance(kind.map, Affine):
        return []
    if 0 in found.sizes.values() or not found.node.type.dtype.startswith("float"):
        return []
    batch = [c for c in found.columns_letters if c in found.out and not isinstance(found.sizes[c], int)]
    letters = letters_of(found.columns_operand, found.columns_letters, found.rows_letters, found.out, batch)
    w = in_place(found.rows_operand, found.rows_letters, context)
    if letters is None or w is None or found.out[-2:] != "".join(letters.pixels):
        return []
    machine = target(context.options.isa)
    taps = (number_of(found.sizes[letters.taps[0]]), number_of(found.sizes[letters.taps[1]]))
    lanes = machine.lanes(found.node.type.dtype)
    algorithms = [Toom(taps, span) for span in CYCLES if span - max(taps) >= 1]
    return [Winograd(found, w, letters, a, machine, lanes) for a in algorithms]
