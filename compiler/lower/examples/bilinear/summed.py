"""Products of transforms, point by point, summed over the blocks of a chunk: a step among a region's others."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.ir import At, Call
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.examples.bilinear.gradient import FIRST_TILE, TILES, Points, Shape
from graphad.compiler.lower.examples.driver import CHUNKS, Block, Driver, Step
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import Tile


@dataclass(frozen=True)
class PointSums(Step):
    """``into``: the transforms of both operands; ``back``: that of the sums, in a chunk's memory; ``tile`` of sums."""

    nodes: tuple[Node, ...]
    shape: Shape
    points: Points
    into: tuple[Launch, Launch]
    back: Launch
    tile: Tile

    @property
    def batches(self) -> int:
        """How often as many tiles as are there at once go by."""
        return -(-self.shape.tiles // self.shape.at_once)

    @property
    def chunks(self) -> int:
        """Parts of the sums of one block."""
        return min(CHUNKS, self.batches)

    @property
    def storages(self) -> Sequence[Storage]:
        launches = [s for launch in (*self.into, self.back) for s in launch.storages]
        return list(dict.fromkeys([*launches, self.points.panel]))

    def write(self, driver: Driver, block: Block) -> None:
        with driver.builder.loop(self.batches, stem="q") as t:
            self._batch(driver, block, t, block.before * self.batches + t)

    def end(self, driver: Driver, chunk: Dim) -> None:
        driver.call_as_is(self.back, chunk)

    def alone(self, driver: Driver) -> list[Launch]:
        """One launch; threads share the chunks of tiles."""
        builder = driver.start("points", self.storages)
        chunks, batches = self.chunks, self.batches
        count = builder.index(At(symbol(driver.size)), driver.lanes + 1)
        builder.kernel.parallel = chunks > 1
        driver.chunks[self.back.writes[0]] = chunks
        with builder.loop(chunks, "parallel", stem="c") as chunk:
            low, high = (driver.share(batches, chunk + i, chunks) for i in (0, 1))
            with builder.between(low, high, batches, stem="q") as t:
                self._batch(driver, Block(0, count, chunk), t, t - low)
            self.end(driver, chunk)
        return [driver.finish()]

    def _batch(self, driver: Driver, block: Block, t: Dim, before: Dim) -> None:
        """A few tiles: transformed, and their products added to the sums; the first of a chunk sets them."""
        shape, builder = self.shape, driver.builder
        first = t * shape.at_once
        many: Dim = shape.at_once
        if shape.tiles % shape.at_once:
            many = builder.least(many, shape.tiles - first, shape.at_once + 1)
        for launch in self.into:
            driver.call(launch, block, {FIRST_TILE: first, TILES: many})
        with builder.loop(shape.algorithm.points, stem="k") as p:
            self._transpose(driver, p, many)
            self._multiply(driver, p, many, before)

    def _transpose(self, driver: Driver, p: Dim, many: Dim) -> None:
        """The panel of one point: the input's channels, which are as long as they lie, in the lanes."""
        shape, lanes = self.shape, driver.lanes
        (v, v_at), (panel, at) = (driver.place(s, True) for s in (self.points.v, self.points.panel))
        start = p * (shape.pitch(shape.width) * lanes) + v_at
        row = shape.at_once * lanes
        for c in range(0, shape.width, lanes):
            numbers = (many * lanes, shape.width, row, lanes)
            driver.builder.emit(Call("transpose_panel", ((panel, at + c), (v, start + c * row), *numbers)))

    def _multiply(self, driver: Driver, p: Dim, many: Dim, before: Dim) -> None:
        shape, lanes = self.shape, driver.lanes
        (d, d_at), (panel, at) = (driver.place(s, True) for s in (self.points.d, self.points.panel))
        m, m_at = driver.place(self.points.m, True)
        height = -(-shape.rows // -(-shape.rows // self.tile.rows))
        sums = p * (shape.rows * shape.width) + m_at
        start = p * (shape.pitch(shape.rows) * lanes) + d_at
        for first, count, across in self.tile.panels(shape.width):
            for j in range(first, first + count * across, across):
                sizes = (
                    shape.rows,
                    across,
                    many * lanes,
                    shape.width,
                    shape.at_once * lanes,
                    1,
                    shape.width,
                    shape.width,
                )
                places = ((m, sums + j), (d, start), (panel, at + j), (m, sums + j))
                driver.builder.emit(Call("multiply_panel", (*places, *sizes, before, height, across, self.tile.narrow)))
