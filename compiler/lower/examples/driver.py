"""The loop over blocks of examples that calls a region's kernels one after the other."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
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
    """What is done for every block. ``nodes``: of the graph, those that it computes."""

    nodes: tuple[Node, ...]

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
    def alone(self, driver: "Driver") -> list[Launch]:
        """The launches for the only block."""


class Driver:
    """Collects a region's kernels, then writes the loop."""

    def __init__(self, context: Context, size: str, lanes: int, layouts: dict[Storage, Layout]) -> None:
        self.context, self.size, self.lanes, self.layouts = context, size, lanes, layouts
        self.parts: list[Step] = []
        self.scratch = Scratch()
        self.helpers: list[Kernel] = []
        self.chunks: dict[Storage, int] = {}
        """Of sums whose chunks are not those of the blocks, how many there are."""
        self.orders: dict[Storage, Callable[[Sequence[Dim]], Dim]] = {}
        """Of sums that do not lie as their node does, where an element is."""

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
                self.clear(storage, chunk)

    def clear(self, sums: Storage, chunk: Dim) -> None:
        """A chunk's sums set to zero."""
        pitch = self.layouts[sums].pitch
        with self.builder.loop(pitch, "vector", stem="z") as z:
            self.builder.store(sums, chunk * pitch + z, Lit(0, sums.dtype))

    def share(self, total: int, part: Dim, parts: int) -> Dim:
        """Where a part of ``total`` begins."""
        return self.builder.index(Prim("floordiv", (At(part * total), At(parts)), "int64"), total + 1)

    def _block(self, block: Dim, chunk: Dim, before: Dim) -> None:
        builder = self.builder
        first = block * self.lanes
        count = builder.least(self.lanes, symbol(self.size) - first, self.lanes + 1)
        for part in self.parts:
            part.write(self, Block(first, count, chunk, before))

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

    # -- of one block --------------------------------------------------------------------------------------------------

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
