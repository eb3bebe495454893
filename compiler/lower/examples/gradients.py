"""Weights' gradients of a region: point by point, or sums with channels or examples in the lanes; the cheapest."""

from collections.abc import Sequence

from graphad.compiler.ir.graph import Kernel
from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.lower.examples.bilinear.choice import choose_gradient
from graphad.compiler.lower.examples.bilinear.convolve import letter_sizes
from graphad.compiler.lower.examples.bilinear.gradient import Shape, Transforms, back, points_of
from graphad.compiler.lower.examples.bilinear.letters import Letters, covered, letters_of_gradient, whole_tiles
from graphad.compiler.lower.examples.bilinear.summed import PointSums
from graphad.compiler.lower.examples.channels.choice import choose_plan
from graphad.compiler.lower.examples.channels.plan import Plan, stride
from graphad.compiler.lower.examples.channels.step import ChannelSums, Sums
from graphad.compiler.lower.examples.operands import Bound, Operand, margins
from graphad.compiler.lower.examples.stage import Stage, summed
from graphad.compiler.lower.examples.weights import lower_weights
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.title import title


class Gradients:
    """Lowers a contraction that sums over the batch."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.inner = stage, stage.inner

    def lower(self, kernel: Kernel, nodes: Sequence[Node], anchor: Node) -> tuple[Storage, str]:
        """The step that adds to sums, where they lie, and what is done, in words.

        ``nodes`` and ``anchor``: of one example.
        """
        kind = anchor.kind
        assert isinstance(kind, Contract)
        a, b = zip(anchor.operands, (kind.left, kind.right), strict=True)
        for (x, x_letters), (d, d_letters) in ((a, b), (b, a)):
            letters = letters_of_gradient(x, x_letters, d_letters, kind.out)
            if letters is not None and self.inner.options.precision != "strict":
                sizes = letter_sizes(anchor)
                shape = choose_gradient(anchor, letters, sizes, self.stage.lanes, self.stage.machine, self.inner.picks)
                if shape is not None:
                    return self._by_points(kernel, nodes, anchor, (x, x_letters), (d, d_letters), letters, shape)
        operands = self.stage.operand(*a, nodes), self.stage.operand(*b, nodes)
        bounds = (*margins(*a), *margins(*b))
        found = self._channels(anchor, operands)
        if found is not None:
            return self._by_channels(kernel, anchor, found, bounds)
        sums = self.stage.sums(anchor.type.dtype, anchor.type.size)
        builder = self.inner.builder("weights", nodes)[0]
        how = lower_weights(self.inner, builder, anchor, operands, sums, self.stage.machine, bounds)
        self.stage.add(builder.launch(tuple(nodes)), kernel, summed(kernel), products=True)
        return sums, how

    def _channels(self, anchor: Node, operands: tuple[Operand, Operand]) -> Plan | None:
        """How channels go into the lanes, where that is cheaper."""
        stored = [self.inner.stored[o.found.stored] for o in operands]
        if any(self.stage.layouts[s].kind != "lanes" or s.dtype != anchor.type.dtype for s in stored):
            return None
        return choose_plan(anchor, operands, self.stage.lanes, self.stage.machine, self.inner.picks)

    def _by_channels(self, kernel: Kernel, anchor: Node, plan: Plan, bounds: Sequence[Bound]) -> tuple[Storage, str]:
        stage, dtype = self.stage, anchor.type.dtype
        kind, sizes = anchor.kind, letter_sizes(anchor)
        assert isinstance(kind, Contract)
        source, numbers = (self.inner.stored[o.found.stored] for o in (plan.vector, plan.other))
        step = stride(plan.vector, plan.depth[0])
        panel = self.inner.local(dtype, ((plan.lines - 1) * step + plan.reach(sizes)) * plan.width, per_part=True)
        sums = stage.sums(dtype, plan.width * plan.many_sums(sizes))
        found = Sums(plan, sizes, source, numbers, panel, sums, stage.lanes, bounds)
        builder = stage.outer.builder("weights", ())[0]
        launch = found.kernel(builder)
        launch.kernel.name += f"_{title(kernel)}"
        stage.driver.orders[sums] = lambda index: found.place(dict(zip(kind.out, index, strict=True)))
        stage.driver.add(ChannelSums(summed(kernel), found, launch))
        tile = " x ".join(str(m) for m in plan.most if m > 1) or "1"
        return sums, f"{tile} sums in registers, channels in the lanes"

    def _by_points(
        self,
        kernel: Kernel,
        nodes: Sequence[Node],
        anchor: Node,
        left: tuple[Node, str],
        right: tuple[Node, str],
        letters: Letters,
        shape: Shape,
    ) -> tuple[Storage, str]:
        (x_node, x_letters), (d_node, d_letters) = left, right
        tile, dtype, kind = shape.algorithm.tile, anchor.type.dtype, anchor.kind
        assert isinstance(kind, Contract)
        x = self.stage.operand(whole_tiles(x_node, letters, x_letters, tile), x_letters, nodes)
        d = self.stage.operand(covered(d_node, letters, d_letters, tile), d_letters, nodes)
        points = points_of(self.inner, self.stage.outer, shape, dtype)
        transforms = Transforms(self.inner, letters, shape, dtype)
        into = transforms.of_input(x, points.v, tuple(nodes)), transforms.of_cotangents(d, points.d, tuple(nodes))
        sums = self.stage.sums(dtype, anchor.type.size, "chunks")
        builder = self.stage.outer.builder("back", ())[0]
        lanes = self.stage.machine.lanes(dtype)
        found = back(builder, shape, points.m, (sums, letter_sizes(anchor), kind.out), letters, lanes)
        for launch in (*into, found):
            launch.kernel.name += f"_{title(kernel)}"
        step = PointSums(summed(kernel), shape, points, into, found, self.stage.machine.tile(dtype))
        self.stage.driver.add(step)
        return sums, f"{shape.algorithm.name} gradient, {shape.at_once} tiles at once, one example a lane"
