"""A region of kernels, depth first: forward and backward of one block of examples before the next.

    for c in chunks (parallel):                       a fixed number, whatever the number of threads
        sums[c] = 0
        for block in the chunk's blocks:
            transpose the inputs' rows into lanes
            the inner kernels, one after the other: everything they hand on stays in the second-level cache
            the exits' part of this block, added to sums[c]
    for each exit: the sum over the chunks, and what follows from it (an optimiser's update)

Each kernel is the one for one example, put into lanes (``loops/in_lanes.py``).
"""

from collections.abc import Mapping
from typing import Final

from graphad.compiler.ir.graph import Graph, Kernel
from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.in_lanes import Layout
from graphad.compiler.loops.index import split
from graphad.compiler.loops.ir import Lit, Load, Prim
from graphad.compiler.lower.accumulate import behind
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.driver import CHUNKS, Driver
from graphad.compiler.lower.examples.gradients import Gradients
from graphad.compiler.lower.examples.kernels import Kernels
from graphad.compiler.lower.examples.one import one_example
from graphad.compiler.lower.examples.parts import Part
from graphad.compiler.lower.examples.single import Single
from graphad.compiler.lower.examples.stage import Stage, summed
from graphad.compiler.lower.examples.way import Lanes
from graphad.compiler.lower.maps import store_all
from graphad.compiler.lower.reduce import lower_in_scalars
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import target
from graphad.compiler.lower.title import title
from graphad.compiler.passes.kernels.examples import Region, batch_axis, epilogue
from graphad.compiler.passes.kernels.points import is_anchor

FEW: Final = 16
"""Elements of an example that are rather read where they lie than transposed."""


class RegionLowering:
    """Lowers one region to one launch, and a launch for each exit."""

    def __init__(self, context: Context, graph: Graph, region: Region, way: Lanes) -> None:
        self.outer, self.graph, self.region = context, graph, region
        self.kernels = (*region.inner, *region.exits)
        self.own = set(self.kernels)
        self.one = context.ones.setdefault(region.size, {})
        one_example([n for k in self.kernels for n in k.nodes], region.size, self.one)
        machine = target(context.options.isa)
        dtypes = [n.type.dtype for k in self.kernels for n in k.nodes if isinstance(n.kind, Contract)]
        most = machine.lanes("float32") // way.share
        self.lanes = min(machine.lanes(max(dtypes, key=dtypes.count)), most)
        one_block = way.one_block and self.lanes == most  # as many examples of float64 are two blocks
        self.stage = Stage(context, machine, self.lanes, one_block, Single if one_block else Driver, region.size)
        self.inner, self.layouts, self.driver = self.stage.inner, self.stage.layouts, self.stage.driver

    def run(self) -> tuple[list[Launch], list[Launch]]:
        """What goes through the batch, and what follows from its sums."""
        self._operands()
        kernels = Kernels(self.stage)
        exits = set(self.region.exits)
        parts: dict[Kernel, dict[Node, Storage]] = {}
        for kernel in self.region.order:
            if kernel in exits:
                parts[kernel] = self._exit_part(kernel)
            else:
                self._inner(kernels, kernel)
        sums = [parts[k] for k in self.region.exits]
        computed = [n for k in self.region.inner for n in k.nodes] + [n for k in self.region.exits for n in summed(k)]
        launches = self.driver.launches(tuple(computed), bool(sums))
        self._own_guards()
        ends = [self._combine(k, s) for k, s in zip(self.region.exits, sums, strict=True)]
        return [*self.stage.before, *launches], ends

    def _inner(self, kernels: Kernels, kernel: Kernel) -> None:
        """One inner kernel, and what it hands to others than the region's."""
        for node in kernel.stores:
            self.stage.keep(self.one[node], self.inner.local(node.type.dtype, self.one[node].type.size))
        stores = [(self.one[n], self.inner.stored[self.one[n]]) for n in kernel.stores]
        kernels.lower(kernel, [self.one[n] for n in kernel.nodes], stores)
        for node in kernel.stores:
            if self._leaves(node):
                self._hand_out(node)

    # -- what comes in and goes out ------------------------------------------------------------------------------------

    def _operands(self) -> None:
        """Where what others computed lies: examples in rows are transposed, unless they are few numbers."""
        made = {s for k in self.kernels for s in k.stores}
        seen: set[Node] = set()
        for kernel in self.kernels:
            for x in (o for n in kernel.nodes for o in n.operands):
                if x in seen or x in made or x not in self.outer.stored:
                    continue
                seen.add(x)
                storage, one = self.outer.stored[x], self.one[x]
                if batch_axis(x.type.shape, self.region.size) is None:
                    self.layouts[storage] = Layout("shared")
                    self.stage.keep(one, storage)
                    continue
                pitch = one.type.size
                assert isinstance(pitch, int)
                self.layouts[storage] = Layout("rows", pitch)
                self.stage.keep(one, storage)
                if pitch > FEW:
                    lanes = self.inner.local(x.type.dtype, pitch)
                    self.driver.add(self._pack(storage, lanes, pitch))
                    self.stage.keep(one, lanes)

    def _pack(self, rows: Storage, lanes: Storage, pitch: int) -> Part:
        builder = self.inner.builder("pack", ())[0]
        with builder.loop(pitch) as i:
            builder.store(lanes, i, Load(builder.buffer(rows), i, rows.dtype))
        return Part(builder.launch(()), whole=("pack", rows, lanes, pitch))

    def _leaves(self, node: Node) -> bool:
        return node in self.graph.leaving or not self.graph.readers.get(node, set()) <= self.own

    def _hand_out(self, node: Node) -> None:
        """A value that others read, in rows."""
        one = self.one[node]
        rows, lanes, pitch = self.outer.stored[node], self.inner.stored[one], one.type.size
        assert isinstance(pitch, int)
        self.layouts[rows] = Layout("rows", pitch)
        builder = self.inner.builder("unpack", ())[0]
        with builder.loop(pitch) as i:
            builder.store(rows, i, Load(builder.buffer(lanes), i, rows.dtype))
        self.driver.add(Part(builder.launch((node,)), whole=("unpack", rows, lanes, pitch)))

    def _own_guards(self) -> None:
        """Failures name nodes of the graph."""
        original = {self.one[n]: n for k in self.kernels for n in k.nodes}
        guards = self.outer.guards
        guards[:] = [original.get(g, g) for g in guards]

    def _exit_part(self, kernel: Kernel) -> dict[Node, Storage]:
        """The block's part of each sum over the batch; where the chunks' sums lie."""
        anchors = [n for n in kernel.nodes if is_anchor(n)]
        ones = [self.one[a] for a in anchors]
        nodes = behind([self.one[n] for n in kernel.nodes], ones)
        first = ones[0]
        if isinstance(first.kind, Contract):
            sums, self.outer.choices[anchors[0]] = Gradients(self.stage).lower(kernel, nodes, first)
            if first in self.inner.picks.asked:
                self.inner.picks.asked[anchors[0]] = self.inner.picks.asked[first]
            return {anchors[0]: sums}
        found = {anchor: self.stage.sums(anchor.type.dtype, anchor.type.size) for anchor in anchors}
        stores = [(self.one[a], found[a]) for a in anchors]
        self.stage.add(lower_in_scalars(self.inner, [*nodes, *ones], ones, stores), kernel, summed(kernel))
        return found

    def _combine(self, kernel: Kernel, sums: Mapping[Node, Storage]) -> Launch:
        """The sum over the chunks, in order, and the kernel's epilogue.

        Its size is an argument, so that one kernel serves all parameters of a rule.
        """
        within = set(summed(kernel))
        rest = epilogue(kernel, list(sums))
        builder, puller = self.outer.builder("combine", rest)
        shape = next(iter(sums)).type.shape
        chunks = builder.index(self.driver.chunks_of(next(iter(sums.values()))), CHUNKS + 1)
        arguments = {} if next(iter(sums)).type.size == 1 else {"n": next(iter(sums)).type.size}
        size: Dim = symbol("n") if arguments else 1
        builder.kernel.scalars += arguments
        with builder.loop(size, "parallel", stem="r") as r:
            index = split(r, shape, builder.extents)
            for anchor, storage in sums.items():
                place = self.driver.orders[storage](index) if storage in self.driver.orders else r
                pitch = self.layouts[storage].pitch if storage in self.driver.orders else size
                total = builder.let("acc", Lit(0, storage.dtype), mutable=True)
                with builder.loop(chunks, stem="c") as c:
                    more = Load(builder.buffer(storage), c * pitch + place, storage.dtype)
                    builder.assign(total, Prim("add", (total, more), storage.dtype))
                puller.substituted[anchor] = total
            stores = [(n, self.outer.stored[n]) for n in kernel.stores]
            store_all(builder, puller, stores, index)
        builder.kernel.parallel = size != 1
        builder.kernel.name = f"combine_{title(kernel)}"
        launch = builder.launch(tuple(n for n in rest if n not in within))
        launch.arguments = dict(arguments)
        return launch
