"""Convolutions of few images by Winograd's algorithm: tiles of the image in the lanes of vectors.

    pad[n, c, ...] = the image with its margins
    u[p, o, c]  = transform of the weights                                          pairs of channels in lanes
    v[n, p, c, t] = transform of what tile t of channel c reads                     tiles of a line in lanes
    m[n, p, o, t] = sum over c of u[p, o, c] * v[n, p, c, t]                        products of matrices
    out[n, o, tile t] = transform of m[n, ., o, t] back, and the epilogue           tiles in lanes

Five launches. Results of neighbouring tiles are interleaved: passes that read every ``tile``-th element, as often as
there are digits to the base ``tile`` in a lane's number, put the columns of tiles side by side.
"""

from collections.abc import Sequence
from contextlib import ExitStack

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
from graphad.compiler.lower.examples.bilinear.weights import factors_of, transform_weights
from graphad.compiler.lower.examples.operands import in_place, padded
from graphad.compiler.lower.few.dense import Copy
from graphad.compiler.lower.few.finish import Finish, Sums
from graphad.compiler.lower.few.interleaved import Interleaved
from graphad.compiler.lower.few.pixels_plan import number_of
from graphad.compiler.lower.few.winograd_plan import Winograd
from graphad.compiler.lower.gemm import Gemm, Panel
from graphad.compiler.lower.maps import Stores


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
            c = stack.enter_context(builder.shared(self.depth, "k"))
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
        row, along = number_of(step[plan.letters.rows]), number_of(step[plan.letters.depth])
        builder.kernel.parallel = True
        with ExitStack() as stack:
            p = stack.enter_context(builder.shared(points, "k"))
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
        beside = Interleaved(context, builder, self.dtype, columns, self.lanes)
        finish = Finish(builder, puller, self.anchor, self.stores, plan.found.out, self.lanes)
        memory = Memory(lambda dtype, size: context.local(dtype, size, per_part=True), lambda place: place)
        builder.kernel.parallel = self.rows > 1
        with ExitStack() as stack:
            stack.enter_context(builder.together(LANE, self.lanes))
            o = stack.enter_context(builder.shared(self.rows, "o"))
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
