"""Which contractions are convolutions with stride 1, or gradients of their weights, and the letters of theirs."""

from collections.abc import Container
from dataclasses import dataclass, replace
from math import prod

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.make import viewed
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


def letters_of(x: Node, x_letters: str, w_letters: str, out: str, around: Container[str] = "") -> Letters | None:
    """The letters, where a contraction is a convolution along two axes with stride 1 of all channels.

    ``around``: letters of the result that loops around it go through.
    """
    windows = _windows(x, x_letters, set(out))
    if windows is None:
        return None
    (p, i, one), (q, j, two) = sorted(windows.axes, key=lambda w: out.index(w[0]))
    sizes = windows.sizes
    channels = [c for c in x_letters if c not in out and c not in (i, j)]
    depth = [c for c in channels if sizes[c] != 1] or channels[:1]
    others = [c for c in x_letters if c in out and c not in (p, q) and c not in around and sizes[c] != 1]
    rows = [c for c in w_letters if c in out]
    shared = any(c in w_letters for c in (p, q)) or any(c in x_letters for c in rows)
    if len(depth) != 1 or others or len(rows) != 1 or shared:
        return None
    return Letters(rows[0], depth[0], (p, q), (i, j), (one, two), windows.read)


def letters_of_gradient(x: Node, x_letters: str, d_letters: str, out: str) -> Letters | None:
    """The letters, where a contraction is the gradient of such a convolution's weights; ``d_letters``: cotangents'."""
    windows = _windows(x, x_letters, {c for c in d_letters if c not in out})
    if windows is None:
        return None
    (p, i, one), (q, j, two) = sorted(windows.axes, key=lambda w: out.index(w[1]))
    sizes = windows.sizes
    channels = [c for c in x_letters if c in out and c not in (i, j)]
    depth = [c for c in channels if sizes[c] != 1] or channels[:1]
    rows = [c for c in d_letters if c in out]
    summed = [c for c in x_letters if c not in out and c not in (p, q) and sizes[c] != 1]
    shared = any(c in d_letters for c in (i, j)) or any(c in x_letters for c in rows)
    if len(depth) != 1 or summed or len(rows) != 1 or shared:
        return None
    return Letters(rows[0], depth[0], (p, q), (i, j), (one, two), windows.read)


@dataclass(frozen=True)
class _Windows:
    """Pixel, tap and origin of either axis; the letters' sizes; and ``read`` as in ``Letters``."""

    axes: tuple[tuple[str, str, int], ...]
    sizes: dict[str, Dim]
    read: int


def _windows(x: Node, letters: str, pixels: Container[str]) -> _Windows | None:
    """What a view reads, where windows slide along two axes."""
    if not isinstance(x.kind, View) or not isinstance(x.kind.map, Affine) or x.kind.map.fill != 0:
        return None
    sizes = dict(zip(letters, x.type.shape, strict=True))
    pairs = zip(x.kind.map.axes, x.operands[0].type.shape, strict=True)
    axes = [(axis, extent) for axis, extent in pairs if len(axis.terms) == 2]
    found = [_window(axis, letters, pixels, sizes) for axis, _ in axes]
    if len(found) != 2 or not all(found):
        return None
    read = prod(_read(axis, x.type.shape, extent) for axis, extent in axes)
    return _Windows(tuple(w for w in found if w), sizes, read)


def _read(axis: AxisMap, shape: Shape, extent: Dim) -> int:
    """How many pairs of a pixel and a tap read one of the elements."""
    (a, s), (b, t) = axis.terms
    assert isinstance(axis.offset, int)
    places = (axis.offset + s * i + t * j for i in range(_number(shape[a])) for j in range(_number(shape[b])))
    return sum(0 <= place < _number(extent) for place in places)


def _number(d: Dim) -> int:
    assert isinstance(d, int)
    return d


def _window(axis: AxisMap, letters: str, every: Container[str], sizes: dict[str, Dim]) -> tuple[str, str, int] | None:
    """Pixel, tap, and the tap that reads the first element. ``every``: the letters of pixels."""
    steps = {letters[j]: c for j, c in axis.terms}
    pixels = [c for c in steps if c in every]
    taps = [c for c in steps if c not in every]
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


def covered(d: Node, letters: Letters, d_letters: str, tile: tuple[int, int]) -> Node:
    """Cotangents of as many lines and columns as tiles cover, zeros beyond those that there are."""
    shape = list(d.type.shape)
    axes = [AxisMap(terms=((i, 1),)) for i in range(len(shape))]
    for c, step in zip(letters.pixels, tile, strict=True):
        at = d_letters.index(c)
        size = _number(shape[at])
        shape[at] = -(-size // step) * step
        axes[at] = replace(axes[at], guarded=shape[at] != size)
    return viewed(d, Affine(tuple(shape), tuple(axes)), d.site)
