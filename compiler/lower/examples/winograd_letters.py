"""Which contractions Winograd's convolution takes, and the letters of theirs."""

from dataclasses import dataclass, replace
from typing import Final

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.view import Affine, AxisMap

TILE: Final = 4  # results of a tile, along each axis
TAPS: Final = 3
SPAN: Final = TILE + TAPS - 1
POINTS: Final = SPAN * SPAN
LEAST: Final = 12  # channels on either side, for the transforms to pay


@dataclass(frozen=True)
class Winograd:
    """The letters of a convolution that it takes: channels, lines and columns of the result with their taps.

    ``origins``: the tap that reads the first element of a window: the last one where taps go backwards.
    """

    rows: str
    depth: str
    pixels: tuple[str, str]
    taps: tuple[str, str]
    origins: tuple[int, int]


def winograd_letters(x: Node, x_letters: str, w_letters: str, out: str) -> Winograd | None:
    """The letters, where a contraction is a convolution by 3 x 3 taps with stride 1 of enough channels."""
    if not isinstance(x.kind, View) or not isinstance(x.kind.map, Affine) or x.kind.map.fill != 0:
        return None
    sizes = dict(zip(x_letters, x.type.shape, strict=True))
    windows = [_window(axis, x_letters, out, sizes) for axis in x.kind.map.axes if len(axis.terms) == 2]
    if len(windows) != 2 or not all(windows):
        return None
    (p, i, one), (q, j, two) = sorted((w for w in windows if w), key=lambda w: out.index(w[0]))
    channels = [c for c in x_letters if c not in out and c not in (i, j) and sizes[c] != 1]
    others = [c for c in x_letters if c in out and c not in (p, q) and sizes[c] != 1]
    rows = [c for c in w_letters if c in out]
    shared = any(c in w_letters for c in (p, q)) or any(c in x_letters for c in rows)
    if len(channels) != 1 or others or len(rows) != 1 or shared:
        return None
    return Winograd(rows[0], channels[0], (p, q), (i, j), (one, two))


def _window(axis: AxisMap, letters: str, out: str, sizes: dict[str, Dim]) -> tuple[str, str, int] | None:
    """Pixel, tap, and the tap that reads the first element."""
    steps = {letters[j]: c for j, c in axis.terms}
    pixels = [c for c in steps if c in out]
    taps = [c for c in steps if c not in out]
    if axis.divisor != 1 or len(pixels) != 1 or len(taps) != 1 or steps[pixels[0]] != 1 or sizes[taps[0]] != TAPS:
        return None
    (pixel,), (tap,) = pixels, taps
    size = sizes[pixel]
    if abs(steps[tap]) != 1 or not isinstance(size, int) or size < TILE:
        return None
    return pixel, tap, 0 if steps[tap] == 1 else TAPS - 1


def worth(letters: Winograd, sizes: dict[str, int]) -> bool:
    """Whether there are channels enough for the transforms to pay."""
    return min(sizes[letters.rows], sizes[letters.depth]) >= LEAST


def whole_tiles(x: Node, letters: Winograd, x_letters: str) -> Node:
    """The view with as many lines and columns as tiles cover, zeros where it reads nothing."""
    assert isinstance(x.kind, View)
    found = x.kind.map
    assert isinstance(found, Affine)
    shape = list(x.type.shape)
    for c in letters.pixels:
        at = x_letters.index(c)
        size = shape[at]
        assert isinstance(size, int)
        shape[at] = -(-size // TILE) * TILE
    if tuple(shape) == x.type.shape:
        return x
    axes = tuple(replace(a, guarded=a.guarded or len(a.terms) == 2) for a in found.axes)
    kind = View(Affine(tuple(shape), axes, found.fill))
    return Node(x.op, kind, x.operands, TensorType(x.type.dtype, tuple(shape)), x.site)
