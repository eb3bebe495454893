"""Convolutions of few results, with the summed elements in the lanes of vectors.

    for p, for c, i, j:                                   pack: what result p reads, in the order of its weights
        t[p, c, i, j] = x[c, y + i, x + j]
    for l in lanes(16):
        for o by RT (shared among threads), for p by CT:
            acc = registers(RT, CT)
            for k by 16:
                acc[r, q] += w[o + r, k + l] * t[p + q, k + l]
            sums[r, p + q] = sum_lanes(acc[r, q])
        for r, for p by 16:
            out[o + r, p + l] = epilogue(sums[r, p + l])

Weights, which are all there is to read, are read once, in memory's order; no lane is idle however small the image.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from typing import Final, TypeAlias

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, product, symbol
from graphad.compiler.ir.view import Affine
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import At, Element, Expr, Lit, Load, Prefetch, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.operands import Operand, in_place
from graphad.compiler.lower.examples.tiles import choose, pieces, step_cost, tiles
from graphad.compiler.lower.few.finish import Finish, Sums
from graphad.compiler.lower.few.shared import tiles_of
from graphad.compiler.lower.letters import Plan, joint
from graphad.compiler.lower.maps import Stores
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import target

MOST: Final = 256
"""Results of a row: of more, lanes of results have next to none idle."""
FOLDED: Final = 6.0
"""Cycles of the sum over the lanes of a vector of 16, that of its neighbours beside it."""
AHEAD: Final = 4096
"""Elements by which weights are fetched ahead: rows are too short and too many for the machine to foresee them."""
PACKED: Final = 1.5
"""Cycles of an element copied by itself."""


@dataclass(frozen=True, eq=False)
class Depth:
    """A contraction that can be done so: summed letters in the order of the weights, and the letters of results."""

    found: Plan
    w: Operand
    row: str
    line: str
    column: str
    depth: str
    registers: int
    lanes: int

    @property
    def steps(self) -> int:
        """Elements summed."""
        return _count(self.found, self.depth)

    @property
    def rows(self) -> int:
        return _count(self.found, self.row)

    @property
    def pixels(self) -> int:
        """Results of a row."""
        return _count(self.found, self.line + self.column)

    @property
    def outer(self) -> list[str]:
        return [c for c in self.found.out if c not in (self.row, self.line, self.column)]

    @property
    def tile(self) -> tuple[int, int]:
        return choose(self.rows, self.pixels, self.registers)

    def cycles(self) -> float:
        """Of one example, by a count of multiply-adds, loads, sums over lanes, and elements packed."""
        r, c = self.tile
        vectors = -(-self.steps // self.lanes)
        sums = sum(
            p.count * q.count * p.size * q.size * (vectors * step_cost(p.size, q.size) + FOLDED)
            for p in pieces(self.rows, r)
            for q in pieces(self.pixels, c)
        )
        outer = prod(d for x in self.outer if isinstance(d := self.found.sizes[x], int))
        return outer * (sums + self.steps * self.pixels * PACKED)


def plan_depth(context: Context, found: Plan) -> Depth | None:
    """The schedule, where it is legal: the row operand's summed elements lie side by side, a vector of them or more."""
    if len(found.out) < 2 or 0 in found.sizes.values() or not found.node.type.dtype.startswith("float"):
        return None
    column, sizes = found.out[-1], found.sizes
    inside = [c for c in sizes if c not in found.out or c in found.rows or c == column]
    w = in_place(found.rows_operand, found.rows_letters, context)
    if w is None or column in found.rows_letters or any(isinstance(sizes[c], Size) for c in inside):
        return None
    if any(c not in found.rows_letters or not isinstance(w.found.strides[c], int) for c in found.depth):
        return None
    strides = {c: s for c, s in w.found.strides.items() if isinstance(s, int)}
    depth = "".join(sorted(found.depth, key=lambda c: (-strides[c], sizes[c] != 1)))
    machine = target(context.options.isa)
    lanes = machine.lanes(found.node.type.dtype)
    if _count(found, depth) < lanes or joint(depth, w.found.strides, sizes) != 1:
        return None
    line = found.out[-2] if found.out[-2] not in found.rows_letters else ""
    line = line if line and isinstance(sizes[line], int) else ""
    row = max(found.rows, key=lambda c: _count(found, c), default="")
    plan = Depth(found, w, row, line, column, depth, machine.vectors, lanes)
    return plan if plan.pixels <= MOST else None


def lower_depth(context: Context, nodes: Sequence[Node], anchor: Node, plan: Depth, stores: Stores) -> list[Launch]:
    """The contraction, behind the copy of what its results read."""
    found = plan.found
    outer = tuple(found.sizes[c] for c in plan.outer if c in found.columns_letters)
    packed = context.local(anchor.type.dtype, product(outer) * (plan.pixels * plan.steps))
    builder, puller = context.builder("pack", nodes)
    _Packing(builder, puller, plan, packed).write()
    first = builder.launch((anchor,), "pack")
    builder, puller = context.builder("contract", nodes)
    work = _Work(context, builder, Finish(builder, puller, anchor, stores, found.out, plan.lanes), plan, packed)
    with builder.together(LANE, plan.lanes):
        work.write()
    return [first, builder.launch(tuple(nodes))]


Reach: TypeAlias = tuple[Dim, tuple[tuple[str, int], ...], Dim]
"""An index along an axis, as an offset and letters with their steps, and the axis's extent."""


@dataclass(frozen=True, eq=False)
class _Packing:
    """What the results read: ``packed[outer, pixel, k]``, k in the order of the weights."""

    builder: Builder
    puller: Puller
    plan: Depth
    packed: Storage

    def write(self) -> None:
        """Loops over results and taps; the longest of the summed letters inside, shared among threads."""
        builder, plan, sizes = self.builder, self.plan, self.plan.found.sizes
        longest = max(plan.depth, key=lambda c: _count(plan.found, c))
        around = [*plan.outer, *plan.line, plan.column, *(c for c in plan.depth if c != longest)]
        builder.kernel.parallel = sizes[longest] != 1
        with ExitStack() as stack:
            here = [c for c in around if c in plan.found.columns_letters]
            at: dict[str, Dim] = {c: stack.enter_context(builder.loop(sizes[c], stem="i")) for c in here}
            asked = self._asked()
            if asked:
                self._each(longest, at, (), Lit(0, self.packed.dtype))
            outside = [a for a in asked if longest not in dict(a[1])]
            with builder.ensured((_at(found, at), extent) for *found, extent in outside):
                self._each(longest, at, [a for a in asked if a not in outside], None)

    def _each(self, letter: str, at: Mapping[str, Dim], asked: Sequence[Reach], value: Expr | None) -> None:
        """Every element along a letter, set where it is there; ``value``: instead of what the operand has."""
        builder, found = self.builder, self.plan.found
        with builder.loop(found.sizes[letter], "parallel", stem="k") as k:
            here = {**at, letter: k}
            with builder.ensured((_at(place, here), extent) for *place, extent in asked):
                own = value or self._value(here)
                builder.store(self.packed, self._place(here), own)

    def _asked(self) -> list[Reach]:
        """Along which axes of what is read there may be nothing; none where elements are asked for one by one."""
        view, letters = self._view(), self.plan.found.columns_letters
        if view is None:
            return []
        shape = self.plan.found.columns_operand.operands[0].type.shape
        axes = zip(view.axes, shape, strict=True)
        return [(a.offset, tuple((letters[j], c) for j, c in a.terms), d) for a, d in axes if a.guarded]

    def _view(self) -> Affine | None:
        kind = self.plan.found.columns_operand.kind
        if not isinstance(kind, View) or not isinstance(kind.map, Affine) or kind.map.fill != 0:
            return None
        return kind.map if all(a.divisor == 1 for a in kind.map.axes) else None

    def _value(self, at: Mapping[str, Dim]) -> Expr:
        operand, letters, view = self.plan.found.columns_operand, self.plan.found.columns_letters, self._view()
        if view is None:
            return self.puller.value(operand, tuple(at[c] for c in letters))
        terms = ((a.offset, [(letters[j], c) for j, c in a.terms]) for a in view.axes)
        return self.puller.value(operand.operands[0], tuple(_at(t, at) for t in terms))

    def _place(self, at: Mapping[str, Dim]) -> Dim:
        return packed_at(self.plan, at, flat([at[c] for c in self.plan.depth], self.plan.found.shape(self.plan.depth)))


def packed_at(plan: Depth, at: Mapping[str, Dim], k: Dim, pixel: Dim | None = None) -> Dim:
    """Where an element lies in the packed operand."""
    own, inner = [c for c in plan.outer if c in plan.found.columns_letters], plan.line + plan.column
    outer = flat([at[c] for c in own], plan.found.shape("".join(own))) if own else 0
    at_pixel = flat([at[c] for c in inner], plan.found.shape(inner)) if pixel is None else pixel
    return (outer * plan.pixels + at_pixel) * plan.steps + k


class _Work:
    """Products and sums."""

    def __init__(self, context: Context, builder: Builder, finish: Finish, plan: Depth, packed: Storage) -> None:
        self.context, self.builder, self.finish, self.plan, self.packed = context, builder, finish, plan, packed
        self.dtype = packed.dtype
        self.sums = context.local(self.dtype, plan.tile[0] * plan.pixels + plan.lanes, per_part=True)

    def write(self) -> None:
        """Rows outside, so that each weight is read once; then examples, then results."""
        builder, plan = self.builder, self.plan
        sizes, rows = plan.found.sizes, pieces(plan.rows, plan.tile[0])
        builder.kernel.parallel = tiles(rows) > 1
        for piece in rows:
            with ExitStack() as stack:
                first = stack.enter_context(tiles_of(builder, piece, plan.rows, "o", builder.kernel.parallel))
                at = {c: stack.enter_context(builder.loop(sizes[c], stem="i")) for c in plan.outer}
                for part in pieces(plan.pixels, plan.tile[1]):
                    with tiles_of(builder, part, plan.pixels, "q", False) as pixel:
                        self._tile(at, (first, piece.size), (pixel, part.size))
                width = _count(plan.found, plan.column)
                lines, pitches = plan.pixels // width, (plan.pixels, width)
                sums = Sums(self.sums, plan.row, first, piece.size, plan.line, lines, plan.column, width, pitches)
                self.finish.write(sums, at)

    def _tile(self, at: dict[str, Dim], rows: tuple[Dim, int], columns: tuple[Dim, int]) -> None:
        builder, plan = self.builder, self.plan
        many, (pixel, across) = rows[1], columns
        acc = builder.registers((many, across), Lit(0, self.dtype))
        whole, rest = divmod(plan.steps, plan.lanes)
        with builder.loop(whole, stem="k") as k:
            self._step(acc, at, rows, columns, k * plan.lanes, 0)
        if rest:
            self._step(acc, at, rows, columns, plan.steps - plan.lanes, plan.lanes - rest)
        for r in range(many):
            with builder.unrolled(0, across, across, "q") as q:
                total = Prim("sum_lanes", (Element(acc, (r, q), self.dtype),), self.dtype)
                builder.store(self.sums, r * plan.pixels + pixel + q, total)

    def _step(
        self, acc: str, at: dict[str, Dim], rows: tuple[Dim, int], columns: tuple[Dim, int], k: Dim, done: int
    ) -> None:
        """A vector of products for each sum; in the first ``done`` lanes there is nothing new."""
        builder, plan = self.builder, self.plan
        (row, many), (pixel, across) = rows, columns
        name, there = builder.buffer(self.packed), k + symbol(LANE)

        def read(buffer: str, place: Dim) -> Expr:
            value: Expr = Load(buffer, place, self.dtype)
            if done:
                new = Prim("ge", (At(symbol(LANE)), At(done)), "bool")
                value = Prim("select", (new, value, Lit(0, self.dtype)), self.dtype)
            return builder.let("v", value)

        values = [read(name, packed_at(plan, at, there, pixel + q)) for q in range(across)]
        weights = builder.buffer(self.context.stored[plan.w.found.stored])
        for r in range(many):
            place = plan.w.place({**at, plan.row: row + r} if plan.row else at) + k
            if not done:
                builder.emit(Prefetch(weights, place + AHEAD))
            weight = read(weights, place + symbol(LANE))
            for q, value in enumerate(values):
                builder.add_to(acc, (r, q), Prim("mul", (value, weight), self.dtype))


def _at(place: Sequence[object], at: Mapping[str, Dim]) -> Dim:
    """An index along an axis: an offset, and letters with their steps."""
    offset, terms = place
    found: Dim = offset  # type: ignore[assignment]
    for c, step in terms:  # type: ignore[attr-defined]
        found = found + step * at.get(c, 0)
    return found


def _count(found: Plan, letters: str) -> int:
    size = product(found.sizes[c] for c in letters)
    assert isinstance(size, int)
    return size
