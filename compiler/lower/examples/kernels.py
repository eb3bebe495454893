"""The kernels of a region, each for one example."""

from collections.abc import Sequence
from dataclasses import replace

from graphad.compiler.ir.graph import Kernel
from graphad.compiler.ir.kinds import Contract, Fold, Reduce, Scan
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.in_lanes import Layout
from graphad.compiler.loops.ir import Expr
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.examples.adjoint import Adjoint, adjoint
from graphad.compiler.lower.examples.bilinear.choice import BLOCKS, choose
from graphad.compiler.lower.examples.bilinear.convolve import letter_sizes, lower_convolution
from graphad.compiler.lower.examples.bilinear.letters import Letters, letters_of, whole_tiles
from graphad.compiler.lower.examples.bilinear.weights import Factors, factors_of, transform_weights
from graphad.compiler.lower.examples.operands import Operand
from graphad.compiler.lower.examples.products import column_of, letters_to_keep, lower_product, side_by_side
from graphad.compiler.lower.examples.stage import Stage
from graphad.compiler.lower.folds import lower_fold
from graphad.compiler.lower.maps import Stores, lower_map, store_all
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.reduce import lower_in_scalars
from graphad.compiler.lower.scan import scan_in_scalars
from graphad.compiler.lower.storage import Storage
from graphad.compiler.passes.kernels.points import is_anchor


class Kernels:
    """Lowers a region's inner kernels, one after the other."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.inner = stage, stage.inner

    def lower(self, kernel: Kernel, nodes: Sequence[Node], stores: Stores) -> None:
        """One kernel; ``nodes`` and ``stores`` are those of one example."""
        anchors = [n for n in nodes if is_anchor(n)]
        if not anchors:
            builder, puller = self.inner.builder("map", nodes)
            self.stage.add(lower_map(builder, puller, nodes, stores), kernel, kernel.nodes)
            return
        match anchors[0].kind:
            case Reduce():
                self.stage.add(lower_in_scalars(self.inner, nodes, anchors, stores), kernel, kernel.nodes)
            case Scan():
                self.stage.add(scan_in_scalars(self.inner, nodes, anchors[0], stores), kernel, kernel.nodes)
            case Fold():
                self.stage.add(lower_fold(self.inner, nodes, anchors[0], stores), kernel, kernel.nodes)
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
        self.stage.keep(product, storage)
        self._product(kernel, nodes, product, [(product, storage)])
        rest = [n for n in nodes if n is not product]
        self.stage.add(lower_fold(self.inner, rest, fold, stores), kernel, kernel.nodes)

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
        (x_node, x_letters), (w_node, w_letters) = pairs if self.stage.in_lanes(pairs[0][0]) else reversed(pairs)
        builder, puller = self.inner.builder("contract", nodes)

        def finish(at: dict[str, Dim], value: Expr) -> None:
            every = {c: at.get(c, 0) for c in kind.out}
            if back is None or fold is None:
                puller.substituted[anchor] = value
                store_all(builder, puller, stores, tuple(every.values()))
                return
            self._place(builder, puller, back, fold, every, value, stores)

        w = self.stage.operand(w_node, w_letters, nodes)
        machine, dtype = self.stage.machine, anchor.type.dtype
        room = machine.lanes(dtype) // self.stage.lanes
        quick = self._bilinear(anchor, x_node, x_letters, w_letters, w)
        if quick is not None:
            factors, letters, u = quick
            lines, columns = factors.algorithm.tile
            beside = side_by_side(anchor, w_letters, room, columns)
            x_node = whole_tiles(x_node, letters, x_letters, (lines, columns * beside))
            x = self.stage.operand(x_node, x_letters, nodes)
            how = lower_convolution(self.inner, builder, anchor, (x, u), factors, letters, finish, machine, beside)
        else:
            beside = side_by_side(anchor, w_letters, room)
            kept = letters_to_keep(anchor, x_node, x_letters, w_letters, machine.vectors) if beside == 1 else ()
            x = self.stage.operand(x_node, x_letters, nodes, kept, column_of(anchor, w_letters))
            width = self.stage.lanes * machine.vector_bytes // machine.lanes(dtype)
            how = lower_product(self.inner, builder, anchor, x, w, finish, machine.vectors, width, beside)
        for n in kernel.nodes:
            if isinstance(n.kind, Contract):
                self.inner.choices[n] = how
                if anchor in self.inner.picks.asked:
                    self.inner.picks.asked[n] = self.inner.picks.asked[anchor]
        self.stage.add(builder.launch(tuple(nodes)), kernel, kernel.nodes, products=quick is None)

    def _bilinear(
        self, anchor: Node, x: Node, x_letters: str, w_letters: str, w: Operand
    ) -> "tuple[Factors, Letters, Storage] | None":
        """The algorithm and the transformed weights, where that pays; they are transformed once for all examples."""
        kind = anchor.kind
        assert isinstance(kind, Contract)
        letters = letters_of(x, x_letters, w_letters, kind.out)
        fixed = self.stage.layouts[self.inner.stored[w.found.stored]].kind == "shared"
        if letters is None or not fixed or self.inner.options.precision == "strict":
            return None
        sizes = letter_sizes(anchor)
        blocks = 1 if self.inner.one_block else BLOCKS
        algorithm = choose(anchor, letters, sizes, self.stage.machine.vector_bytes, self.inner.picks, blocks)
        if algorithm is None:
            return None
        outer = self.stage.outer
        lanes = self.stage.machine.lanes(anchor.type.dtype)
        factors = factors_of(w, algorithm, letters, sizes, lanes)
        u = outer.local(anchor.type.dtype, factors.size)
        self.stage.layouts[u] = Layout("shared")
        builder, _ = outer.builder("transform", ())
        context = replace(outer, stored=self.inner.stored)
        transform_weights(builder, context, w, factors, letters, u)
        self.stage.before.append(builder.launch((), "pack"))
        return factors, letters, u

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
