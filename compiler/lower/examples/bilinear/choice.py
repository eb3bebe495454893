"""Which algorithm a convolution takes: the one of least cycles, direct sums among them."""

from typing import Final

from graphad.compiler.lower.examples.bilinear.algorithm import Algorithm
from graphad.compiler.lower.examples.bilinear.fft import CYCLES as FFT_SPANS
from graphad.compiler.lower.examples.bilinear.fft import Fft
from graphad.compiler.lower.examples.bilinear.letters import Letters
from graphad.compiler.lower.examples.bilinear.toom import CYCLES as TOOM_SPANS
from graphad.compiler.lower.examples.bilinear.toom import Toom

DIRECT: Final = 1.75
"""Multiply-adds a cycle in direct sums."""
GAIN: Final = 1.1
"""Direct sums lose by that much before anything else is taken: they are the more exact, and need no memory."""
SCALARS: Final = 1.0
"""Cycles of a weights' transform, by those of an input's: the same arithmetic, of numbers instead of vectors."""
BLOCKS: Final = 8
"""Blocks of examples that a transform of the weights serves."""
CACHE: Final = 3 << 19
"""Bytes of the second-level cache that the points of one tile may take."""


def candidates(taps: tuple[int, int]) -> list[Algorithm]:
    """All whose tiles have two results or more along either axis."""
    found: list[Algorithm] = [Toom(taps, span) for span in TOOM_SPANS]
    found += [Fft(taps, span) for span in FFT_SPANS]
    return [a for a in found if min(a.tile) >= 2]


def choose(letters: Letters, sizes: dict[str, int], vector_bytes: int) -> Algorithm | None:
    """The cheapest, None for direct sums."""
    rows, depth = sizes[letters.rows], sizes[letters.depth]
    lines, columns = (sizes[c] for c in letters.pixels)
    taps = (sizes[letters.taps[0]], sizes[letters.taps[1]])
    best, found = letters.read * rows * depth / DIRECT / GAIN, None
    for algorithm in candidates(taps):
        if algorithm.points * algorithm.parts * (rows + depth) * vector_bytes > CACHE:
            continue
        tiles = -(-lines // algorithm.tile[0]) * -(-columns // algorithm.tile[1])
        weights = algorithm.transform_cycles * SCALARS * rows * depth / BLOCKS
        cycles = algorithm.cycles(rows, depth, tiles) + weights
        if cycles < best:
            best, found = cycles, algorithm
    return found
