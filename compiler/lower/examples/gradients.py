"""Weights' gradients of a region: direct sums, or point by point where a bilinear algorithm pays."""

from collections.abc import Sequence

from graphad.compiler.ir.graph import Kernel
from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.loops.in_lanes import Layout
from graphad.compiler.lower.examples.bilinear.choice import choose_gradient
from graphad.compiler.lower.examples.bilinear.convolve import letter_sizes
from graphad.compiler.lower.examples.bilinear.gradient import Shape, Transforms, back, points_of
from graphad.compiler.lower.examples.bilinear.letters import Letters, covered, letters_of_gradient, whole_tiles
from graphad.compiler.lower.examples.bilinear.summed import PointSums
from graphad.compiler.lower.examples.stage import Stage, title
from graphad.compiler.lower.examples.weights import lower_weights
from graphad.compiler.lower.storage import Storage


class Gradients:
    """Lowers a contraction that sums over the batch."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.inner = stage, stage.inner

    def lower(self, kernel: Kernel, nodes: Sequence[Node], anchor: Node, sums: Storage) -> str:
        """The step that adds to ``sums``; what was done, in words. ``nodes`` and ``anchor``: of one example."""
        kind = anchor.kind
        assert isinstance(kind, Contract)
        a, b = zip(anchor.operands, (kind.left, kind.right), strict=True)
        for (x, x_letters), (d, d_letters) in ((a, b), (b, a)):
            letters = letters_of_gradient(x, x_letters, d_letters, kind.out)
            if letters is not None and self.inner.options.precision != "strict":
                sizes = letter_sizes(anchor)
                shape = choose_gradient(anchor, letters, sizes, self.stage.lanes, self.stage.machine, self.inner.picks)
                if shape is not None:
                    return self._by_points(kernel, nodes, anchor, (x, x_letters), (d, d_letters), letters, shape, sums)
        operands = self.stage.operand(*a, nodes), self.stage.operand(*b, nodes)
        builder = self.inner.builder("weights", nodes)[0]
        how = lower_weights(self.inner, builder, anchor, operands, sums, self.stage.machine)
        self.stage.add(builder.launch(tuple(nodes)), kernel, products=True)
        return how

    def _by_points(
        self,
        kernel: Kernel,
        nodes: Sequence[Node],
        anchor: Node,
        left: tuple[Node, str],
        right: tuple[Node, str],
        letters: Letters,
        shape: Shape,
        sums: Storage,
    ) -> str:
        (x_node, x_letters), (d_node, d_letters) = left, right
        tile, dtype, kind = shape.algorithm.tile, anchor.type.dtype, anchor.kind
        assert isinstance(kind, Contract)
        x = self.stage.operand(whole_tiles(x_node, letters, x_letters, tile), x_letters, nodes)
        d = self.stage.operand(covered(d_node, letters, d_letters, tile), d_letters, nodes)
        points = points_of(self.inner, self.stage.outer, shape, dtype)
        transforms = Transforms(self.inner, letters, shape, dtype)
        into = transforms.of_input(x, points.v, tuple(nodes)), transforms.of_cotangents(d, points.d, tuple(nodes))
        size = self.stage.layouts[sums].pitch
        self.stage.layouts[sums] = Layout("chunks", size)
        builder = self.stage.outer.builder("back", ())[0]
        lanes = self.stage.machine.lanes(dtype)
        found = back(builder, shape, points.m, (sums, letter_sizes(anchor), kind.out), letters, lanes)
        for launch in (*into, found):
            launch.kernel.name += f"_{title(kernel)}"
        step = PointSums(shape, points, into, found, self.stage.machine.tile(dtype))
        self.stage.driver.add(step)
        return f"{shape.algorithm.name} gradient, {shape.at_once} tiles at once, one example a lane"
