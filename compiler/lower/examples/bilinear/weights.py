"""The transform of a convolution's weights, once for all examples: pairs of channels in the lanes.

for every block of pairs (parallel):
    for l in lanes:
        u[p, a, b, pair] = transform of the pair's taps        a: a part of the result, b: of the input
"""

from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.ir import At, Expr, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.bilinear.algorithm import Algorithm, Memory, Pair
from graphad.compiler.lower.examples.bilinear.letters import Letters
from graphad.compiler.lower.examples.operands import Operand
from graphad.compiler.lower.storage import Storage

CROWDED: Final = 64
"""Vectors from point to point from which on the points of a pair share few sets of the first-level cache."""


@dataclass(frozen=True)
class Factors:
    """Where the factors of a point lie: those of all pairs of channels side by side.

    ``slow`` and ``fast``: the letters in the order in which the weights lie, with their extents; of a pair of letters
    that one stride reads, the first has one extent for both.
    """

    algorithm: Algorithm
    slow: str
    fast: str
    extents: Pair
    lanes: int
    merged: bool

    @property
    def line(self) -> int:
        """The fast letter's extent in whole vectors."""
        return -(-self.across // self.lanes) * self.lanes

    @property
    def across(self) -> int:
        return self.extents[0] * self.extents[1] if self.merged else self.extents[1]

    @property
    def lines(self) -> int:
        return 1 if self.merged else self.extents[0]

    @property
    def size(self) -> int:
        """All factors."""
        return self.algorithm.points * self.algorithm.parts**2 * self.pitch

    @property
    def pitch(self) -> int:
        """From point to point of a pair: an odd number of vectors, or all would fall into one set of the cache."""
        vectors = self.lines * self.line // self.lanes
        return (vectors | (vectors >= CROWDED)) * self.lanes

    def pair(self, at: dict[str, Dim]) -> Dim:
        """The place of a pair of channels among those of a point's parts."""
        return at[self.slow] * (self.extents[1] if self.merged else self.line) + at[self.fast]

    def place(self, point: Dim, parts: tuple[Dim, Dim], pair: Dim) -> Dim:
        many = self.algorithm.parts
        return ((point * many + parts[0]) * many + parts[1]) * self.pitch + pair


def factors_of(w: Operand, algorithm: Algorithm, letters: Letters, sizes: dict[str, int], lanes: int) -> Factors:
    """Their order is that of the weights in memory."""
    strides = w.found.strides

    def stride(c: str) -> int:
        found = strides.get(c, 0)
        assert isinstance(found, int)
        return found

    slow, fast = sorted((letters.rows, letters.depth), key=lambda c: (-stride(c), -sizes[c]))
    merged = stride(slow) == stride(fast) * sizes[fast]
    return Factors(algorithm, slow, fast, (sizes[slow], sizes[fast]), lanes, merged)


def transform_weights(
    builder: Builder, context: Context, w: Operand, factors: Factors, letters: Letters, u: Storage
) -> None:
    """All factors, to ``u``. Lanes beyond the last pair do it again."""
    lanes = factors.lanes
    lane = symbol(LANE)
    memory = Memory(
        lambda dtype, size: context.local(dtype, size * lanes, per_part=True), lambda place: place * lanes + lane
    )
    many = factors.line // lanes
    builder.kernel.scheduled = True
    with (
        builder.loop(factors.lines, "parallel") as line,
        builder.loop(many, "parallel" if factors.lines == 1 else "serial") as first,
        builder.together(LANE, lanes),
    ):
        number = Prim("min", (At(first * lanes + lane), At(factors.across - 1)), "int64")
        pair = builder.index(number, factors.across)

        def read(i: Dim, j: Dim) -> Expr:
            taps = [t if origin == 0 else origin - t for t, origin in zip((i, j), letters.origins, strict=True)]
            at = {factors.slow: line, factors.fast: pair, **dict(zip(letters.taps, taps, strict=True))}
            return w.load(context, builder, at)

        def write(p: Dim, parts: Pair, value: Expr) -> None:
            builder.store(u, factors.place(p, parts, line * factors.line + first * lanes + lane), value)

        factors.algorithm.of_weights(builder, memory, u.dtype, read, write)
