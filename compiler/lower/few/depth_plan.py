"""Whether a contraction may have its summed elements in lanes, how it is gone through, and what that costs."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Final

from graphad.compiler.ir.size import Size, product
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.operands import Operand, in_place
from graphad.compiler.lower.examples.tiles import choose, pieces, step_cost
from graphad.compiler.lower.letters import Plan, joint
from graphad.compiler.lower.target import target

MOST: Final = 256
"""Results of a row: of more, lanes of results have next to none idle."""
FOLDED: Final = 6.0
"""Cycles of the sum over the lanes of a vector of 16, that of its neighbours beside it."""
PACKED: Final = 1.5
"""Cycles of an element copied by itself."""


@dataclass(frozen=True, eq=False)
class Depth:
    """A contraction that can be done so: summed letters in the order of the weights, and the letters of results."""

    option: ClassVar = "depth"
    name: ClassVar = "sums in registers, summed elements in the lanes"

    found: Plan
    w: Operand
    row: str
    line: str
    column: str
    depth: str
    registers: int
    lanes: int

    @property
    def steps(self) -> int:
        """Elements summed."""
        return count_of(self.found, self.depth)

    @property
    def rows(self) -> int:
        return count_of(self.found, self.row)

    @property
    def pixels(self) -> int:
        """Results of a row."""
        return count_of(self.found, self.line + self.column)

    @property
    def outer(self) -> list[str]:
        return [c for c in self.found.out if c not in (self.row, self.line, self.column)]

    @property
    def tile(self) -> tuple[int, int]:
        return choose(self.rows, self.pixels, self.registers)

    def cycles(self) -> float:
        """Of one example, by a count of multiply-adds, loads, sums over lanes, and elements packed."""
        r, c = self.tile
        vectors = -(-self.steps // self.lanes)
        sums = sum(
            p.count * q.count * p.size * q.size * (vectors * step_cost(p.size, q.size) + FOLDED)
            for p in pieces(self.rows, r)
            for q in pieces(self.pixels, c)
        )
        outer = prod(d for x in self.outer if isinstance(d := self.found.sizes[x], int))
        return outer * (sums + self.steps * self.pixels * PACKED)


def plan_depth(context: Context, found: Plan) -> Depth | None:
    """The schedule, where it is legal: the row operand's summed elements lie side by side, a vector of them or more."""
    if len(found.out) < 2 or 0 in found.sizes.values() or not found.node.type.dtype.startswith("float"):
        return None
    column, sizes = found.out[-1], found.sizes
    inside = [c for c in sizes if c not in found.out or c in found.rows or c == column]
    w = in_place(found.rows_operand, found.rows_letters, context)
    if w is None or column in found.rows_letters or any(isinstance(sizes[c], Size) for c in inside):
        return None
    if any(c not in found.rows_letters or not isinstance(w.found.strides[c], int) for c in found.depth):
        return None
    strides = {c: s for c, s in w.found.strides.items() if isinstance(s, int)}
    depth = "".join(sorted(found.depth, key=lambda c: (-strides[c], sizes[c] != 1)))
    machine = target(context.options.isa)
    lanes = machine.lanes(found.node.type.dtype)
    if count_of(found, depth) < lanes or joint(depth, w.found.strides, sizes) != 1:
        return None
    line = found.out[-2] if found.out[-2] not in found.rows_letters else ""
    line = line if line and isinstance(sizes[line], int) else ""
    row = max(found.rows, key=lambda c: count_of(found, c), default="")
    plan = Depth(found, w, row, line, column, depth, machine.vectors, lanes)
    return plan if plan.pixels <= MOST else None


def count_of(found: Plan, letters: str) -> int:
    size = product(found.sizes[c] for c in letters)
    assert isinstance(size, int)
    return size
