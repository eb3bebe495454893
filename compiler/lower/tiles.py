"""Loops that read an operand crosswise -> the same in tiles, each transposed in registers on its way.

    for i in 0 .. n (parallel):            for t in 0 .. tiles (parallel):
        for j in 0 .. m:                       transpose_panel: s[i, j] = x[i + n*j] of the tile
            v = x[i + n*j]            ->       for i in the tile:
            y[m*i + j] = v                         for j in the tile:
                                                       v = s[i, j]
                                                       y[m*i + j] = v

Such a loop reads a line of the cache for each element, and where rows lie a power of two apart their lines drive each
other out before they are read again. A tile's lines are read whole, once each, while they are near. A tile at the edge
is transposed from further back, where its operand's lines are; its points are gone through once all the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.size import Dim, evaluate, product
from graphad.compiler.loops.index import slope
from graphad.compiler.loops.ir import Call, For, Load, Put, Registers, Stmt, Together
from graphad.compiler.loops.straight import loads_of, renamed, within
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.target import target

FAR: Final = (1024, 512)
"""Bytes of a tile along its operand's memory and along its result's, where the second cache does not hold all: long
pieces of rows are fetched ahead, and pages stay known. 256^3 float32 turned round take 8.5 ms, with (512, 512)
11.1 ms, with (256, 256) 16.9 ms; 2048 x 2048 float64 3.2, 3.6 and 6.1 ms (Zen, AVX-512, one thread)."""
NEAR: Final = (256, 256)
"""Of smaller ones, whose tiles stay in the first cache: 300 x 300 float32 take 22 us, with FAR 31 us."""
SECOND: Final = 1 << 19  # bytes that the second cache holds
LANES: Final = 16  # rows and columns that are transposed in registers at once, at most
FEWEST: Final = 8  # points along either axis below which they are as soon read one by one
SMALL: Final = 1024  # points that take no longer than calls


@dataclass(frozen=True)
class Nest:
    """Loops one directly in the other, outermost first, and what the innermost does."""

    loops: tuple[For, ...]
    body: Sequence[Stmt]

    @property
    def inner(self) -> For:
        return self.loops[-1]


@dataclass(frozen=True)
class Crossing:
    """Loads that run along memory with the variable of ``outer``, and at a stride with the innermost one."""

    nest: Nest
    outer: For
    loads: Mapping[Load, Dim]


def tile_crosswise(context: Context, builder: Builder) -> None:
    """Every nest of the kernel that reads crosswise, in tiles."""
    body = list(builder.kernel.body)
    builder.kernel.body.clear()
    written = {builder.buffer(s) for s in builder.writes}
    for statement in body:
        found = _crossing(statement, written)
        if found is None:
            builder.emit(statement)
        else:
            _Tiles(context, builder, found).write()


def _crossing(statement: Stmt, written: set[str]) -> Crossing | None:
    nest = _nest(statement)
    if nest is None:
        return None
    total = product(loop.stop for loop in nest.loops)
    if not _worth(nest.inner.stop) or (isinstance(total, int) and total < SMALL):
        return None
    if not all(isinstance(loop.stop, int) for loop in nest.loops[1:]):
        return None
    found = [(load, *across) for load in loads_of(nest.body) if (across := _across(load, nest, written))]
    if not found:
        return None
    ((outer, _),) = Counter(outer.var for _, outer, _ in found).most_common(1)
    loop = next(x for x in nest.loops if x.var == outer)
    return Crossing(nest, loop, {load: stride for load, x, stride in found if x is loop})


def _nest(statement: Stmt) -> Nest | None:
    """Two loops or more, all from 0 on, around straight-line code."""
    loops: list[For] = []
    block: Sequence[Stmt] = [statement]
    while len(block) == 1 and isinstance(loop := block[0], For):
        if loop.start != 0 or loop.step != 1:
            return None
        loops.append(loop)
        block = loop.body
    if len(loops) < 2 or any(isinstance(s, For | Call | Together | Registers | Put) for s in within(block)):
        return None
    return Nest(tuple(loops), block)


def _worth(extent: Dim) -> bool:
    return isinstance(extent, int) and extent >= FEWEST


def _across(load: Load, nest: Nest, written: set[str]) -> tuple[For, Dim] | None:
    """The loop along which a load has neighbours in memory, and its stride in the innermost one."""
    stride = slope(load.index, nest.inner.var)
    if load.buffer in written or stride is None or stride in (0, 1, -1):
        return None
    along = [x for x in nest.loops[:-1] if _worth(x.stop) and slope(load.index, x.var) == 1]
    return (along[0], stride) if along else None


@dataclass(frozen=True)
class _Span:
    """A tile along one axis: its points, from ``low`` up to ``high``, and where what is transposed begins."""

    low: Dim
    high: Dim
    origin: Dim
    side: int
    extent: Dim


class _Tiles:
    """Writes the loops over tiles."""

    def __init__(self, context: Context, builder: Builder, found: Crossing) -> None:
        self.context, self.builder, self.found = context, builder, found
        loops, widest = (found.outer, found.nest.inner), max(4, *(ITEMSIZE[load.dtype] for load in found.loads))
        total = product(x.stop for x in found.nest.loops)
        sides = NEAR if isinstance(total, int) and total * widest <= SECOND else FAR
        self.sides = {x.var: _known(x.stop, side // widest) for x, side in zip(loops, sides, strict=True)}

    def write(self) -> None:
        """Tiles shared among threads, in the order of the loops."""
        builder, nest = self.builder, self.found.nest
        counts = [_count(x.stop, self.sides.get(x.var, 1)) for x in nest.loops]
        total = product(counts)
        with ExitStack() as stack:
            if total == 1:
                stack.enter_context(builder.once())
            number = stack.enter_context(builder.loop(total, "parallel", stem="tile"))
            places = builder.places(number, counts)
            spans: dict[str, _Span] = {}
            names: dict[str, Dim] = {}
            for loop, at in zip(nest.loops, places, strict=True):
                if loop.var in self.sides:
                    spans[loop.var] = self._span(loop, at)
                else:
                    names[loop.var] = at
            self._points(spans, names, self._transposed(spans, names))

    def _span(self, loop: For, place: Dim) -> _Span:
        side, extent, builder = self.sides[loop.var], loop.stop, self.builder
        low = place * side
        if isinstance(extent, int) and extent % side == 0:
            return _Span(low, low + side, low, side, extent)
        high = builder.least(low + side, extent, extent + 1)
        origin = builder.least(low, extent - side, extent)
        return _Span(low, high, origin, side, extent)

    def _transposed(self, spans: Mapping[str, _Span], names: Mapping[str, Dim]) -> dict[Load, str]:
        """The scratch memory that has each load's tile, along the innermost loop."""
        across, inner = spans[self.found.outer.var], spans[self.found.nest.inner.var]
        origin = {**names, self.found.outer.var: across.origin, self.found.nest.inner.var: inner.origin}
        found: dict[Load, str] = {}
        for load, stride in self.found.loads.items():
            storage = self.context.local(load.dtype, across.side * inner.side, per_part=True)
            found[load] = self.builder.buffer(storage, write=True)
            source = load.buffer, evaluate(load.index, origin)
            self._panels(found[load], source, stride, (across.side, inner.side), load.dtype)
        return found

    def _panels(self, scratch: str, source: tuple[str, Dim], stride: Dim, sides: tuple[int, int], dtype: str) -> None:
        """As many rows at a time as a register holds; the last ones overlap those before."""
        (buffer, start), (tall, wide), builder = source, sides, self.builder
        lanes = min(target(self.context.options.isa).lanes(dtype), LANES)
        while lanes > min(sides):
            lanes //= 2

        def panel(at: Dim) -> None:
            operands = (scratch, at), (buffer, start + at * stride)
            builder.emit(Call("transpose_panel", (*operands, tall, wide, stride, lanes)))

        with builder.loop(wide // lanes, stem="q") as q:
            panel(q * lanes)
        if wide % lanes:
            panel(wide - lanes)

    def _points(self, spans: Mapping[str, _Span], names: Mapping[str, Dim], scratch: Mapping[Load, str]) -> None:
        """The body, at each point of the tile."""
        across, inner, builder = spans[self.found.outer.var], spans[self.found.nest.inner.var], self.builder
        with (
            builder.between(across.low, across.high, across.extent) as i,
            builder.between(inner.low, inner.high, inner.extent, mark="vector") as j,
        ):
            at = {**names, self.found.outer.var: i, self.found.nest.inner.var: j}
            place = (i - across.origin) * inner.side + j - inner.origin

            def load(old: Load) -> Load:
                if old in scratch:
                    return Load(scratch[old], place, old.dtype)
                return Load(old.buffer, evaluate(old.index, at), old.dtype)

            for statement in renamed(self.found.nest.body, at, load):
                builder.emit(statement)


def _count(extent: Dim, side: int) -> Dim:
    return (extent + (side - 1)) // side


def _known(extent: Dim, most: int) -> int:
    assert isinstance(extent, int)
    return min(extent, most)
