"""A fold of a contraction: a convolution's input gradient, one matrix product an image, folded back while in cache."""

from collections.abc import Sequence
from contextlib import ExitStack

from graphad.compiler.ir.kinds import Contract, Fold
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import Load
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.folds import Block, add_folded, passive
from graphad.compiler.lower.gemm import Panel
from graphad.compiler.lower.letters import Plan, plan
from graphad.compiler.lower.maps import Stores
from graphad.compiler.lower.panels import Panels


def lower_folded_contract(
    context: Context, nodes: Sequence[Node], fold: Node, anchor: Node, stores: Stores
) -> list[Launch] | None:
    """A fold of a contraction, a convolution's input gradient: products per outer index, folded while in cache.

    None where the letters do not fall into passive ones, rows and columns.
    """
    lowering = Panels(context, nodes, anchor, stores)
    found = folded_plan(lowering, fold)
    return None if found is None else [_folded(context, nodes, fold, stores, lowering, found)]


def folded_plan(lowering: Panels, fold: Node) -> Plan | None:
    """The letters of a contraction that a fold absorbs: outer ones passive, then rows, then columns; None otherwise."""
    assert isinstance(fold.kind, Fold)
    anchor = lowering.anchor
    assert isinstance(anchor.kind, Contract)
    letters = anchor.kind.out
    passive_letters = letters[: passive(fold.kind.map, fold.kind.shape)]
    left, right = anchor.kind.left, anchor.kind.right
    for own, other in ((left, right), (right, left)):
        columns = "".join(c for c in letters if c in own and c not in other and c not in passive_letters)
        rows = "".join(c for c in letters if c in other and c not in own)
        outer = "".join(c for c in passive_letters if c in own)
        if columns and rows and outer and set(outer + rows + columns) == set(letters) and letters.startswith(outer):
            operand = anchor.operands[0] if columns[-1] in left else anchor.operands[1]
            found = plan(anchor, operand, outer + rows + columns)
            fits = found.columns == columns and found.outer == outer and not lowering.steps(found)
            return found if fits else None
    return None


def _folded(
    context: Context, nodes: Sequence[Node], fold: Node, stores: Stores, lowering: Panels, found: Plan
) -> Launch:
    assert isinstance(fold.kind, Fold)
    anchor = lowering.anchor
    assert isinstance(anchor.kind, Contract)
    outer, rows, columns, lead = found.outer, found.rows, found.columns, len(found.outer)
    builder, puller = context.builder("fold", nodes)
    block = Block(context, builder, fold, stores, lead)
    fixed = not (set(found.rows_letters) & set(outer))
    a = lowering.rows_panel(builder, puller, found, {}, rows, found.depth) if fixed else None
    count = found.extent(rows)
    width = found.extent(columns)
    pitch = lowering.pitch(width)
    tile = context.local(lowering.dtype, count * pitch, per_part=True)
    with ExitStack() as stack:
        known: dict[str, Dim] = {}
        lowering.open(builder, stack, found, known)
        index = [known[c] for c in outer]
        block.clear(index)
        panel = lowering.columns_panel(builder, puller, found, known, found.depth)
        b = a or lowering.rows_panel(builder, puller, found, known, rows, found.depth)
        lowering.call(builder, Panel(tile, 0, pitch, 1), b, panel, count, width, found.extent(found.depth))
        with ExitStack() as inner:
            for c in rows + columns:
                known[c] = inner.enter_context(builder.loop(found.sizes[c], stem="k"))
            row = flat([known[c] for c in rows], found.shape(rows))
            column = flat([known[c] for c in columns], found.shape(columns))
            value = builder.let("v", Load(builder.buffer(tile), row * pitch + column, tile.dtype))
            add_folded(builder, inner, block, fold.kind, lead, [known[c] for c in anchor.kind.out], value)
        block.finish(puller, index, stores)
    context.choices[anchor] = "matrix product, folded back"
    return builder.launch(tuple(nodes))
