"""Which contractions are convolutions with stride 1, and the letters of theirs."""

from dataclasses import dataclass, replace
from math import prod

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape, TensorType
from graphad.compiler.ir.view import Affine, AxisMap


@dataclass(frozen=True)
class Letters:
    """Channels, lines and columns of the result with their taps.

    ``origins``: the tap that reads the first element of a window: the last one where taps go backwards.
    ``read``: how many pairs of a pixel and a tap, along both axes, read an element and not a margin.
    """

    rows: str
    depth: str
    pixels: tuple[str, str]
    taps: tuple[str, str]
    origins: tuple[int, int]
    read: int


def letters_of(x: Node, x_letters: str, w_letters: str, out: str) -> Letters | None:
    """The letters, where a contraction is a convolution along two axes with stride 1 of all channels."""
    if not isinstance(x.kind, View) or not isinstance(x.kind.map, Affine) or x.kind.map.fill != 0:
        return None
    sizes = dict(zip(x_letters, x.type.shape, strict=True))
    pairs = zip(x.kind.map.axes, x.operands[0].type.shape, strict=True)
    axes = [(axis, extent) for axis, extent in pairs if len(axis.terms) == 2]
    windows = [_window(axis, x_letters, out, sizes) for axis, _ in axes]
    if len(windows) != 2 or not all(windows):
        return None
    (p, i, one), (q, j, two) = sorted((w for w in windows if w), key=lambda w: out.index(w[0]))
    read = prod(_read(axis, x.type.shape, extent) for axis, extent in axes)
    channels = [c for c in x_letters if c not in out and c not in (i, j)]
    depth = [c for c in channels if sizes[c] != 1] or channels[:1]
    others = [c for c in x_letters if c in out and c not in (p, q) and sizes[c] != 1]
    rows = [c for c in w_letters if c in out]
    shared = any(c in w_letters for c in (p, q)) or any(c in x_letters for c in rows)
    if len(depth) != 1 or others or len(rows) != 1 or shared:
        return None
    return Letters(rows[0], depth[0], (p, q), (i, j), (one, two), read)


def _read(axis: AxisMap, shape: Shape, extent: Dim) -> int:
    """How many pairs of a pixel and a tap read one of the elements."""
    (a, s), (b, t) = axis.terms
    assert isinstance(axis.offset, int)
    places = (axis.offset + s * i + t * j for i in range(_number(shape[a])) for j in range(_number(shape[b])))
    return sum(0 <= place < _number(extent) for place in places)


def _number(d: Dim) -> int:
    assert isinstance(d, int)
    return d


def _window(axis: AxisMap, letters: str, out: str, sizes: dict[str, Dim]) -> tuple[str, str, int] | None:
    """Pixel, tap, and the tap that reads the first element."""
    steps = {letters[j]: c for j, c in axis.terms}
    pixels = [c for c in steps if c in out]
    taps = [c for c in steps if c not in out]
    if (
        axis.divisor != 1
        or not isinstance(axis.offset, int)
        or len(pixels) != 1
        or len(taps) != 1
        or steps[pixels[0]] != 1
    ):
        return None
    (pixel,), (tap,) = pixels, taps
    many = sizes[tap]
    if abs(steps[tap]) != 1 or not isinstance(sizes[pixel], int) or not isinstance(many, int):
        return None
    return pixel, tap, 0 if steps[tap] == 1 else many - 1


def whole_tiles(x: Node, letters: Letters, x_letters: str, tile: tuple[int, int]) -> Node:
    """The view with as many lines and columns as tiles cover, zeros where it reads nothing."""
    assert isinstance(x.kind, View)
    found = x.kind.map
    assert isinstance(found, Affine)
    shape = list(x.type.shape)
    for c, step in zip(letters.pixels, tile, strict=True):
        at = x_letters.index(c)
        size = shape[at]
        assert isinstance(size, int)
        shape[at] = -(-size // step) * step
    if tuple(shape) == x.type.shape:
        return x
    axes = tuple(replace(a, guarded=a.guarded or len(a.terms) == 2) for a in found.axes)
    kind = View(Affine(tuple(shape), axes, found.fill))
    return Node(x.op, kind, x.operands, TensorType(x.type.dtype, tuple(shape)), x.site)
