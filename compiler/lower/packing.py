"""The column operand of a matrix product, copied panel by panel: the rows of a panel follow each other.

    for each panel of 48 columns, beginning at column j:
        packed[j * depth + k * 48 + q] = operand[k, j + q]        zeros from the last column on

So a product reads memory in order: pages and cache lines are foreseen, and no rows compete for the same sets of the
cache. An operand whose columns lie along memory is transposed in registers on the way.
"""

from contextlib import ExitStack
from dataclasses import dataclass

from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import flat, quotient
from graphad.compiler.loops.ir import Call, Lit, Mark
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.gemm import Panel
from graphad.compiler.lower.letters import Plan, Strided, joint, start, strided
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.target import Tile


@dataclass(eq=False)
class Packing:
    """Writes the loops that pack columns of an operand. ``first``: of all columns, where those to pack begin."""

    context: Context
    builder: Builder
    puller: Puller
    tile: Tile
    found: Plan
    depth: str
    known: dict[str, Dim]
    mark: Mark = "serial"

    def write(self, panel: Panel, width: int, first: Dim = 0) -> None:
        """``width`` columns from ``first`` on."""
        lies = self._crosswise(width)
        done = 0
        if lies is not None:
            done = width // self.tile.narrow * self.tile.narrow
            for piece in self.tile.panels(width):
                self._transposed(panel, lies, piece, done, first)
        if done != self.tile.covered(width):
            self._copied(panel, width, first, done)

    def _crosswise(self, width: int) -> Strided | None:
        """How the operand lies, if neighbours in memory become neighbouring rows, in whole blocks of registers."""
        found = self.found
        lies, deep = strided(found.columns_operand, found.columns_letters, self.context), found.extent(self.depth)
        if lies is None or not isinstance(deep, int) or min(width, deep) < self.tile.narrow:
            return None
        if lies.stored.type.dtype != found.node.type.dtype or joint(self.depth, lies.strides, found.sizes) != 1:
            return None
        return None if joint(found.columns, lies.strides, found.sizes) in (None, 1) else lies

    def _transposed(
        self, panel: Panel, lies: Strided, piece: tuple[int, int, int], done: int, first_column: Dim
    ) -> None:
        """The columns before ``done`` of some panels, as many at a time as a register holds."""
        first, count, across = piece
        builder, lanes, deep = self.builder, self.tile.narrow, self.found.extent(self.depth)
        step = joint(self.found.columns, lies.strides, self.found.sizes)
        assert step is not None
        blocks = (min(first + count * across, done) - first) // lanes
        with ExitStack() as stack:
            if blocks == 1 and self.mark == "parallel":
                stack.enter_context(builder.once())
            block = stack.enter_context(builder.loop(blocks, self.mark, stem="q"))
            which = quotient(block, across // lanes, builder.extents)
            inside = (block - which * (across // lanes)) * lanes
            at = panel.start + (first + which * across) * deep + inside
            source = start(lies, self.known) + (first_column + first + block * lanes) * step
            target = (builder.buffer(panel.storage, write=True), at)
            origin = (builder.buffer(self.context.stored[lies.stored]), source)
            builder.emit(Call("transpose_panel", (target, origin, deep, across, step, lanes)))

    def _copied(self, panel: Panel, width: int, first_column: Dim, done: int) -> None:
        """The columns from ``done`` on, row by row."""
        found, builder = self.found, self.builder
        with ExitStack() as stack:
            place = dict(self.known)
            for i, c in enumerate(self.depth):
                place[c] = stack.enter_context(builder.loop(found.sizes[c], "serial" if i else self.mark, stem="q"))
            row = flat([place[c] for c in self.depth], found.shape(self.depth))
            for first, count, across in self.tile.panels(width):
                whole = 0 if done else (width - first) // across
                whole = min(whole, count)
                if whole > 1:
                    with builder.between(first, first + whole * across, width, across, stem="u") as j:
                        self._columns(panel, place, row, j, (0, across, across), first_column)
                for one in range(first + across * (whole if whole > 1 else 0), first + across * count, across):
                    span = (max(done - one, 0), max(min(width - one, across), 0), across)
                    self._columns(panel, place, row, one, span, first_column)

    def _columns(
        self, panel: Panel, place: dict[str, Dim], row: Dim, j: Dim, span: tuple[int, int, int], first_column: Dim
    ) -> None:
        """In the panel that begins at column j: its columns from low to high, and zeros behind."""
        (low, high, across), column, builder = span, self.found.columns, self.builder
        at = panel.start + j * panel.tall + row * across
        if low < high:
            with builder.between(low, high, across, stem="q") as q:
                value = self.puller.value(
                    self.found.columns_operand,
                    tuple({**place, column: first_column + j + q}[c] for c in self.found.columns_letters),
                )
                builder.store(panel.storage, at + q, value)
        if max(low, high) < across:
            with builder.between(max(low, high), across, across, stem="q") as q:
                builder.store(panel.storage, at + q, Lit(0, self.found.node.type.dtype))
