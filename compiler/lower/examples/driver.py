"""The loop over blocks of examples that calls a region's kernels one after the other."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.emit import body_text
from graphad.compiler.loops.in_lanes import COUNT, FIRST, Layout, in_lanes
from graphad.compiler.loops.ir import At, Call, Kernel, Lit, Prim
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.scratch import Scratch
from graphad.compiler.lower.storage import Storage

CHUNKS: Final = 8
"""Parts of a sum over the batch; fixed, so that results do not depend on the threads."""


def blocks(size: str, lanes: int) -> Dim:
    """How many blocks of ``lanes`` examples there are."""
    return (symbol(size) + (lanes - 1)) // lanes


@dataclass(frozen=True)
class Part:
    """A kernel for one example. ``whole``: a transposition that does the same where all lanes have an example."""

    launch: Launch
    whole: "tuple[str, Storage, Storage, int] | None" = None


class Driver:
    """Collects a region's kernels, then writes the loop."""

    def __init__(self, context: Context, size: str, lanes: int, layouts: dict[Storage, Layout]) -> None:
        self.context, self.size, self.lanes, self.layouts = context, size, lanes, layouts
        self.parts: list[Part] = []
        self.scratch = Scratch()

    def add(self, part: Part) -> None:
        for storage in part.launch.storages:
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
            limit = Prim("min", (At(CHUNKS), At(count)), "int64")
            chunks = builder.index(limit, CHUNKS + 1)
            with builder.loop(chunks, "parallel", stem="c") as chunk:
                self._clear(chunk)
                low, high = (
                    builder.index(Prim("floordiv", (At(count * (chunk + i)), At(chunks)), "int64"), count + 1)
                    for i in (0, 1)
                )
                with builder.between(low, high, count, stem="b") as block:
                    self._block(block, chunk)
        else:
            with builder.loop(count, "parallel", stem="b") as block:
                self._block(block, 0)
        builder.kernel.helpers = tuple(self.helpers.values())
        builder.kernel.scheduled = True
        return [builder.launch(nodes)]

    def _clear(self, chunk: Dim) -> None:
        for storage, layout in self.layouts.items():
            if layout.kind == "sums":
                with self.builder.loop(layout.pitch, "vector", stem="z") as z:
                    self.builder.store(storage, chunk * layout.pitch + z, Lit(0, storage.dtype))

    def _block(self, block: Dim, chunk: Dim) -> None:
        builder = self.builder
        first = block * self.lanes
        count = builder.index(Prim("min", (At(self.lanes), At(symbol(self.size) - first)), "int64"), self.lanes + 1)
        self.helpers: dict[int, Kernel] = {}
        for i, part in enumerate(self.parts):
            with self._unless_whole(part, first, count):
                self._call(i, part.launch, first, count, chunk)

    @contextmanager
    def _unless_whole(self, part: Part, first: Dim, count: Dim) -> Iterator[None]:
        if part.whole is None or part.whole[3] < self.lanes or part.whole[1].dtype == "bool":
            yield
            return
        way, rows, lanes, pitch = part.whole
        builder = self.builder
        with builder.when(Prim("eq", (At(count), At(self.lanes)), "bool")):
            self._transpose(way, rows, lanes, pitch, first)
        with builder.when(Prim("lt", (At(count), At(self.lanes)), "bool")):
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

    def _call(self, i: int, launch: Launch, first: Dim, count: Dim, chunk: Dim) -> None:
        """The kernel in lanes, as a helper, called with this block's places."""
        layouts = {p.name: self.layouts[s] for p, s in zip(launch.kernel.buffers, launch.storages, strict=True)}
        helper = in_lanes(launch.kernel, self.lanes, layouts)
        text = body_text(helper)
        sizes = [self.size] if re.search(rf"\b{self.size}\b", text) else []
        status = ["status"] if "fail(status" in text else []
        given = {FIRST: first, COUNT: count}
        values = [given.get(s, launch.arguments.get(s, symbol(s))) for s in helper.scalars]
        name = f"e{self.context.helpers}_{helper.name}"
        self.context.helpers += 1
        helper = replace(helper, name=name, scalars=[*helper.scalars, *sizes, *status])
        self.helpers[i] = helper
        places = [self._place(s, s in launch.writes, chunk) for s in launch.storages]
        extra: list[tuple[str, Dim] | Dim] = [*(symbol(s) for s in sizes), *((s, 0) for s in status)]
        self.builder.emit(Call(helper.name, (*places, *values, *extra)))

    def _place(self, storage: Storage, write: bool, chunk: Dim) -> tuple[str, Dim]:
        layout = self.layouts[storage]
        if layout.kind == "lanes":
            slab, at = self.slabs[storage]
            return self.builder.buffer(slab, write=True), at
        at_sum = chunk * layout.pitch if layout.kind == "sums" else 0
        return self.builder.buffer(storage, write=write), at_sum


class Single(Driver):
    """One block: a launch for each kernel, whose loops threads share."""

    def launches(self, nodes: tuple[Node, ...], sums: bool) -> list[Launch]:
        """All launches in order; the first clears the sums."""
        found = [self._cleared()] if sums else []
        for part in self.parts:
            found += self._whole_or_not(part)
        found[-1].nodes = nodes
        for launch in found[:-1]:
            launch.nodes, launch.note = (), "pack"
        return found

    def _cleared(self) -> Launch:
        self.builder = self.context.builder("clear", ())[0]
        self._clear(0)
        self.builder.kernel.parallel = False
        return self.builder.launch(())

    def _whole_or_not(self, part: Part) -> list[Launch]:
        """The part's launch; a transposition, on one thread, where all lanes have an example."""
        if part.whole is None or part.whole[3] < self.lanes or part.whole[1].dtype == "bool":
            return [self._shared(part.launch)]
        self.builder = builder = self.context.builder("transpose", ())[0]
        self.slabs = {s: (s, 0) for s in part.launch.storages}
        self.helpers = {}
        count = builder.index(At(symbol(self.size)), self.lanes + 1)
        with self._unless_whole(part, 0, count):
            self._call(0, part.launch, 0, count, 0)
        builder.kernel.helpers = tuple(self.helpers.values())
        builder.kernel.parallel = False
        return [builder.launch(())]

    def _shared(self, launch: Launch) -> Launch:
        layouts = {p.name: self.layouts[s] for p, s in zip(launch.kernel.buffers, launch.storages, strict=True)}
        kernel = in_lanes(launch.kernel, self.lanes, layouts, shared=True)
        arguments = {**launch.arguments, FIRST: 0, COUNT: symbol(self.size)}
        return replace(launch, kernel=kernel, arguments=arguments)
