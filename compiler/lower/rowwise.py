"""Row kernels: for each row, one loop after the other over its columns, with numbers and rows of scratch between them.

    for i in rows (parallel):
        loop 0:  acc = max(acc, x[i, q])                        level 0: needs no reduction of the row
        loop 1:  e = exp(x[i, q] - acc)                         level 1: needs one
                 scratch[q] = e
                 acc1 = acc1 + e
        loop 2:  y[i, q] = scratch[q] / acc1                    level 2

What two loops need is kept on scratch, if it takes more than CHEAP flops, and computed twice, if not. Reductions that
vectors cannot do have a loop of their own, for which elementary functions are kept on scratch, too.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.kinds import Map, Reduce, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.scalar import Apply, Cast, Scalar
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import flat, split
from graphad.compiler.loops.ir import Prefetch, Ref
from graphad.compiler.loops.lanes import ELEMENTARY
from graphad.compiler.lower.accumulate import Accumulator, combine
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.maps import Stores
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage
from graphad.compiler.passes.kernels.rowwise import Place, Rows, reached
from graphad.compiler.passes.kernels.stored import CHEAP, cost


def lower_rowwise(context: Context, nodes: Sequence[Node], stores: Stores, rows: Rows) -> list[Launch]:
    """One loop over the rows, shared among threads; in it a loop or two for each level."""
    builder, puller = context.builder("rows", nodes)
    builder.kernel.reassociate = True
    plan = _Plan(nodes, [n for n, _ in stores], rows)
    memory = dict(stores)
    scratch = {n: context.local(n.type.dtype, rows.width, per_part=True) for n in plan.kept}
    with builder.loop(rows.count, "parallel", stem="i") as i:
        row = split(i, rows.rows, builder.extents)
        for level in range(plan.levels):
            _numbers(puller, plan, row, level)
            _points(builder, puller, plan, row, level, scratch, memory)
            _reductions(builder, puller, plan, row, level)
        for node, storage in stores:
            if not rows.is_full(node):
                at = plan.place(node, row, 0)
                builder.store(storage, flat(at, node.type.shape), builder.let("w", puller.value(node, at)))
    return [builder.launch(tuple(nodes))]


_SIDE_BY_SIDE: Final = 4


class _Plan:
    """What is computed in which loop. A node's level is the number of reductions on the longest way to it."""

    def __init__(self, nodes: Sequence[Node], stores: Sequence[Node], rows: Rows) -> None:
        self.rows = rows
        self.places = reached(nodes, stores, rows)
        assert self.places is not None
        self.level: dict[Node, int] = {}
        for node in nodes:  # a reduction is there once the loop of its operand is through
            inner = max((self.level.get(x, 0) for x in node.operands), default=0)
            self.level[node] = inner + isinstance(node.kind, Reduce)
        self.nodes = [n for n in nodes if n in self.places]
        self.full = [n for n in stores if rows.is_full(n)]
        self.kept = self._kept()
        used = [self.level[n] for n in (*self.kept, *self.full)]
        used += [self.level[n] - 1 for n in self.nodes if isinstance(n.kind, Reduce)]
        self.levels = max(used) + 1

    def place(self, node: Node, row: Place, column: Dim) -> Place:
        found = self.rows.place(node.type.shape, row, column)
        assert found is not None
        return found

    def reductions(self, level: int, foldable: bool) -> list[Node]:
        found = (n for n in self.nodes if isinstance(n.kind, Reduce) and self.level[n] == level + 1)
        return [n for n in found if _foldable(n) == foldable]

    def _kept(self) -> list[Node]:
        """Maps that several loops need, or a reduction, whose loop is no straight-line code."""
        assert self.places is not None
        loops: dict[Node, set[int]] = {n: set() for n in self.nodes}  # which evaluate a node, from its readers down
        reduced: set[Node] = set()
        kept: list[Node] = []
        weight = self._weights()
        for node in self.full:
            loops[node].add(self.level[node])
        for node in reversed(self.nodes):
            own, within = loops[node], node in reduced
            heavy = len(own) > 1 and weight[node] > CHEAP
            fits = self.rows.is_full(node) and self.places[node]
            if isinstance(node.kind, Map) and fits and (heavy or (within and _elementary(node.kind.scalar))):
                kept.append(node)
                own, within = {self.level[node]}, False
            for x in node.operands:
                if x not in loops:
                    continue
                if isinstance(node.kind, Reduce):
                    loops[x].add(self.level[node] - 1)
                    reduced |= set() if _foldable(node) else {x}
                else:
                    loops[x] |= own
                    reduced |= {x} if within else set()
        return kept[::-1]

    def _weights(self) -> dict[Node, int]:
        """Flops of an element with everything behind it but the row's numbers."""
        weight: dict[Node, int] = {}
        for node in self.nodes:
            if isinstance(node.kind, Reduce):
                weight[node] = 0
                continue
            own = cost(node.kind.scalar) if isinstance(node.kind, Map) else 0
            varies = self.rows.is_full(node) or isinstance(node.kind, View)
            weight[node] = own * varies + sum(weight.get(x, 0) for x in node.operands)
        return weight


def _foldable(node: Node) -> bool:
    """A reduction that a loop over lanes can do beside what it computes."""
    assert isinstance(node.kind, Reduce)
    return node.kind.monoid.name in ("sum", "max", "min") and is_float(node.type.dtype)


def _elementary(scalar: Scalar) -> bool:
    match scalar:
        case Apply(primitive, args):
            return primitive in ELEMENTARY or any(map(_elementary, args))
        case Cast(_, arg):
            return _elementary(arg)
        case _:
            return False


def _numbers(puller: Puller, plan: _Plan, row: Place, level: int) -> None:
    """The row's numbers that only need what is there, computed outside of the loops that use them."""
    for node in plan.nodes:
        if isinstance(node.kind, Map) and plan.level[node] == level and not plan.rows.is_full(node):
            found = plan.rows.place(node.type.shape, row, 0)
            if found is not None and plan.places is not None and plan.places[node]:
                puller.value(node, found)


def _points(
    builder: Builder,
    puller: Puller,
    plan: _Plan,
    row: Place,
    level: int,
    scratch: Mapping[Node, Storage],
    memory: Mapping[Node, Storage],
) -> None:
    """Straight-line code: rows of scratch, and what leaves the kernel. All is computed before the first is stored."""
    nodes = [n for n in dict.fromkeys((*plan.kept, *plan.full)) if plan.level[n] == level]
    folds = plan.reductions(level, foldable=True)
    if not nodes and not folds:
        return
    parts = 1 if nodes or level == 0 else _parts(plan.rows.width, len(folds))  # level 0 reads memory, best in order
    accumulators = [[Accumulator(builder, n) for n in folds] for _ in range(parts)]
    with builder.loop(plan.rows.width // parts, "vector", stem="q") as q:
        if level == 1:
            _prefetch(builder, puller, plan, row, q)
        values = [(n, builder.let("w", puller.value(n, plan.place(n, row, q)))) for n in nodes]
        columns = [q + part * (plan.rows.width // parts) for part in range(parts)]
        operands = [[puller.value(n.operands[0], plan.place(n.operands[0], row, c)) for n in folds] for c in columns]
        for node, value in values:
            if node in scratch:
                builder.store(scratch[node], q, value)
            if node in memory:
                builder.store(memory[node], flat(plan.place(node, row, q), node.type.shape), value)
        for own, values_ in zip(accumulators, operands, strict=True):
            for accumulator, operand in zip(own, values_, strict=True):
                accumulator.take(operand, q)
    puller.rows.update({n: scratch[n] for n in nodes if n in scratch})
    for node, found in zip(folds, zip(*accumulators, strict=True), strict=True):
        puller.substituted[node] = _total(builder, found)


def _parts(width: int, folds: int) -> int:
    """Parts of a row that are reduced side by side: each waits for its last step, which takes as long as several."""
    return _SIDE_BY_SIDE if folds <= 2 and width % (64 * _SIDE_BY_SIDE) == 0 else 1


def _total(builder: Builder, parts: Sequence[Accumulator]) -> Ref:
    first, *others = parts
    for other in others:
        builder.assign(first.value, combine(first.monoid, first.value, other.value))
    return first.value


def _prefetch(builder: Builder, puller: Puller, plan: _Plan, row: Place, column: Dim) -> None:
    """What the first loop reads of the next row is fetched during the second, which has the row in the cache."""
    for x in dict.fromkeys(x for n in plan.nodes for x in n.operands if n in plan.level and x not in plan.level):
        if plan.rows.is_full(x) and x in puller.stored:
            at = flat(plan.place(x, row, column), x.type.shape)
            builder.emit(Prefetch(builder.buffer(puller.stored[x]), at + plan.rows.width))


def _reductions(builder: Builder, puller: Puller, plan: _Plan, row: Place, level: int) -> None:
    nodes = plan.reductions(level, foldable=False)
    if not nodes:
        return
    accumulators = [Accumulator(builder, n) for n in nodes]
    with builder.loop(plan.rows.width, "vector", stem="k") as k:
        for node, accumulator in zip(nodes, accumulators, strict=True):
            operand = node.operands[0]
            accumulator.take(puller.value(operand, plan.place(operand, row, k)), k)
    for node, accumulator in zip(nodes, accumulators, strict=True):
        puller.substituted[node] = accumulator.result
