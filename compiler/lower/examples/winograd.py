"""Winograd's convolution F(4x4, 3x3) in a region: 36 products where direct sums take 144.

    for every four lines of the result:
        v[p, c, t] = (B^T d B)[p]          d: the 6 x 6 elements that tile t of channel c reads; p: one of 36 points
        m[p, o, t] = sum over c of u[p, o, c] * v[p, c, t]
        out[o, 4 x 4 of tile t] = A^T m[., o, t] A
    with u[., o, c] = G w[o, c] G^T once for all examples

Source: A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks" (2016), arXiv 1509.09308. Rounding
errors are some ten times those of direct sums. Everything is lane-wise: an example a lane, as elsewhere.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from graphad.compiler.ir.kinds import Contract, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.compiler.loops.ir import Element, Expr, Lit, Load, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.operands import Operand, extents
from graphad.compiler.lower.examples.products import Finish, along
from graphad.compiler.lower.examples.tiles import choose, pieces
from graphad.compiler.lower.storage import Storage

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


def transform_weights(
    builder: Builder, context: Context, w: Operand, letters: Winograd, sizes: dict[str, int], u: Storage
) -> None:
    """u[p, o, c] = (G w[o, c] G^T)[p], once for all examples."""
    rows, depth = sizes[letters.rows], sizes[letters.depth]
    with builder.loop(rows, "parallel") as o, builder.loop(depth) as c:
        at = {letters.rows: o, letters.depth: c}
        order = [range(TAPS)[:: -1 if origin else 1] for origin in letters.origins]
        taps = [
            [
                builder.let("v", w.load(context, builder, {**at, letters.taps[0]: i, letters.taps[1]: j}))
                for j in order[1]
            ]
            for i in order[0]
        ]
        across = [_named(builder, _weights(row)) for row in taps]
        for s in range(SPAN):
            for r, value in enumerate(_named(builder, _weights([across[i][s] for i in range(TAPS)]))):
                builder.store(u, ((r * SPAN + s) * rows + o) * depth + c, value)


def letter_sizes(anchor: Node) -> dict[str, int]:
    """Each letter's extent."""
    kind = anchor.kind
    assert isinstance(kind, Contract)
    return extents((kind.left, kind.right), [x.type.shape for x in anchor.operands])


def lower_winograd(
    context: Context,
    builder: Builder,
    anchor: Node,
    operands: tuple[Operand, Storage],
    letters: Winograd,
    finish: Finish,
    registers: int,
) -> str:
    """Every result, handed to ``finish``; what was done, in words. Operands: windows, and the weights' transform."""
    sizes = letter_sizes(anchor)
    lines, width = (sizes[c] for c in letters.pixels)
    tiles = -(-width // TILE)
    work = _Work(context, builder, anchor, *operands, letters, sizes, tiles)
    work.v = context.local(anchor.type.dtype, POINTS * work.apart(sizes[letters.depth]), per_part=True)
    work.m = context.local(anchor.type.dtype, POINTS * work.apart(sizes[letters.rows]), per_part=True)
    strips = -(-lines // TILE)
    builder.kernel.parallel = strips > 1
    with builder.loop(strips, "parallel", stem="i") as strip:
        work.transform(strip)
        work.multiply(registers)
        work.gather(strip, finish)
    return "Winograd F(4x4, 3x3), one example a lane"


@dataclass
class _Work:
    """One strip of four lines."""

    context: Context
    builder: Builder
    anchor: Node
    x: Operand
    u: Storage
    letters: Winograd
    sizes: dict[str, int]
    tiles: int
    v: Storage | None = None
    m: Storage | None = None

    def apart(self, channels: int) -> int:
        """Vectors from point to point: an odd number, or all 36 of a tile would compete for one set of the cache."""
        return channels * self.tiles | 1

    def transform(self, strip: Dim) -> None:
        """v from the lines that the strip reads."""
        builder, letters = self.builder, self.letters
        depth, dtype = self.sizes[letters.depth], self.anchor.type.dtype
        assert self.v is not None
        with builder.loop(depth, stem="k") as c, builder.loop(self.tiles, stem="i") as t:
            half = builder.registers((SPAN, SPAN), Lit(0, dtype))
            with builder.unrolled(0, SPAN, SPAN, "r") as r:
                first = {
                    letters.depth: c,
                    letters.pixels[0]: TILE * strip + r,
                    **dict(zip(letters.taps, letters.origins, strict=True)),
                }
                place = [{**first, letters.pixels[1]: TILE * t + j} for j in range(SPAN)]
                line = [builder.let("v", self.x.load(self.context, builder, at)) for at in place]
                for i, value in enumerate(_named(builder, _inputs(line))):
                    builder.put(half, (r, i), value)
            with builder.unrolled(0, SPAN, SPAN, "s") as s:
                column = [Element(half, (i, s), dtype) for i in range(SPAN)]
                for i, value in enumerate(_named(builder, _inputs(column))):
                    builder.store(self.v, (i * SPAN + s) * self.apart(depth) + c * self.tiles + t, value)

    def multiply(self, registers: int) -> None:
        """m, point by point."""
        builder, dtype = self.builder, self.anchor.type.dtype
        rows, depth = self.sizes[self.letters.rows], self.sizes[self.letters.depth]
        assert self.v is not None
        assert self.m is not None
        most = choose(rows, self.tiles, registers)
        with builder.loop(POINTS, stem="k") as p:
            for columns in pieces(self.tiles, most[1]):
                with along(builder, "t", columns, {"t": self.tiles}, "i") as t:
                    for block in pieces(rows, most[0]):
                        with along(builder, "o", block, {"o": rows}, "o") as o:
                            acc = builder.registers((block.size, columns.size), Lit(0, dtype))
                            with ExitStack() as stack:
                                c = stack.enter_context(builder.loop(depth, stem="k"))
                                q = stack.enter_context(builder.unrolled(0, columns.size, columns.size, "q"))
                                place = p * self.apart(depth) + c * self.tiles + t + q
                                value = builder.let("v", Load(builder.buffer(self.v), place, dtype))
                                r = stack.enter_context(builder.unrolled(0, block.size, block.size, "r"))
                                factor = Load(builder.buffer(self.u), (p * rows + o + r) * depth + c, dtype)
                                builder.add_to(acc, (r, q), Prim("mul", (value, factor), dtype))
                            with (
                                builder.unrolled(0, block.size, block.size, "r") as r,
                                builder.unrolled(0, columns.size, columns.size, "q") as q,
                            ):
                                builder.store(
                                    self.m,
                                    p * self.apart(rows) + (o + r) * self.tiles + t + q,
                                    Element(acc, (r, q), dtype),
                                )

    def gather(self, strip: Dim, finish: Finish) -> None:
        """The results of the strip from m."""
        builder, letters, dtype = self.builder, self.letters, self.anchor.type.dtype
        rows = self.sizes[letters.rows]
        lines, width = (self.sizes[c] for c in letters.pixels)
        assert self.m is not None
        m = builder.buffer(self.m)
        with builder.loop(rows, stem="o") as o, builder.loop(self.tiles, stem="i") as t:
            half = builder.registers((TILE, SPAN), Lit(0, dtype))
            with builder.unrolled(0, SPAN, SPAN, "s") as s:
                column = [
                    builder.let("v", Load(m, (r * SPAN + s) * self.apart(rows) + o * self.tiles + t, dtype))
                    for r in range(SPAN)
                ]
                for i, value in enumerate(_named(builder, _outputs(column))):
                    builder.put(half, (i, s), value)
            with builder.unrolled(0, TILE, TILE, "r") as r:
                line = [Element(half, (r, s), dtype) for s in range(SPAN)]
                for q, value in enumerate(_named(builder, _outputs(line))):
                    places = (TILE * strip + r, TILE * t + q)
                    with builder.ensured(zip(places, (lines, width), strict=True)):
                        finish({letters.rows: o, **dict(zip(letters.pixels, places, strict=True))}, value)


def _named(builder: Builder, values: Sequence[Expr]) -> list[Expr]:
    return [builder.let("v", v) for v in values]


def _inputs(d: Sequence[Expr]) -> list[Expr]:
    """B^T d, where rows 1 and 2, and 3 and 4, share their even and odd parts."""
    add, sub, scale = _arithmetic(d[0].dtype)
    even, odd = sub(d[4], scale(4, d[2])), sub(d[3], scale(4, d[1]))
    far, farther = sub(d[4], d[2]), scale(2, sub(d[3], d[1]))
    return [
        add(sub(scale(4, d[0]), scale(5, d[2])), d[4]),
        add(even, odd),
        sub(even, odd),
        add(far, farther),
        sub(far, farther),
        add(sub(scale(4, d[1]), scale(5, d[3])), d[5]),
    ]


def _weights(g: Sequence[Expr]) -> list[Expr]:
    """G g."""
    add, sub, scale = _arithmetic(g[0].dtype)
    ends, outer = add(g[0], g[2]), add(scale(1 / 24, g[0]), scale(1 / 6, g[2]))
    return [
        scale(1 / 4, g[0]),
        scale(-1 / 6, add(ends, g[1])),
        scale(-1 / 6, sub(ends, g[1])),
        add(outer, scale(1 / 12, g[1])),
        sub(outer, scale(1 / 12, g[1])),
        g[2],
    ]


def _outputs(m: Sequence[Expr]) -> list[Expr]:
    """A^T m."""
    add, sub, scale = _arithmetic(m[0].dtype)
    near, across, far, farther = add(m[1], m[2]), sub(m[1], m[2]), add(m[3], m[4]), sub(m[3], m[4])
    return [
        add(add(m[0], near), far),
        add(across, scale(2, farther)),
        add(near, scale(4, far)),
        add(add(across, scale(8, farther)), m[5]),
    ]


Two = Callable[[Expr, Expr], Expr]


def _arithmetic(dtype: str) -> tuple[Two, Two, Callable[[float, Expr], Expr]]:
    def add(a: Expr, b: Expr) -> Expr:
        return Prim("add", (a, b), dtype)

    def sub(a: Expr, b: Expr) -> Expr:
        return Prim("sub", (a, b), dtype)

    def scale(factor: float, a: Expr) -> Expr:
        return Prim("mul", (Lit(factor, dtype), a), dtype)

    return add, sub, scale
