"""Which algorithm a convolution takes: the one of least cycles, direct sums among them."""

from typing import Final

from graphad.compiler.ir.node import Node
from graphad.compiler.lower.examples.bilinear.algorithm import Algorithm
from graphad.compiler.lower.examples.bilinear.fft import CYCLES as FFT_SPANS
from graphad.compiler.lower.examples.bilinear.fft import Fft
from graphad.compiler.lower.examples.bilinear.letters import Letters
from graphad.compiler.lower.examples.bilinear.toom import CYCLES as TOOM_SPANS
from graphad.compiler.lower.examples.bilinear.toom import Toom
from graphad.compiler.lower.picks import Picks

DIRECT: Final = 1.75
"""Multiply-adds a cycle in direct sums."""
GAIN: Final = 1.1
"""Direct sums lose by that much before anything else is taken: they are the more exact, and need no memory."""
SCALAR: Final = 4
"""Bytes of a number of the weights."""
BLOCKS: Final = 8
"""Blocks of examples that a transform of the weights serves."""
CACHE: Final = 3 << 19
"""Bytes of the second-level cache that the points of one tile may take."""


def candidates(taps: tuple[int, int]) -> list[Algorithm]:
    """All whose tiles have two results or more along either axis."""
    found: list[Algorithm] = [Toom(taps, span) for span in TOOM_SPANS]
    found += [Fft(taps, span) for span in FFT_SPANS]
    return [a for a in found if min(a.tile) >= 2]


def counted(letters: Letters, sizes: dict[str, int], vector_bytes: int) -> dict[Algorithm | None, float]:
    """Cycles of each algorithm that the caches have room for, for a block of examples; None: direct sums."""
    rows, depth = sizes[letters.rows], sizes[letters.depth]
    lines, columns = (sizes[c] for c in letters.pixels)
    taps = (sizes[letters.taps[0]], sizes[letters.taps[1]])
    found: dict[Algorithm | None, float] = {None: letters.read * rows * depth / DIRECT / GAIN}
    for algorithm in candidates(taps):
        if algorithm.points * algorithm.parts * (rows + depth) * vector_bytes <= CACHE:
            tiles = -(-lines // algorithm.tile[0]) * -(-columns // algorithm.tile[1])
            weights = algorithm.transform_cycles * rows * depth / (vector_bytes // SCALAR) / BLOCKS
            found[algorithm] = algorithm.cycles(rows, depth, tiles) + weights
    return found


def choose(anchor: Node, letters: Letters, sizes: dict[str, int], vector_bytes: int, picks: Picks) -> Algorithm | None:
    """The cheapest, or the one that was picked; None for direct sums."""
    cycles = counted(letters, sizes, vector_bytes)
    names = {a.name if a else "direct sums": a for a in cycles}
    taps, pixels = ("x".join(str(sizes[c]) for c in found) for found in (letters.taps, letters.pixels))
    question = f"{sizes[letters.depth]} to {sizes[letters.rows]} channels of {pixels}, {taps} taps, {letters.read} read"
    picks.asked[anchor] = question
    return names[picks.cheapest(question, {name: cycles[a] for name, a in names.items()})]
