"""How a batch is gone through: which examples share a vector, and how many of them a block has."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Constant, Index, SizeOf, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Size, product
from graphad.compiler.lower.examples.way import FEWEST, Lanes
from graphad.compiler.lower.target import target
from graphad.compiler.options import Options
from graphad.compiler.passes.kernels.order import LARGE

SHARES: Final = (1, 2, 4)
"""Vectors that a block's examples are a whole, a half or a quarter of."""

COST: Final = {1: 1.0, 2: 1.25, 4: 1.7}
"""Time of an example, by share, where blocks stay in the caches: LeNet-5's step takes 1.31, 1.53, 2.16 ms (Zen)."""

FAR: Final = {1: 1.15, 2: 1.0, 4: 1.2}
"""The same where a whole vector's examples do not: a smaller block is nearer. Of two convolutions of 64 channels, 32 x
32 pixels, 16 images (Zen): 8.0, 7.0, 8.0 ms; of a depthwise one with its neighbours 13.6, 11.6, 11.3 ms."""

NEAR: Final = 3 << 19
"""Bytes that one value of a block may take in the caches: 1.5 MiB, what is a core's own and half as much again."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a batch is gone through: examples in ``lanes``, or one by one; ``few``: a handful of them."""

    lanes: Lanes | None = None
    few: bool = False


WAYS: Final = (Way(), Way(few=True), *(Way(Lanes(s, one)) for s in SHARES for one in (False, True)))


def way_of(options: Options, batch: Iterable[int], example: int = 0) -> Way:
    """The way for batches of these sizes; of many, where no size is given.

    Args:
        example: bytes that one example takes of the largest value.
    """
    most = max(batch, default=LARGE)
    lanes = target(options.isa).lanes("float32")
    if options.batch == "lanes":
        return Way(Lanes(1))
    if options.batch == "rows" or options.convolution != "auto":
        return Way(few=options.convolution in ("pixels", "depth", "winograd"))
    if most < FEWEST:
        return Way(few=True)
    cost = FAR if example * lanes > NEAR else COST

    def seconds(share: int) -> float:
        """Of all blocks, the last of which may be partly empty."""
        return -(-most // (lanes // share)) / share * cost[share]

    fitting = [s for s in SHARES if lanes // s >= FEWEST] or [1]
    share = min(fitting, key=seconds)
    return Way(Lanes(share, one_block=most <= lanes // share))


def example_bytes(graph: Graph) -> int:
    """The most bytes that one example takes of a value, where the batch has a name and nothing else."""
    return max(map(_bytes, graph.nodes), default=0)


def _bytes(node: Node) -> int:
    if isinstance(node.kind, View | Index | SizeOf | Constant) or not node.type.shape:
        return 0
    batch, *rest = node.type.shape
    count = product(rest)
    return count * ITEMSIZE[node.type.dtype] if isinstance(batch, Size) and isinstance(count, int) else 0
