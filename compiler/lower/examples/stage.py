"""What lowering the kernels of a region shares: where values of a block lie, and copies of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from graphad.compiler.ir.graph import Kernel
from graphad.compiler.ir.make import viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.in_lanes import Layout
from graphad.compiler.lower.accumulate import behind
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.driver import CHUNKS, Driver
from graphad.compiler.lower.examples.operands import Operand, in_place, margins, padded, unmargined
from graphad.compiler.lower.examples.parts import Part
from graphad.compiler.lower.maps import lower_map
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import Target
from graphad.compiler.lower.title import title
from graphad.compiler.passes.kernels.points import is_anchor


@dataclass(eq=False)
class Inside(Context):
    """Lowers kernels for one example: memory of theirs holds a block's examples in lanes.

    ``outer``: of the whole graph; ``layouts``: where the elements of an example lie; ``one_block``: as in ``Lanes``.
    """

    outer: Context | None = None
    layouts: dict[Storage, Layout] = field(default_factory=dict)
    lanes: int = 1
    one_block: bool = False
    known: dict[Node, Storage] = field(default_factory=dict)

    def local(self, dtype: str, size: Dim, per_part: bool = False) -> Storage:
        """Memory for all lanes: every thread's own, unless threads share one block."""
        many = size * self.lanes
        if self.one_block and self.outer is not None:
            storage = self.outer.local(dtype, many, per_part)
        else:
            storage = Storage("local", len(self.layouts), dtype, many, per_part=True)
        self.layouts[storage] = Layout("lanes")
        return storage


def inside(outer: Context, lanes: int, one_block: bool) -> Inside:
    """A context for the kernels of a region."""
    known: dict[Node, Storage] = {}
    shared = (outer.options, outer.guards, outer.locals, outer.choices)
    return Inside(known, *shared, picks=outer.picks, outer=outer, lanes=lanes, one_block=one_block, known=known)


class Stage:
    """Nodes here are those of one example. ``before``: launches ahead of the region's."""

    def __init__(
        self, outer: Context, machine: Target, lanes: int, one_block: bool, driver: type[Driver], size: str
    ) -> None:
        self.outer, self.machine, self.lanes = outer, machine, lanes
        self.inner = inside(outer, lanes, one_block)
        self.layouts = self.inner.layouts
        self.driver = driver(outer, size, lanes, self.layouts)
        self.copies: dict[tuple[Node, object], Node] = {}
        self.before: list[Launch] = []

    def keep(self, node: Node, storage: Storage) -> None:
        """``node`` lies in ``storage``."""
        self.inner.known[node] = storage

    def sums(self, dtype: str, size: Dim, kind: Literal["sums", "chunks"] = "sums") -> Storage:
        """Memory for sums over the batch, of each chunk apart."""
        storage = self.outer.local(dtype, CHUNKS * size)
        self.layouts[storage] = Layout(kind, size)
        return storage

    def add(
        self, launch: Launch, kernel: Kernel | None = None, nodes: tuple[Node, ...] = (), products: bool = False
    ) -> None:
        """The next kernel of a block, which computes ``nodes`` of the graph.

        ``products``: has direct sums of products, where LLVM finds shorter addresses.
        """
        launch.kernel.scheduled = not products
        if kernel is not None:
            launch.kernel.name += f"_{title(kernel)}"
        self.driver.add(Part(launch, nodes=nodes))

    def in_lanes(self, node: Node) -> bool:
        """Whether examples differ in it."""
        return any(self.varies(x) for x in self._leaves_of(node))

    def operand(
        self, node: Node, letters: str, nodes: Sequence[Node], kept: Sequence[str] = (), column: str | None = None
    ) -> Operand:
        """Where it lies, else a copy: with margins, for a window; of what is computed nowhere else.

        ``kept``: letters whose loops keep to what there is, so that it needs no margins. ``column``: the letter whose
        loop does not, while others may pass the margins by that are there; None if all go through them.
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
        if column is None:
            return found
        return replace(found, bounds=margins(node, letters, column))

    def _copy(self, node: Node, nodes: Sequence[Node]) -> None:
        """Stores a node of its own: in lanes, or once for all examples."""
        varies = self.in_lanes(node)
        context = self.inner if varies else self.outer
        size = node.type.size
        storage = context.local(node.type.dtype, size)
        inside = [*nodes, node]
        if varies:
            builder, puller = self.inner.builder("pad", inside)
            self.keep(node, storage)
            self.add(lower_map(builder, puller, [node], [(node, storage)]))
            return
        self.layouts[storage] = Layout("shared")
        self.keep(node, storage)
        builder, _ = self.outer.builder("pack", inside)
        puller = Puller(builder, self.inner.stored, self.outer.guards, frozenset(inside))
        launch = lower_map(builder, puller, [node], [(node, storage)])
        launch.note = "pack"
        self.before.append(launch)

    def _leaves_of(self, node: Node) -> list[Node]:
        """The stored values that a node is computed from."""
        found: list[Node] = []
        seen: set[Node] = set()
        stack = [node]
        while stack:
            x = stack.pop()
            if x in self.inner.stored:
                found.append(x)
            elif x not in seen:
                seen.add(x)
                stack.extend(x.operands)
        return found

    def varies(self, stored: Node) -> bool:
        """Whether examples differ in a stored value."""
        return self.layouts[self.inner.stored[stored]].kind != "shared"


def summed(kernel: Kernel) -> tuple[Node, ...]:
    """What an exit computes for every example: the sums and what is behind them."""
    anchors = [n for n in kernel.nodes if is_anchor(n)]
    return *behind(kernel.nodes, anchors), *anchors
