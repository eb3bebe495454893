"""How a contraction will be done, in numbers: asked of the lowering that would do it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graphad.compiler.interpret import number
from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.contract import CHUNKS, Lowering, Schedule
from graphad.compiler.lower.folded import folded_plan
from graphad.compiler.lower.letters import Plan, plan, strided
from graphad.compiler.lower.panels import ROWS

ALIGN: Final = 64


@dataclass(frozen=True, slots=True)
class Product:
    """``times`` matrix products of ``rows`` x ``depth`` with ``depth`` x ``columns``, or one loop nest ("sum").

    ``pulled``: elements of the left and the right operand that are evaluated for packing.
    ``contiguous``: whether a nest reads both operands along its innermost loop. ``scratch``: bytes beside the arena's
    stored values, for one thread.
    """

    schedule: Schedule
    times: int
    rows: int
    columns: int
    depth: int
    pulled: tuple[float, float]
    contiguous: bool
    scratch: int


def product_of(node: Node, fold: Node | None, context: Context, sizes: Mapping[str, int]) -> Product:
    """The product that lowering ``node`` would write, within ``fold`` if that absorbs it."""
    lowering = Lowering(context, (), node, ())
    folded = folded_plan(lowering, fold) if fold is not None else None
    found = folded or plan(node)

    def extent(letters: str) -> int:
        total = 1
        for c in letters:
            total *= number(found.sizes[c], sizes)
        return total

    schedule: Schedule = "outer" if folded else lowering.schedule(found)
    outer, rows, columns, depth = (extent(x) for x in (found.outer, found.rows, found.columns, found.depth))
    if schedule in ("sum", "direct"):
        contiguous = schedule == "direct" or _contiguous(found, context)
        return Product(schedule, 1, outer * rows, columns, depth, (0.0, 0.0), contiguous, 0)
    steps = lowering.steps(found) if schedule != "blocks" else ""
    inner = found.depth[len(steps) :]
    times = outer * extent(steps)
    pitch = number(lowering.width(found, inner), sizes)
    packs_columns = lowering.direct_columns(found, inner) is None
    packs_rows = lowering.direct_rows_operand(found, inner) is None
    fixed_rows = schedule == "outer" and not set(found.rows_letters) & set(found.outer + steps)
    deep = extent(inner)
    column_packs = (times if schedule != "blocks" else 1) * deep * pitch if packs_columns else 0
    row_packs = (1 if fixed_rows else times) * rows * deep if packs_rows else 0
    by_left = found.columns_operand is node.operands[0]
    pulled = (float(column_packs), float(row_packs)) if by_left else (float(row_packs), float(column_packs))
    pieces = [deep * pitch if packs_columns else 0]
    if schedule == "blocks":
        pieces += [min(rows, ROWS) * pitch, deep * ROWS if packs_rows else 0]
    else:
        pieces += [rows * pitch * (CHUNKS if schedule == "partial" else 1), rows * deep if packs_rows else 0]
    scratch = sum(aligned(n * ITEMSIZE[node.type.dtype]) for n in pieces)
    return Product(schedule, times, rows, pitch, deep, pulled, True, scratch)


def aligned(nbytes: int) -> int:
    """Up to the arena's alignment."""
    return (nbytes + ALIGN - 1) // ALIGN * ALIGN


def _contiguous(found: Plan, context: Context) -> bool:
    """Both operands of a loop nest are walked with stride 1 (or not at all) along the innermost summed letter."""
    if not found.depth:
        return True
    last = found.depth[-1]
    for operand, letters in (
        (found.columns_operand, found.columns_letters),
        (found.rows_operand, found.rows_letters),
    ):
        lies = strided(operand, letters, context)
        step: Dim = lies.strides.get(last, 0) if lies is not None else -1
        if step not in (0, 1):
            return False
    return True
