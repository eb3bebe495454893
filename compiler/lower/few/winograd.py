"""Convolutions of few images by Winograd's algorithm: tiles of the image in the lanes of vectors.

    u[p, o, c]  = transform of the weights                                          pairs of channels in lanes
    v[n, p, c, t] = transform of what tile t of channel c reads                     tiles of a line in lanes
    m[n, p, o, t] = sum over c of u[p, o, c] * v[n, p, c, t]                        products of matrices
    out[n, o, tile t] = transform of m[n, ., o, t] back, and the epilogue           tiles in lanes

Four launches. Results of neighbouring tiles are interleaved: passes that read every ``tile``-th element, as often as
there are digits to the base ``tile`` in a lane's number, put the columns of tiles side by side.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.make import viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import VIEW
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.ir import Expr, Load
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.bilinear.algorithm import Memory
from graphad.compiler.lower.examples.bilinear.letters import Letters, letters_of
from graphad.compiler.lower.examples.bilinear.toom import CYCLES, Toom
from graphad.compiler.lower.examples.bilinear.weights import factors_of, transform_weights
from graphad.compiler.lower.examples.operands import Operand, in_place, padded
from graphad.compiler.lower.examples.tiles import choose, pieces, step_cost
from graphad.compiler.lower.few.dense import Copy
from graphad.compiler.lower.few.finish import Finish, Sums
from graphad.compiler.lower.few.shared import shared_loop
from graphad.compiler.lower.gemm import Gemm, Panel
from graphad.compiler.lower.letters import Plan
from graphad.compiler.lower.maps import Stores
from graphad.compiler.lower.storage import Storage
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
        return _number(self.found.sizes[letter])

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
    taps = (_number(found.sizes[letters.taps[0]]), _number(found.sizes[letters.taps[1]]))
    lanes = machine.lanes(found.node.type.dtype)
    algorithms = [Toom(taps, span) for span in CYCLES if span - max(taps) >= 1]
    return [Winograd(found, w, letters, a, machine, lanes) for a in algorithms]


def lower_winograd(
    context: Context, nodes: Sequence[Node], anchor: Node, plan: Winograd, stores: Stores
) -> list[Launch]:
    """The contraction with its epilogue."""
    return _Work(context, nodes, anchor, plan, stores).launches()


class _Work:
    """One convolution."""

    def __init__(self, context: Context, nodes: Sequence[Node], anchor: Node, plan: Winograd, stores: Stores) -> None:
        self.context, self.nodes, self.anchor, self.plan, self.stores = context, nodes, anchor, plan, stores
        self.dtype, self.lanes, self.algorithm = anchor.type.dtype, plan.lanes, plan.algorithm
        self.rows, self.depth = plan.size(plan.letters.rows), plan.size(plan.letters.depth)
        images: Dim = 1
        for c in plan.outer:
            images = images * plan.found.sizes[c]
        self.images = images
        self.factors = factors_of(
            plan.w, plan.algorithm, plan.letters, {c: plan.size(c) for c in (plan.letters.rows, plan.letters.depth)},
            plan.lanes,
        )  # fmt: skip

    def launches(self) -> list[Launch]:
        plan, local, points = self.plan, self.context.local, self.algorithm.points
        self.u = local(self.dtype, self.factors.size)
        self.v = local(self.dtype, self.images * (points * self._apart(self.depth)) + plan.lanes)
        self.m = local(self.dtype, self.images * (points * self._apart(self.rows)) + plan.lanes)
        builder, _ = self.context.builder("transform", ())
        transform_weights(builder, self.context, plan.w, self.factors, plan.letters, self.u)
        weights = builder.launch((self.anchor,), "pack")
        return [weights, *self._inputs(), self._products(), self._results()]

    def _apart(self, channels: int) -> int:
        """From point to point, an odd number of vectors: else those of a tile fall into one set of the cache."""
        return (channels * self.plan.pitch // self.lanes | 1) * self.lanes

    def _inputs(self) -> list[Launch]:
        """What tiles read, padded; and its transform."""
        plan, context = self.plan, self.context
        node = self._windows()
        copy, window = padded(node)
        lines = self.algorithm.tile[1] * self.lanes
        kind = copy.kind
        assert isinstance(kind, View)
        assert isinstance(kind.map, Affine)
        storage = context.local(self.dtype, copy.type.size + lines + self.algorithm.span)
        first = Copy(copy.operands[0], copy.type.shape, kind.map, copy).write(context, self.nodes, storage, self.lanes)
        inside = context.with_stored(copy, storage)
        x = in_place(viewed(copy, window), plan.found.columns_letters, inside)
        assert x is not None
        builder, _ = inside.builder("tiles", ())
        builder.kernel.parallel, builder.kernel.scheduled = self.depth > 1, True
        (line, column), (i, j) = plan.letters.pixels, plan.letters.taps
        down, across = plan.across
        memory = Memory(lambda dtype, size: context.local(dtype, size, per_part=True), lambda place: place)
        with ExitStack() as stack:
            stack.enter_context(builder.together(LANE, self.lanes))
            c = stack.enter_context(shared_loop(builder, self.depth, "k"))
            at, image = self._images(builder, stack)
            ty = stack.enter_context(builder.loop(down, stem="m"))
            tx = stack.enter_context(builder.loop(-(-across // self.lanes), stem="q")) * self.lanes

            def read(a: Dim, b: Dim) -> Expr:
                places = {line: ty, column: tx + symbol(LANE), i: a, j: b, plan.letters.depth: c}
                return x.load(inside, builder, {**at, **places})

            def write(p: Dim, _: Dim, value: Expr) -> None:
                place = (image * self.algorithm.points + p) * self._apart(self.depth) + c * plan.pitch
                builder.store(self.v, place + ty * across + tx + symbol(LANE), value)

            self.algorithm.of_input(builder, memory, self.dtype, read, write)
        return [first, builder.launch((), "pack")]

    def _windows(self) -> Node:
        """The operand as tiles read it: letters of lines and columns are tiles, those of taps elements of a tile."""
        plan, operand = self.plan, self.plan.found.columns_operand
        kind = operand.kind
        assert isinstance(kind, View)
        assert isinstance(kind.map, Affine)
        places = [plan.found.columns_letters.index(c) for c in (*plan.letters.pixels, *plan.letters.taps)]
        shape = list(operand.type.shape)
        for at, size in zip(places, (*plan.across, self.algorithm.span, self.algorithm.span), strict=True):
            shape[at] = size
        axes: list[AxisMap] = []
        for axis in kind.map.axes:
            terms = dict(axis.terms)
            for k in (0, 1):
                pixel, tap = places[k], places[k + 2]
                if pixel in terms:
                    offset = axis.offset + terms[tap] * plan.letters.origins[k]
                    moved = {pixel: self.algorithm.tile[k], tap: 1}
                    axes.append(AxisMap(offset, tuple(sorted(moved.items())), 1, True))
                    break
            else:
                axes.append(axis)
        view = View(Affine(tuple(shape), tuple(axes), kind.map.fill))
        return Node(VIEW, view, operand.operands, TensorType(operand.type.dtype, tuple(shape)), operand.site)

    def _images(self, builder: Builder, stack: ExitStack) -> tuple[dict[str, Dim], Dim]:
        """Loops over images; where they are, and the image's number."""
        at: dict[str, Dim] = {}
        image: Dim = 0
        for c in self.plan.outer:
            at[c] = stack.enter_context(builder.loop(self.plan.found.sizes[c], stem="i"))
            image = image * self.plan.found.sizes[c] + at[c]
        return at, image

    def _products(self) -> Launch:
        """Point by point."""
        plan, builder = self.plan, self.context.builder("points", ())[0]
        tile, points = plan.machine.tile(self.dtype), self.algorithm.points
        step = {
            self.factors.fast: 1,
            self.factors.slow: self.factors.pair({self.factors.slow: 1, self.factors.fast: 0}),
        }
        row, along = _number(step[plan.letters.rows]), _number(step[plan.letters.depth])
        builder.kernel.parallel = True
        with ExitStack() as stack:
            p = stack.enter_context(shared_loop(builder, points, "k"))
            _, image = self._images(builder, stack)
            start = self.factors.place(p, (0, 0), 0)
            c = Panel(self.m, (image * points + p) * self._apart(self.rows), plan.pitch, 1)
            b = Panel(self.v, (image * points + p) * self._apart(self.depth), plan.pitch, 1, plan.pitch)
            gemm = Gemm(builder, tile, c, b, self.rows, plan.tiles, most=self.rows)
            gemm.write(lambda k, _: Panel(self.u, start + k * along, row, along), self.depth)
        return builder.launch((), "products")

    def _results(self) -> Launch:
        """Tiles of results, side by side, and what follows."""
        plan, context = self.plan, self.context
        builder, puller = context.builder("contract", self.nodes)
        across, (lines, columns) = plan.across[1], self.algorithm.tile
        vectors = -(-plan.tiles // self.lanes)
        wide = vectors * self.lanes * columns
        sums = context.local(self.dtype, lines * wide, per_part=True)
        beside = _Interleaved(context, builder, self.dtype, columns, self.lanes)
        finish = Finish(builder, puller, self.anchor, self.stores, plan.found.out, self.lanes)
        memory = Memory(lambda dtype, size: context.local(dtype, size, per_part=True), lambda place: place)
        builder.kernel.parallel = self.rows > 1
        with ExitStack() as stack:
            stack.enter_context(builder.together(LANE, self.lanes))
            o = stack.enter_context(shared_loop(builder, self.rows, "o"))
            at, image = self._images(builder, stack)
            with builder.loop(vectors, stem="q") as q:

                def read(p: Dim, _: Dim) -> Expr:
                    place = (image * self.algorithm.points + p) * self._apart(self.rows) + o * plan.pitch
                    return Load(builder.buffer(self.m), place + q * self.lanes + symbol(LANE), self.dtype)

                line: list[Expr] = []

                def write(i: Dim, j: Dim, value: Expr) -> None:
                    line.append(value)
                    if len(line) == columns:
                        beside.write(line, sums, i * wide + q * (self.lanes * columns))
                        line.clear()

                self.algorithm.of_output(builder, memory, self.dtype, read, write)
            (y, x), here = plan.letters.pixels, {**at, plan.letters.rows: o}
            for i in range(lines):
                with builder.loop(-(-(plan.size(y) - i) // lines), stem="m") as ty:
                    own = Sums(sums, "", 0, 1, "", 1, x, plan.size(x), (0, 0), i * wide + ty * (across * columns))
                    finish.write(own, {**here, y: ty * lines + i})
        return builder.launch(tuple(self.nodes))


@dataclass(frozen=True, eq=False)
class _Interleaved:
    """Writes vectors side by side: element l of the first, of the second ..., then element l + 1 of each."""

    context: Context
    builder: Builder
    dtype: str
    count: int
    lanes: int

    def write(self, vectors: Sequence[Expr], to: Storage, start: Dim) -> None:
        """Passes that read every ``count``-th element move the last digit of a place to the front."""
        builder, passes, left = self.builder, 0, self.lanes
        while left % self.count == 0:
            left, passes = left // self.count, passes + 1
        if left != 1:
            for k, value in enumerate(vectors):
                builder.store(to, start + symbol(LANE) * self.count + k, value)
            return
        for _ in range(passes):
            between = self.context.local(self.dtype, self.count * self.lanes, per_part=True)
            for k, value in enumerate(vectors):
                builder.store(between, k * self.lanes + symbol(LANE), value)
            name = builder.buffer(between)
            places = (symbol(LANE) * self.count + k for k in range(self.count))
            vectors = [builder.let("v", Load(name, place, self.dtype)) for place in places]
        for k, value in enumerate(vectors):
            builder.store(to, start + k * self.lanes + symbol(LANE), value)


def _number(size: Dim) -> int:
    assert isinstance(size, int)
    return size
