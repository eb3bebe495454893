"""Which algorithm a convolution takes: the one of least cycles, direct sums among them."""

from typing import Final

from graphad.compiler.ir.node import Node
from graphad.compiler.lower.examples.bilinear.algorithm import Algorithm
from graphad.compiler.lower.examples.bilinear.fft import CYCLES as FFT_SPANS
from graphad.compiler.lower.examples.bilinear.fft import Fft
from graphad.compiler.lower.examples.bilinear.gradient import Shape
from graphad.compiler.lower.examples.bilinear.letters import Letters
from graphad.compiler.lower.examples.bilinear.toom import CYCLES as TOOM_SPANS
from graphad.compiler.lower.examples.bilinear.toom import Toom
from graphad.compiler.lower.picks import Picks
from graphad.compiler.lower.target import Target

DIRECT: Final = 1.75
"""Multiply-adds a cycle in direct sums."""
GAIN: Final = 1.1
"""Direct sums lose by that much before anything else is taken: they are the more exact, and need no memory."""
SCALAR: Final = 4
"""Bytes of a number of the weights."""
BLOCKS: Final = 8
"""Blocks of examples that a transform of the weights serves, where there may be several."""
WRITTEN: Final = 1.2
"""Cycles of a byte of transformed weights that no near cache holds, to be written: 36 points of 512 x 512 channels, 38
MB, take 14 ms (Zen)."""
READ: Final = 0.3
"""And to be read, for each block: 5 ms more than what is multiplied meanwhile."""
ROOM: Final = 3 << 20
"""Bytes that the points of one tile may take: more than most second-level caches have, and still worth it."""
CACHE: Final = 3 << 19
"""Bytes of the second-level cache that a gradient's sums may take, or transformed weights."""
TRANSFORMS: Final = 5 << 18
"""Bytes of transforms at once, in a gradient."""
PANELS: Final = 1.7
"""Multiply-adds a cycle in panels of products."""
TRANSPOSE: Final = 4
"""Cycles of a vector's transposition."""
SUM: Final = (4, 16)
"""Cycles in which a vector of sums is read and written, from the second-level cache or from beyond."""


def candidates(taps: tuple[int, int]) -> list[Algorithm]:
    """All whose tiles have two results or more along either axis."""
    found: list[Algorithm] = [Toom(taps, span) for span in TOOM_SPANS]
    found += [Fft(taps, span) for span in FFT_SPANS]
    return [a for a in found if min(a.tile) >= 2]


def counted(
    letters: Letters, sizes: dict[str, int], vector_bytes: int, blocks: int = BLOCKS
) -> dict[Algorithm | None, float]:
    """Cycles of each algorithm that the caches have room for, of one of so many blocks; None: direct sums."""
    rows, depth = sizes[letters.rows], sizes[letters.depth]
    lines, columns = (sizes[c] for c in letters.pixels)
    taps = (sizes[letters.taps[0]], sizes[letters.taps[1]])
    found: dict[Algorithm | None, float] = {None: letters.read * rows * depth / DIRECT / GAIN}
    for algorithm in candidates(taps):
        if algorithm.points * algorithm.parts * (rows + depth) * vector_bytes <= ROOM:
            tiles = -(-lines // algorithm.tile[0]) * -(-columns // algorithm.tile[1])
            weights = algorithm.transform_cycles * rows * depth / (vector_bytes // SCALAR) / blocks
            nbytes = algorithm.points * algorithm.parts**2 * rows * depth * SCALAR
            far = nbytes * (WRITTEN / blocks + READ) if nbytes > CACHE else 0.0
            found[algorithm] = algorithm.cycles(rows, depth, tiles) + weights + far
    return found


def choose(
    anchor: Node, letters: Letters, sizes: dict[str, int], vector_bytes: int, picks: Picks, blocks: int = BLOCKS
) -> Algorithm | None:
    """The cheapest, or the one that was picked; None for direct sums."""
    cycles = counted(letters, sizes, vector_bytes, blocks)
    names = {a.name if a else "direct sums": a for a in cycles}
    return names[_answer(anchor, "", letters, sizes, {name: cycles[a] for name, a in names.items()}, picks)]


def choose_gradient(
    anchor: Node, letters: Letters, sizes: dict[str, int], lanes: int, machine: Target, picks: Picks
) -> Shape | None:
    """The same for the gradient of the weights, a block of so many examples; and how its tiles are gone through."""
    vector = machine.lanes(anchor.type.dtype)
    direct = letters.read * sizes[letters.rows] * sizes[letters.depth] / DIRECT / GAIN
    shapes: dict[str, Shape | None] = {"direct sums": None}
    cycles = {"direct sums": direct}
    for algorithm in candidates((sizes[letters.taps[0]], sizes[letters.taps[1]])):
        if isinstance(algorithm, Toom):
            shape = shape_of(algorithm, letters, sizes, lanes * machine.vector_bytes // vector, vector)
            shapes[algorithm.name] = shape
            cycles[algorithm.name] = _gradient_cycles(shape, lanes, vector)
    return shapes[_answer(anchor, "gradient, ", letters, sizes, cycles, picks)]


def shape_of(algorithm: Toom, letters: Letters, sizes: dict[str, int], bytes_of_lanes: int, vector: int) -> Shape:
    """As many tiles at once as the second-level cache has room for beside the points' sums, two at least.

    Sums that come from beyond it come for eight tiles: that was measured to be worth the room that eight take.
    """
    down, across = (-(-sizes[c] // t) for c, t in zip(letters.pixels, algorithm.tile, strict=True))
    rows, depth = sizes[letters.rows], sizes[letters.depth]
    width = -(-depth // vector) * vector
    least = 8 if algorithm.points * rows * width * SCALAR > CACHE else 2
    most = max(least, TRANSFORMS // (algorithm.points * (rows + width) * bytes_of_lanes))
    batches = -(-down * across // most)
    return Shape(algorithm, rows, depth, width, across, down * across, -(-down * across // batches))


def _gradient_cycles(shape: Shape, lanes: int, vector: int) -> float:
    """Products, what brings them about, and the traffic of the sums between them."""
    points, vectors = shape.algorithm.points, shape.width // vector
    batches = -(-shape.tiles // shape.at_once)
    products = points * shape.rows * vectors * lanes * shape.tiles / PANELS
    transposes = points * shape.width * shape.tiles * TRANSPOSE
    transforms = shape.algorithm.transform_cycles * ((shape.rows + shape.depth) * shape.tiles + shape.rows * vectors)
    far = points * shape.rows * shape.width * SCALAR > CACHE
    return products + transposes + transforms + points * shape.rows * vectors * batches * SUM[far]


def _answer(
    anchor: Node, what: str, letters: Letters, sizes: dict[str, int], cycles: dict[str, float], picks: Picks
) -> str:
    """The answer to a question, which the anchor remembers."""
    taps, pixels = ("x".join(str(sizes[c]) for c in found) for found in (letters.taps, letters.pixels))
    channels = f"{sizes[letters.depth]} to {sizes[letters.rows]} channels"
    question = f"{what}{channels} of {pixels}, {taps} taps, {letters.read} read"
    picks.asked[anchor] = question
    return picks.cheapest(question, cycles)
