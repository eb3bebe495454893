"""How a contraction will be done, in numbers: asked of the lowering that would do it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graphad.compiler.interpret import number
from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.ir.view import Affine
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.contract import CHUNKS, Lowering, Schedule
from graphad.compiler.lower.folded import folded_plan
from graphad.compiler.lower.gemm import DEPTH
from graphad.compiler.lower.letters import Plan, plan
from graphad.compiler.lower.panels import GROUP_ROWS, SPAN
from graphad.compiler.lower.target import Tile
from graphad.compiler.lower.vector_roles import roles, scratch_of

ALIGN: Final = 64
UNROLLED: Final = 16  # terms of a sum that the target writes out


@dataclass(frozen=True, slots=True)
class Product:
    """``times`` matrix products of ``rows`` x ``depth`` with ``depth`` x ``columns``, or one loop nest ("sum").

    ``pulled``: elements of the left and the right operand that are evaluated for packing; ``crosswise`` of them are
    not read along the operand's rows.
    ``vector``: iterations of the loop that is vectorised. ``scratch``: bytes beside the arena's stored values, for one
    thread. ``tiles``: sums over depth that are held in registers at once, one after another; ``wide`` and ``narrow``:
    multiply-adds of those of several registers a row, and of one; what fills a tile is among them.
    """

    schedule: Schedule
    times: int
    rows: int
    columns: int
    depth: int
    pulled: tuple[float, float]
    crosswise: float
    vector: int
    scratch: int
    tiles: int = 0
    wide: float = 0.0
    narrow: float = 0.0


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

    weighted = None if folded else roles(node, context)
    if weighted is not None:
        outer, width, depth = (extent(x) for x in (weighted.outer, weighted.columns, weighted.depth))
        nbytes = aligned(scratch_of(weighted, width) * ITEMSIZE[node.type.dtype])
        return Product("sum", 1, outer, width, depth, (0.0, 0.0), 0.0, width, nbytes)
    schedule: Schedule = "outer" if folded else lowering.schedule(found)
    outer, rows, columns, depth = (extent(x) for x in (found.outer, found.rows, found.columns, found.depth))
    if schedule in ("sum", "direct"):
        vector = columns if schedule == "direct" else _vector(found, sizes)
        return Product(schedule, 1, outer * rows, columns, depth, (0.0, 0.0), 0.0, vector, 0)
    steps = lowering.steps(found) if schedule != "blocks" else ""
    inner = found.depth[len(steps) :]
    times = outer * extent(steps)
    at_once = lowering.block_rows(found.extent(found.rows)) if schedule == "blocks" else 0
    pitch = number(lowering.pitch(found.extent(found.columns), at_once), sizes)
    packs_columns = lowering.in_place(found, inner) is None
    packs_rows = lowering.direct_rows_operand(found, inner) is None
    fixed_rows = schedule == "outer" and not set(found.rows_letters) & set(found.outer + steps)
    deep = extent(inner)
    packed = number(lowering.packed_width(found, inner), sizes)
    group = lowering.group(found) if schedule == "blocks" else None
    packings = times if schedule != "blocks" else -(-rows // SPAN) if group else 1
    column_packs = packings * deep * columns if packs_columns else 0
    row_packs = (1 if fixed_rows else times) * rows * deep if packs_rows else 0
    by_left = found.columns_operand is node.operands[0]
    pulled = (float(column_packs), float(row_packs)) if by_left else (float(row_packs), float(column_packs))
    crosswise = 0.0
    for x, letters, minor, packs in (
        (found.columns_operand, found.columns_letters, found.columns, column_packs),
        (found.rows_operand, found.rows_letters, inner, row_packs),
    ):
        if packs and minor and _step(x, letters.index(minor[-1])) not in (0, 1):
            crosswise += packs
    pieces = [deep * packed if packs_columns else 0]
    if group:
        pieces = [deep * group, GROUP_ROWS * number(lowering.pitch(group), sizes)]
    elif schedule == "blocks":
        block = lowering.block_rows(found.extent(found.rows))
        pieces += [min(rows, block) * pitch, deep * block if packs_rows else 0]
    else:
        pieces += [rows * pitch * (CHUNKS if schedule == "partial" else 1), rows * deep if packs_rows else 0]
    scratch = sum(aligned(n * ITEMSIZE[node.type.dtype]) for n in pieces)
    work = _tiled(lowering.tile, times, rows, columns, deep)
    return Product(schedule, times, rows, columns, deep, pulled, crosswise, pitch, scratch, *work)


def _tiled(tile: Tile, times: int, rows: int, columns: int, depth: int) -> tuple[int, float, float]:
    """Tiles of a product, and the multiply-adds of wide and of narrow ones."""
    high = -(-rows // tile.rows)
    panels = tile.panels(columns)
    each = float(times) * high * tile.rows * depth
    narrow = sum(count * across for _, count, across in panels if across == tile.narrow)
    tiles = times * high * sum(count for _, count, _ in panels) * -(-depth // DEPTH)
    return tiles, each * (tile.covered(columns) - narrow), each * narrow


def aligned(nbytes: int) -> int:
    """Up to the arena's alignment."""
    return (nbytes + ALIGN - 1) // ALIGN * ALIGN


def _vector(found: Plan, sizes: Mapping[str, int]) -> int:
    """Iterations of a loop nest's vectorised loop, 1 if none is: the innermost sum, or the columns around a short one
    (which is unrolled), if both operands are read with stride 1, or not at all, along it."""
    depth = number(found.sizes[found.depth[-1]], sizes) if found.depth else 1
    if found.depth and _contiguous(found, found.depth[-1]):
        return depth
    total = 1
    for c in found.depth:
        total *= number(found.sizes[c], sizes)
    if total <= UNROLLED and found.out and _contiguous(found, found.out[-1]):
        return number(found.sizes[found.out[-1]], sizes)
    return 1


def _contiguous(found: Plan, letter: str) -> bool:
    sides = ((found.columns_operand, found.columns_letters), (found.rows_operand, found.rows_letters))
    return all(_step(x, letters.index(letter)) in (0, 1) for x, letters in sides if letter in letters)


def _step(node: Node, axis: int) -> Dim | None:
    """The stride of an axis through affine views; None where they fill or divide."""
    views: list[Affine] = []
    while isinstance(node.kind, View) and isinstance(node.kind.map, Affine):
        if node.kind.map.guarded or any(a.divisor != 1 for a in node.kind.map.axes):
            return None
        views.append(node.kind.map)
        (node,) = node.operands
    steps: list[Dim] = [product(node.type.shape[i + 1 :]) for i in range(node.type.ndim)]
    for view in reversed(views):
        outer: list[Dim] = [0] * len(view.shape)
        for a, step in zip(view.axes, steps, strict=True):
            for j, c in a.terms:
                outer[j] = outer[j] + c * step
        steps = outer
    return steps[axis]
