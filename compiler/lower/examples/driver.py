"""The loop over blocks of examples that calls a region's kernels one after the other."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.emit import body_text
from graphad.compiler.loops.in_lanes import COUNT, FIRST, Layout, in_lanes
from graphad.compiler.loops.ir import At, Call, Expr, Kernel, Lit, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.scratch import Scratch
from graphad.compiler.lower.storage import Storage

CHUNKS: Final = 8
"""Parts of a sum over the batch; fixed, so that results do not depend on the threads."""


def blocks(size: str, lanes: int) -> Dim:
    """How many blocks of ``lanes`` examples there are."""
    return (symbol(size) + (lanes - 1)) // lanes


@dataclass(frozen=True)
class Block:
    """A block of examples: the first one's number, how many, its chunk, and the blocks of the chunk before it."""

    first: Dim
    count: Dim
    chunk: Dim = 0
    before: Dim = 0


class Step(ABC):
    """What is done for every block."""

    @property
    @abstractmethod
    def storages(self) -> Sequence[Storage]:
        """All that it touches."""

    @abstractmethod
    def write(self, driver: "Driver", block: Block) -> None:
        """The work on a block."""

    @abstractmethod
    def end(self, driver: "Driver", chunk: Dim) -> None:
        """What follows a chunk's last block."""

    @abstractmethod
    def alone(self, driver: "Single") -> list[Launch]:
        """The launches for the only block."""


@dataclass(frozen=True)
class Part(Step):
    """A kernel for one example. ``whole``: a transposition that does the same where all lanes have an example."""

    launch: Launch
    whole: "tuple[str, Storage, Storage, int] | None" = None

    @property
    def storages(self) -> Sequence[Storage]:
        return self.launch.storages

    def write(self, driver: "Driver", block: Block) -> None:
        with driver.unless_whole(self, block):
            driver.call(self.launch, block)

    def end(self, driver: "Driver", chunk: Dim) -> None:
        """Nothing."""

    def alone(self, driver: "Single") -> list[Launch]:
        """The part's launch; a transposition, on one thread, where all lanes have an example."""
        if self.whole is None or self.whole[3] < driver.lanes or self.whole[1].dtype == "bool":
            return [driver.shared(self.launch)]
        builder = driver.start("transpose", self.storages)
        count = builder.index(At(symbol(driver.size)), driver.lanes + 1)
        self.write(driver, Block(0, count))
        builder.kernel.parallel = False
        return [driver.finish()]


class Driver:
    """Collects a region's kernels, then writes the loop."""

    def __init__(self, context: Context, size: str, lanes: int, layouts: dict[Storage, Layout]) -> None:
        self.context, self.size, self.lanes, self.layouts = context, size, lanes, layouts
        self.parts: list[Step] = []
        self.scratch = Scratch()
        self.helpers: list[Kernel] = []
        self.chunks: dict[Storage, int] = {}
        """Of sums whose chunks are not those of the blocks, how many there are."""

    def add(self, part: Step) -> None:
        for storage in part.storages:
            if self.layouts[storage].kind == "lanes":
                self.scratch.touch(storage, len(self.parts))
        self.parts.append(part)

    def launches(self, nodes: tuple[Node, ...], sums: bool) -> list[Launch]:
        """One launch for all of it. ``sums``: chunks of blocks have sums of their own."""
        self.slabs = self.scratch.place(self.context)
        builder = self.context.builder("examples", ())[0]
        self.builder = builder
        count = blocks(self.size, self.lanes)
        if sums:
            chunks = builder.index(self.chunks_of(None), CHUNKS + 1)
            with builder.loop(chunks, "parallel", stem="c") as chunk:
                self._clear(chunk)
                low, high = (
                    builder.index(Prim("floordiv", (At(count * (chunk + i)), At(chunks)), "int64"), count + 1)
                    for i in (0, 1)
                )
                with builder.between(low, high, count, stem="b") as block:
                    self._block(block, chunk, block - low)
                for part in self.parts:
                    part.end(self, chunk)
        else:
            with builder.loop(count, "parallel", stem="b") as block:
                self._block(block, 0, 0)
        builder.kernel.helpers = tuple(self.helpers)
        builder.kernel.scheduled = True
        return [builder.launch(nodes)]

    def chunks_of(self, sums: Storage | None) -> Expr:
        """In how many chunks sums lie."""
        if sums in self.chunks:
            return At(self.chunks[sums])
        return Prim("min", (At(CHUNKS), At(blocks(self.size, self.lanes))), "int64")

    def _clear(self, chunk: Dim) -> None:
        for storage, layout in self.layouts.items():
            if layout.kind == "sums":
                with self.builder.loop(layout.pitch, "vector", stem="z") as z:
                    self.builder.store(storage, chunk * layout.pitch + z, Lit(0, storage.dtype))

    def _block(self, block: Dim, chunk: Dim, before: Dim) -> None:
        builder = self.builder
        first = block * self.lanes
        count = builder.index(Prim("min", (At(self.lanes), At(symbol(self.size) - first)), "int64"), self.lanes + 1)
        for part in self.parts:
            part.write(self, Block(first, count, chunk, before))

    @contextmanager
    def unless_whole(self, part: Part, block: Block) -> Iterator[None]:
        """The block where the part is not a transposition."""
        if part.whole is None or part.whole[3] < self.lanes or part.whole[1].dtype == "bool":
            yield
            return
        way, rows, lanes, pitch = part.whole
        builder = self.builder
        with builder.when(Prim("eq", (At(block.count), At(self.lanes)), "bool")):
            self._transpose(way, rows, lanes, pitch, block.first)
        with builder.when(Prim("lt", (At(block.count), At(self.lanes)), "bool")):
            yield

    def _transpose(self, way: str, rows: Storage, lanes: Storage, pitch: int, first: Dim) -> None:
        builder = self.builder
        slab, at = self.slabs[lanes]
        outside = builder.buffer(rows, write=way == "unpack")
        inside = builder.buffer(slab, write=True)
        if way == "pack":
            sizes: tuple[Dim, ...] = (pitch, self.lanes, pitch, self.lanes)
            builder.emit(Call("transpose_panel", ((inside, at), (outside, first * pitch), *sizes)))
            return
        sizes = (self.lanes, pitch, self.lanes, self.lanes)

        def copy(column: Dim) -> None:
            start = (outside, first * pitch + column)
            builder.emit(Call("transpose_panel", (start, (inside, column * self.lanes + at), *sizes)))

        with builder.between(0, pitch - self.lanes + 1, pitch, self.lanes, stem="i") as column:
            copy(column)
        if pitch % self.lanes:
            copy(pitch - self.lanes)

    def call(self, launch: Launch, block: Block, more: Mapping[str, Dim] | None = None) -> None:
        """The kernel in lanes, called with this block's places; ``more`` of its arguments."""
        layouts = {p.name: self.layouts[s] for p, s in zip(launch.kernel.buffers, launch.storages, strict=True)}
        given = {FIRST: block.first, COUNT: block.count, **(more or {})}
        self.call_as_is(replace(launch, kernel=in_lanes(launch.kernel, self.lanes, layouts)), block.chunk, given)

    def call_as_is(self, launch: Launch, chunk: Dim, given: Mapping[str, Dim] = MappingProxyType({})) -> None:
        """The kernel as a helper of this one."""
        helper = launch.kernel
        text = body_text(helper)
        sizes = [self.size] if re.search(rf"\b{self.size}\b", text) else []
        status = ["status"] if "fail(status" in text else []
        values = [given.get(s, launch.arguments.get(s, symbol(s))) for s in helper.scalars]
        name = f"e{self.context.helpers}_{helper.name}"
        self.context.helpers += 1
        helper = replace(helper, name=name, scalars=[*helper.scalars, *sizes, *status])
        self.helpers.append(helper)
        places = [self.place(s, s in launch.writes, chunk) for s in launch.storages]
        extra: list[tuple[str, Dim] | Dim] = [*(symbol(s) for s in sizes), *((s, 0) for s in status)]
        self.builder.emit(Call(helper.name, (*places, *values, *extra)))

    def place(self, storage: Storage, write: bool, chunk: Dim = 0) -> tuple[str, Dim]:
        """The buffer, and where in it the storage lies."""
        layout = self.layouts[storage]
        if layout.kind == "lanes":
            slab, at = self.slabs[storage]
            return self.builder.buffer(slab, write=True), at
        at_sum = chunk * layout.pitch if layout.kind in ("sums", "chunks") else 0
        return self.builder.buffer(storage, write=write), at_sum


class Single(Driver):
    """One block: a launch for each kernel, whose loops threads share."""

    def launches(self, nodes: tuple[Node, ...], sums: bool) -> list[Launch]:
        """All launches in order; the first clears the sums."""
        found = [self._cleared()] if sums else []
        for part in self.parts:
            found += part.alone(self)
        found[-1].nodes = nodes
        for launch in found[:-1]:
            launch.nodes, launch.note = (), "pack"
        return found

    def _cleared(self) -> Launch:
        self.builder = self.context.builder("clear", ())[0]
        self._clear(0)
        self.builder.kernel.parallel = False
        return self.builder.launch(())

    def start(self, stem: str, storages: Sequence[Storage]) -> Builder:
        """The builder of a kernel that calls others."""
        self.builder = self.context.builder(stem, ())[0]
        self.slabs = {s: (s, 0) for s in storages}
        self.helpers = []
        return self.builder

    def finish(self) -> Launch:
        """The kernel's launch."""
        self.builder.kernel.helpers = tuple(self.helpers)
        return self.builder.launch(())

    def shared(self, launch: Launch) -> Launch:
        """A launch of a kernel whose loops threads share."""
        layouts = {p.name: self.layouts[s] for p, s in zip(launch.kernel.buffers, launch.storages, strict=True)}
        kernel = in_lanes(launch.kernel, self.lanes, layouts, shared=True)
        arguments = {**launch.arguments, FIRST: 0, COUNT: symbol(self.size)}
        return replace(launch, kernel=kernel, arguments=arguments)
