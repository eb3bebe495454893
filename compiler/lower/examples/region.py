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

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from graphad.compiler.ir.graph import Graph, Kernel
from graphad.compiler.ir.kinds import Contract, Fold, Reduce, Scan
from graphad.compiler.ir.make import viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.in_lanes import Layout
from graphad.compiler.loops.index import split
from graphad.compiler.loops.ir import At, Expr, Lit, Load, Prim
from graphad.compiler.lower.accumulate import behind
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.adjoint import Adjoint, adjoint
from graphad.compiler.lower.examples.driver import CHUNKS, Driver, Part, Single, blocks
from graphad.compiler.lower.examples.one import one_example
from graphad.compiler.lower.examples.operands import Operand, in_place, padded, unmargined
from graphad.compiler.lower.examples.products import letters_to_keep, lower_product
from graphad.compiler.lower.examples.way import Lanes
from graphad.compiler.lower.examples.weights import lower_weights
from graphad.compiler.lower.examples.winograd import (
    POINTS,
    Winograd,
    letter_sizes,
    lower_winograd,
    transform_weights,
    whole_tiles,
    winograd_letters,
    worth,
)
from graphad.compiler.lower.folds import lower_fold
from graphad.compiler.lower.maps import Stores, lower_map, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.reduce import lower_in_scalars
from graphad.compiler.lower.scan import lower_scan
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import target
from graphad.compiler.passes.kernels.examples import Region, batch_axis
from graphad.compiler.passes.kernels.points import is_anchor

FEW: Final = 16
"""Elements of an example that are rather read where they lie than transposed."""


class RegionLowering:
    """Lowers one region to one launch, and a launch for each exit."""

    def __init__(self, context: Context, graph: Graph, region: Region, way: Lanes) -> None:
        self.outer, self.graph, self.region = context, graph, region
        self.kernels = (*region.inner, *region.exits)
        self.one = one_example([n for k in self.kernels for n in k.nodes], region.size)
        self.original = {new: old for old, new in self.one.items()}
        self.machine = target(context.options.isa)
        dtypes = [n.type.dtype for k in self.kernels for n in k.nodes if isinstance(n.kind, Contract)]
        self.lanes = self.machine.lanes(max(dtypes, key=dtypes.count)) // way.share
        self.layouts: dict[Storage, Layout] = {}
        self.inner = _Inside({}, context.options, context.guards, context.locals, context.choices, self)
        self.one_block = way.one_block
        make = Single if way.one_block else Driver
        self.driver = make(context, region.size, self.lanes, self.layouts)
        self.copies: dict[tuple[Node, object], Node] = {}
        self.before: list[Launch] = []

    def run(self) -> tuple[list[Launch], list[Launch]]:
        """What goes through the batch, and what follows from its sums."""
        self._operands()
        inside = {s for k in self.region.inner for s in k.stores}
        for kernel in self.region.inner:
            for node in kernel.stores:
                self.inner.stored[self.one[node]] = self.inner.local(node.type.dtype, self.one[node].type.size)
            self._inner_kernel(kernel)
            for node in kernel.stores:
                if self._leaves(node, inside):
                    self._hand_out(node)
        sums = [self._exit_part(k) for k in self.region.exits]
        computed = [n for k in self.region.inner for n in k.nodes] + [n for k in self.region.exits for n in summed(k)]
        launches = self.driver.launches(tuple(computed), bool(sums))
        self._own_guards()
        ends = [self._combine(k, s) for k, s in zip(self.region.exits, sums, strict=True)]
        return [*self.before, *launches], ends

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
                    self.inner.stored[one] = storage
                    continue
                pitch = one.type.size
                assert isinstance(pitch, int)
                self.layouts[storage] = Layout("rows", pitch)
                self.inner.stored[one] = storage
                if pitch > FEW:
                    lanes = self.inner.local(x.type.dtype, pitch)
                    self.driver.add(self._pack(storage, lanes, pitch))
                    self.inner.stored[one] = lanes

    def _pack(self, rows: Storage, lanes: Storage, pitch: int) -> Part:
        builder = self.inner.builder("pack", ())[0]
        with builder.loop(pitch) as i:
            builder.store(lanes, i, Load(builder.buffer(rows), i, rows.dtype))
        return Part(builder.launch(()), whole=("pack", rows, lanes, pitch))

    def _leaves(self, node: Node, inside: set[Node]) -> bool:
        kernels = set(self.kernels)
        readers = {k for k in self.graph.kernels or () if any(node in n.operands for n in k.nodes)}
        return node in self.graph.roots or not readers <= kernels

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
        guards = self.outer.guards
        guards[:] = [self.original.get(g, g) for g in guards]

    # -- kernels -------------------------------------------------------------------------------------------------------

    def _inner_kernel(self, kernel: Kernel) -> None:
        nodes = [self.one[n] for n in kernel.nodes]
        stores: Stores = [(self.one[n], self.inner.stored[self.one[n]]) for n in kernel.stores]
        anchors = [n for n in nodes if is_anchor(n)]
        if not anchors:
            builder, puller = self.inner.builder("map", nodes)
            self._add(lower_map(builder, puller, nodes, stores), kernel)
            return
        match anchors[0].kind:
            case Reduce():
                self._add(lower_in_scalars(self.inner, nodes, anchors, stores), kernel)
            case Scan():
                self._add(lower_scan(self.inner, nodes, anchors[0], stores), kernel)
            case Fold():
                self._add(lower_fold(self.inner, nodes, anchors[0], stores), kernel)
            case Contract() if len(anchors) == 1:
                self._product(kernel, nodes, anchors[0], stores)
            case Contract():
                self._folded(kernel, nodes, anchors, stores)
            case _:
                raise AssertionError(anchors[0].kind)

    def _folded(self, kernel: Kernel, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> None:
        product, fold = anchors
        found = adjoint(fold, product)
        if found is not None:
            self._product(kernel, nodes, found.anchor, stores, found, fold)
            return
        storage = self.inner.local(product.type.dtype, product.type.size)
        self.inner.stored[product] = storage
        self._product(kernel, nodes, product, [(product, storage)])
        rest = [n for n in nodes if n is not product]
        self._add(lower_fold(self.inner, rest, fold, stores), kernel)

    def _product(
        self,
        kernel: Kernel,
        nodes: Sequence[Node],
        anchor: Node,
        stores: Stores,
        back: Adjoint | None = None,
        fold: Node | None = None,
    ) -> None:
        kind = anchor.kind
        assert isinstance(kind, Contract)
        pairs = list(zip(anchor.operands, (kind.left, kind.right), strict=True))
        (x_node, x_letters), (w_node, w_letters) = pairs if self._in_lanes(pairs[0][0]) else reversed(pairs)
        builder, puller = self.inner.builder("contract", nodes)

        def finish(at: dict[str, Dim], value: Expr) -> None:
            every = {c: at.get(c, 0) for c in kind.out}
            if back is None or fold is None:
                puller.substituted[anchor] = value
                store_all(builder, puller, stores, tuple(every.values()))
                return
            self._place(builder, puller, back, fold, every, value, stores)

        w = self._operand(w_node, w_letters, nodes)
        quick = self._winograd(anchor, x_node, x_letters, w_letters, w)
        if quick is not None:
            letters, u = quick
            x = self._operand(whole_tiles(x_node, letters, x_letters), x_letters, nodes)
            how = lower_winograd(self.inner, builder, anchor, (x, u), letters, finish, self.machine.vectors)
        else:
            x = self._operand(x_node, x_letters, nodes, letters_to_keep(anchor, x_letters, w_letters))
            how = lower_product(self.inner, builder, anchor, x, w, finish, self.machine.vectors)
        for n in kernel.nodes:
            if isinstance(n.kind, Contract):
                self.outer.choices[n] = how
        self._add(builder.launch(tuple(nodes)), kernel)

    def _winograd(
        self, anchor: Node, x: Node, x_letters: str, w_letters: str, w: Operand
    ) -> "tuple[Winograd, Storage] | None":
        """The letters and the transformed weights, where that pays; they are transformed once for all examples."""
        kind = anchor.kind
        assert isinstance(kind, Contract)
        letters = winograd_letters(x, x_letters, w_letters, kind.out)
        fixed = self.layouts[self.inner.stored[w.found.stored]].kind == "shared"
        sizes = letter_sizes(anchor)
        if letters is None or not fixed or not worth(letters, sizes) or self.outer.options.precision == "strict":
            return None
        u = self.outer.local(anchor.type.dtype, POINTS * sizes[letters.rows] * sizes[letters.depth])
        self.layouts[u] = Layout("shared")
        builder, _ = self.outer.builder("winograd", ())
        context = replace(self.outer, stored=self.inner.stored)
        transform_weights(builder, context, w, letters, sizes, u)
        self.before.append(builder.launch((), "pack"))
        return letters, u

    def _place(
        self,
        builder: Builder,
        puller: Puller,
        back: Adjoint,
        fold: Node,
        at: dict[str, Dim],
        value: Expr,
        stores: Stores,
    ) -> None:
        """A result of the adjoint, where it belongs in the fold's; phases may reach beyond."""
        index = tuple(axis.place(at) for axis in back.axes)
        puller.substituted[fold] = value
        phased = [(i, d) for axis, i, d in zip(back.axes, index, fold.type.shape, strict=True) if axis.phase]
        with builder.ensured(phased):
            store_all(builder, puller, stores, index)

    def _in_lanes(self, node: Node) -> bool:
        return any(self._varies(x) for x in self._leaves_of(node))

    def _operand(self, node: Node, letters: str, nodes: Sequence[Node], kept: Sequence[str] = ()) -> Operand:
        """Where it lies, else a copy: with margins, for a window; of what is computed nowhere else.

        ``kept``: letters whose loops keep to what there is, so that it needs no margins.
        """
        found = in_place(node, letters, self.inner)
        if found is not None:
            return found
        bare = unmargined(node, letters, kept)
        if bare is not None and (found := in_place(bare[0], letters, self.inner)) is not None:
            return replace(found, bounds=bare[1])
        copy, window = padded(node)
        key = (copy.operands[0], copy.kind)
        if key not in self.copies:
            self.copies[key] = copy
            self._copy(copy, nodes)
        found = in_place(viewed(self.copies[key], window, node.site), letters, self.inner)
        assert found is not None
        return found

    def _copy(self, node: Node, nodes: Sequence[Node]) -> None:
        """Stores a node of its own: in lanes, or once for all examples."""
        varies = self._in_lanes(node)
        context = self.inner if varies else self.outer
        size = node.type.size
        storage = context.local(node.type.dtype, size)
        inside = [*nodes, node]
        if varies:
            builder, puller = self.inner.builder("pad", inside)
            self.inner.stored[node] = storage
            self._add(lower_map(builder, puller, [node], [(node, storage)]), None)
            return
        self.layouts[storage] = Layout("shared")
        self.inner.stored[node] = storage
        builder, _ = self.outer.builder("pack", inside)
        puller = Puller(builder, self.inner.stored, self.outer.guards, frozenset(inside))
        launch = lower_map(builder, puller, [node], [(node, storage)])
        launch.note = "pack"
        self.before.append(launch)

    def _leaves_of(self, node: Node) -> list[Node]:
        """The stored values that a node is computed from."""
        found: list[Node] = []
        stack = [node]
        while stack:
            x = stack.pop()
            if x in self.inner.stored:
                found.append(x)
            else:
                stack.extend(x.operands)
        return found

    def _varies(self, stored: Node) -> bool:
        return self.layouts[self.inner.stored[stored]].kind != "shared"

    def _exit_part(self, kernel: Kernel) -> dict[Node, Storage]:
        """The block's part of each sum over the batch; where the chunks' sums lie."""
        anchors = [n for n in kernel.nodes if is_anchor(n)]
        ones = [self.one[a] for a in anchors]
        nodes = behind([self.one[n] for n in kernel.nodes], ones)
        found: dict[Node, Storage] = {}
        for anchor in anchors:
            size = anchor.type.size
            found[anchor] = self.outer.local(anchor.type.dtype, CHUNKS * size)
            self.layouts[found[anchor]] = Layout("sums", size)
        first = ones[0]
        if isinstance(first.kind, Contract):
            kind = first.kind
            operands = [
                self._operand(x, c, nodes) for x, c in zip(first.operands, (kind.left, kind.right), strict=True)
            ]
            builder = self.inner.builder("weights", nodes)[0]
            how = lower_weights(self.inner, builder, first, (operands[0], operands[1]), found[anchors[0]], self.machine)
            self.outer.choices[anchors[0]] = how
            self._add(builder.launch(tuple(nodes)), kernel)
        else:
            stores = [(self.one[a], found[a]) for a in anchors]
            self._add(lower_in_scalars(self.inner, [*nodes, *ones], ones, stores), kernel)
        return found

    def _combine(self, kernel: Kernel, sums: Mapping[Node, Storage]) -> Launch:
        """The sum over the chunks, in order, and the kernel's epilogue."""
        within = set(summed(kernel))
        rest = [n for n in kernel.nodes if n not in within]
        builder, puller = self.outer.builder("combine", rest)
        shape = next(iter(sums)).type.shape
        chunks = builder.index(Prim("min", (At(CHUNKS), At(blocks(self.region.size, self.lanes))), "int64"), CHUNKS + 1)
        size = next(iter(sums)).type.size
        with builder.loop(size, "parallel", stem="r") as r:
            for anchor, storage in sums.items():
                total = builder.let("acc", Lit(0, storage.dtype), mutable=True)
                with builder.loop(chunks, stem="c") as c:
                    more = Load(builder.buffer(storage), c * size + r, storage.dtype)
                    builder.assign(total, Prim("add", (total, more), storage.dtype))
                puller.substituted[anchor] = total
            index = split(r, shape, builder.extents)
            stores = [(n, self.outer.stored[n]) for n in kernel.stores]
            store_all(builder, puller, stores, index)
        builder.kernel.parallel = size != 1
        builder.kernel.name = f"combine_{_title(kernel)}"
        return builder.launch(tuple(rest))

    def _add(self, launch: Launch, kernel: Kernel | None) -> None:
        if kernel is not None:
            launch.kernel.name += f"_{_title(kernel)}"
        self.driver.add(Part(launch))


class _Inside(Context):
    """Lowers kernels for one example: memory of theirs holds a block's examples in lanes."""

    def __init__(self, stored, options, guards, locals_, choices, region) -> None:  # type: ignore[no-untyped-def]
        super().__init__(stored, options, guards, locals_, choices)
        self.stored: dict[Node, Storage] = stored
        self.region = region

    def local(self, dtype: str, size: Dim, per_part: bool = False) -> Storage:
        many = size * self.region.lanes
        if self.region.one_block:
            storage = self.region.outer.local(dtype, many, per_part)
        else:
            storage = Storage("local", len(self.region.layouts), dtype, many, per_part=True)
        self.region.layouts[storage] = Layout("lanes")
        return storage


def summed(kernel: Kernel) -> list[Node]:
    """What an exit computes for every example: the sums and what is behind them."""
    anchors = [n for n in kernel.nodes if is_anchor(n)]
    return [*behind(kernel.nodes, anchors), *anchors]


def _title(kernel: Kernel) -> str:
    anchors = [n for n in kernel.nodes if is_anchor(n)]
    node = anchors[0] if anchors else kernel.stores[-1]
    word = node.site.layer or kernel.stores[-1].label or kernel.stores[-1].op.name
    return "".join(c if c.isalnum() else "_" for c in word)
