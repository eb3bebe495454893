"""Weights' gradients with channels in the lanes: a step among a region's others.

    for every few lines of pixels:
        t[pixel, example, o] = d[o, pixel, example]             transposed, a panel of channels side by side
        for c, and tiles of taps i, j:
            acc = registers(taps)
            for y, x, example:
                acc[i, j] += t[y, x, example, o by lanes] * x[c, y + i, x + j, example]
            sums[c, i, j, o by lanes] += acc[i, j]

The examples, which elsewhere are in the lanes, are what is summed over: here their lanes need no sums of their own, and
a step reads one vector, and for each tap one number that lies beside those of the steps before and after.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.in_lanes import COUNT, LANE
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import At, Call, Element, Expr, Lit, Load, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.examples.channels.plan import Plan, parts, stride
from graphad.compiler.lower.examples.driver import CHUNKS, Block, Driver, Step
from graphad.compiler.lower.examples.operands import Bound
from graphad.compiler.lower.examples.trim import trimmed
from graphad.compiler.lower.storage import Storage

LOW = "low"
HIGH = "high"


@dataclass(frozen=True)
class Sums:
    """Writes the kernel. ``source`` and ``numbers``: where the operands lie; ``panel``: the transposed one.

    ``block``: examples of a block, the vectors in which they lie side by side; ``bounds``: beyond them are zeros.
    """

    plan: Plan
    sizes: dict[str, int]
    source: Storage
    numbers: Storage
    panel: Storage
    sums: Storage
    block: int
    bounds: Sequence[Bound]

    @property
    def order(self) -> tuple[str, ...]:
        """The sums' letters as they lie, the lanes' last."""
        return (*self.plan.outer, *self.plan.letters, self.plan.lane)

    @property
    def extents(self) -> tuple[int, ...]:
        """Of the letters in that order, whole vectors of the last."""
        return (*(self.sizes[c] for c in self.order[:-1]), self.plan.width)

    def place(self, at: dict[str, Dim]) -> Dim:
        """Where a sum lies."""
        return flat([at[c] for c in self.order], self.extents)

    def kernel(self, builder: Builder) -> Launch:
        """The kernel of lines from LOW on up to HIGH."""
        plan = self.plan
        builder.kernel.scalars += [COUNT, LOW, HIGH]
        builder.extents |= {COUNT: self.block + 1, LOW: self.sizes[plan.depth[0]], HIGH: self.sizes[plan.depth[0]] + 1}
        for tile in product(*parts(plan, self.sizes)):
            with ExitStack() as stack:
                at: dict[str, Dim] = {}
                for c in plan.outer:
                    at[c] = stack.enter_context(builder.loop(self.sizes[c], stem="o"))
                first: list[Dim] = []
                for piece in tile:
                    step = stack.enter_context(builder.loop(piece.count, stem="o"))
                    first.append(piece.start + piece.size * step)
                stack.enter_context(builder.together(LANE, plan.lanes))
                self._tile(builder, at, first, tuple(piece.size for piece in tile))
        return builder.launch(())

    def _tile(self, builder: Builder, outer: dict[str, Dim], first: Sequence[Dim], counts: tuple[int, ...]) -> None:
        """A tile's sums over some lines, then added to those of the chunk."""
        plan, dtype = self.plan, self.sums.dtype
        acc = builder.registers(counts, Lit(0, dtype))
        known = {c: (d, d) for c, d in outer.items()}
        known |= {c: (f, f + (n - 1)) for c, f, n in zip(plan.letters, first[1:], counts[1:], strict=True)}
        with ExitStack() as stack:
            at = dict(outer)
            for c in plan.depth:
                within = (symbol(LOW), symbol(HIGH)) if c == plan.depth[0] else (0, self.sizes[c])
                at[c] = stack.enter_context(trimmed(builder, c, within, self.sizes[c], self.bounds, known))
            example = stack.enter_context(builder.between(0, symbol(COUNT), self.block, stem="e"))
            place = self._places(builder, stack, counts)
            value = Prim("mul", self._operands(builder, self._at(at, first, place), example), dtype)
            builder.add_to(acc, place, value)
        with ExitStack() as stack:
            place = self._places(builder, stack, counts)
            where = self.place(self._at(outer, first, place))
            old = Load(builder.buffer(self.sums, write=True), where, dtype)
            builder.store(self.sums, where, Prim("add", (old, Element(acc, place, dtype)), dtype))

    def _places(self, builder: Builder, stack: ExitStack, counts: tuple[int, ...]) -> tuple[Dim, ...]:
        """Loops over a tile; those of numbers outside: each is read once, while the vectors, which are fewer, stay."""
        plan = self.plan
        found: dict[int, Dim] = {}
        for i in sorted(range(len(counts)), key=lambda i: i == 0 or plan.letters[i - 1] in plan.vector.letters):
            found[i] = stack.enter_context(builder.unrolled(0, counts[i], counts[i], "u"))
        return tuple(found[i] for i in range(len(counts)))

    def _at(self, outer: dict[str, Dim], first: Sequence[Dim], place: Sequence[Dim]) -> dict[str, Dim]:
        """All letters of a sum, or of what is added to it."""
        plan = self.plan
        along = {c: f + u for c, f, u in zip(plan.letters, first[1:], place[1:], strict=True)}
        return {**outer, **along, plan.lane: (first[0] + place[0]) * plan.lanes + symbol(LANE)}

    def _operands(self, builder: Builder, at: dict[str, Dim], example: Dim) -> tuple[Expr, Expr]:
        """A vector of the panel, and a number for all lanes."""
        plan, dtype = self.plan, self.sums.dtype
        start = plan.vector.found.start + stride(plan.vector, plan.depth[0]) * symbol(LOW)
        rest = plan.vector.place({**at, plan.lane: 0}) - start
        vector = Load(builder.buffer(self.panel), (rest * self.block + example) * plan.width + at[plan.lane], dtype)
        number = plan.other.place(at) * self.block + example
        return vector, Load(builder.buffer(self.numbers), number, dtype)


@dataclass(frozen=True)
class ChannelSums(Step):
    """``launch``: the kernel, of some lines."""

    nodes: tuple[Node, ...]
    write_sums: Sums
    launch: Launch

    @property
    def storages(self) -> Sequence[Storage]:
        return list(dict.fromkeys([self.write_sums.source, *self.launch.storages]))

    @property
    def blocks(self) -> int:
        """How often lines are transposed."""
        plan = self.write_sums.plan
        return -(-self.write_sums.sizes[plan.depth[0]] // plan.lines)

    def write(self, driver: Driver, block: Block) -> None:
        with driver.builder.loop(self.blocks, stem="q") as q:
            self._lines(driver, block, q)

    def end(self, driver: Driver, chunk: Dim) -> None:
        """Nothing."""

    def alone(self, driver: Driver) -> list[Launch]:
        """One launch; threads share the chunks of lines."""
        builder = driver.start("sums", self.storages)
        chunks, sums = min(CHUNKS, self.blocks), self.write_sums.sums
        driver.chunks[sums] = chunks
        count = builder.index(At(symbol(driver.size)), driver.lanes + 1)
        builder.kernel.parallel = chunks > 1
        with builder.loop(chunks, "parallel", stem="c") as chunk:
            driver.clear(sums, chunk)
            low, high = (driver.share(self.blocks, chunk + i, chunks) for i in (0, 1))
            with builder.between(low, high, self.blocks, stem="q") as q:
                self._lines(driver, Block(0, count, chunk), q)
        return [driver.finish()]

    def _lines(self, driver: Driver, block: Block, q: Dim) -> None:
        found, builder = self.write_sums, driver.builder
        plan, lines = found.plan, found.sizes[found.plan.depth[0]]
        low = q * plan.lines
        high: Dim = lines if self.blocks == 1 else low + plan.lines
        if lines % plan.lines:
            high = builder.least(high, lines, lines + 1)
        self._transpose(driver, low, high)
        driver.call_as_is(self.launch, block.chunk, {COUNT: block.count, LOW: low, HIGH: high})

    def _transpose(self, driver: Driver, low: Dim, high: Dim) -> None:
        """The panel of these lines: as many channels at once as a vector has lanes, the last ones twice."""
        found = self.write_sums
        plan, block, many = found.plan, found.block, found.sizes[found.plan.lane]
        (panel, at), (source, start) = (driver.place(s, True) for s in (found.panel, found.source))
        step = stride(plan.vector, plan.depth[0])
        rows = ((high - low - 1) * step + plan.reach(found.sizes)) * block
        begin = (plan.vector.found.start + step * low) * block + start
        for c, across in _columns(many, block):
            numbers = (rows, plan.width, plan.pitch * block, across)
            places = ((panel, at + c), (source, begin + c * plan.pitch * block))
            driver.builder.emit(Call("transpose_panel", (*places, *numbers)))


def _columns(many: int, most: int) -> list[tuple[int, int]]:
    """Channels in powers of two, where each begins: whole vectors, the last of which overlaps the one before.

    >>> _columns(40, 16), _columns(6, 16)
    ([(0, 16), (16, 16), (24, 16)], [(0, 4), (4, 2)])
    """
    if many >= most:
        whole = [(c, most) for c in range(0, many - most + 1, most)]
        return whole + ([(many - most, most)] if many % most else [])
    found, first = [], 0
    while first < many:
        across = 1 << ((many - first).bit_length() - 1)
        found.append((first, across))
        first += across
    return found
