"""A kernel of a region's, for one example."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.ir import At, Call, Prim
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.examples.driver import Block, Driver, Step
from graphad.compiler.lower.storage import Storage


@dataclass(frozen=True)
class Part(Step):
    """A kernel for one example. ``whole``: a transposition that does the same where all lanes have an example."""

    launch: Launch
    whole: "tuple[str, Storage, Storage, int] | None" = None
    nodes: tuple[Node, ...] = ()

    @property
    def storages(self) -> Sequence[Storage]:
        return self.launch.storages

    def write(self, driver: Driver, block: Block) -> None:
        with self._unless_whole(driver, block):
            driver.call(self.launch, block)

    def end(self, driver: Driver, chunk: Dim) -> None:
        """Nothing."""

    def alone(self, driver: Driver) -> list[Launch]:
        """The part's launch; a transposition, on one thread, where all lanes have an example."""
        if not self._transposes(driver):
            return [driver.shared(self.launch)]
        builder = driver.start("transpose", self.storages)
        count = builder.index(At(symbol(driver.size)), driver.lanes + 1)
        self.write(driver, Block(0, count))
        builder.kernel.parallel = False
        return [driver.finish()]

    @contextmanager
    def _unless_whole(self, driver: Driver, block: Block) -> Iterator[None]:
        """The block where the part is not a transposition."""
        if not self._transposes(driver):
            yield
            return
        with driver.builder.when(Prim("eq", (At(block.count), At(driver.lanes)), "bool")):
            self._transpose(driver, block.first)
        with driver.builder.when(Prim("lt", (At(block.count), At(driver.lanes)), "bool")):
            yield

    def _transposes(self, driver: Driver) -> bool:
        return self.whole is not None and self.whole[3] >= driver.lanes and self.whole[1].dtype != "bool"

    def _transpose(self, driver: Driver, first: Dim) -> None:
        """All lanes at once, between rows of examples and lanes."""
        assert self.whole is not None
        way, rows, lanes, pitch = self.whole
        builder, many = driver.builder, driver.lanes
        outside, _ = driver.place(rows, way == "unpack")
        inside, at = driver.place(lanes, True)
        if way == "pack":
            sizes: tuple[Dim, ...] = (pitch, many, pitch, many)
            builder.emit(Call("transpose_panel", ((inside, at), (outside, first * pitch), *sizes)))
            return
        sizes = (many, pitch, many, many)

        def copy(column: Dim) -> None:
            start = (outside, first * pitch + column)
            builder.emit(Call("transpose_panel", (start, (inside, column * many + at), *sizes)))

        with builder.between(0, pitch - many + 1, pitch, many, stem="i") as column:
            copy(column)
        if pitch % many:
            copy(pitch - many)
