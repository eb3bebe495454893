"""Row kernels: for each row, one loop after the other over its columns, with numbers and rows of scratch between them.

    for i in rows (parallel):
        loop 0:  acc = max(acc, x[i, q])                        level 0: needs no reduction of the row
        loop 1:  e = exp(x[i, q] - acc)                         level 1: needs one
                 scratch[q] = e
                 acc1 = acc1 + e
        loop 2:  y[i, q] = scratch[q] / acc1                    level 2

What two loops need is kept on scratch, if it takes more than CHEAP flops, and computed twice, if not. Reductions that
vectors cannot do have a loop of their own, for which elementary functions are kept on scratch, too.

Long rows whose last loop only stores are stored while the next row is computed, some rows at a time, and what the first
loop reduces is reduced a row ahead: memory gives and takes meanwhile, and would be waited for else.

    for b in blocks of rows (parallel):
        loop 0 and 1 of the first row, loop 0 of the second
        for i in the other rows:
            last = acc1
            loop 1 of row i, with y[i - 1, q] = scratch[q] / last before scratch[q] is set, and loop 0 of row i + 1
        loop 2 of the last row
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import Map
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import flat, split
from graphad.compiler.loops.ir import At, Expr, Lit, Prefetch, Prim, Ref, ToDtype
from graphad.compiler.lower.accumulate import Accumulator, combine
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.maps import Stores
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.row_plan import Plan, picked
from graphad.compiler.lower.storage import Storage
from graphad.compiler.passes.kernels.rowwise import Place, Rows

SIDE_BY_SIDE: Final = 4
BLOCK: Final = 16  # rows of which all but the last are stored while the next is computed
LONG: Final = 256  # columns of a row that memory is waited for
FETCHED: Final = 4096  # elements ahead that are fetched at most, unless a row is longer


def lower_rowwise(context: Context, nodes: Sequence[Node], stores: Stores, rows: Rows) -> list[Launch]:
    """One loop over the rows, shared among threads; in it a loop or two for each level."""
    builder, puller = context.builder("rows", nodes)
    builder.kernel.reassociate = True
    plan = Plan(nodes, [n for n, _ in stores], rows)
    scratch = {n: context.local(n.type.dtype, rows.width, per_part=True) for n in plan.kept}
    work = _Work(builder, plan, dict(stores), scratch)
    late = plan.late() if rows.width >= LONG else []
    if late:
        work.overlapped(puller, late)
    else:
        with builder.loop(rows.count, "parallel", stem="i") as i:
            now = work.row(puller, i)
            for level in range(plan.levels):
                work.level(now, level)
            work.row_numbers(now)
    return [builder.launch(tuple(nodes))]


@dataclass(frozen=True, eq=False)
class _Row:
    """A row, and how its values are had."""

    puller: Puller
    at: Place


@dataclass(frozen=True)
class _Work:
    """``memory``: what leaves the kernel; ``scratch``: rows that loops hand on."""

    builder: Builder
    plan: Plan
    memory: Mapping[Node, Storage]
    scratch: Mapping[Node, Storage]

    def row(self, puller: Puller, number: Dim) -> _Row:
        rows = self.plan.rows.rows
        return _Row(puller, split(number, rows, self.builder.extents))

    def overlapped(self, puller: Puller, late: Sequence[Node]) -> None:
        """Rows in blocks, whose last loop runs beside the last but one of the next row."""
        builder, count, last = self.builder, self.plan.rows.count, self.plan.levels - 1
        behind = Puller(builder, puller.stored, puller.guards, puller.inside, rows=dict(self.scratch))
        with builder.loop((count + (BLOCK - 1)) // BLOCK, "parallel", stem="b") as block:
            first = block * BLOCK
            stop = builder.least(first + BLOCK, count, count + 1)
            behind.substituted |= self._carried("last", late)
            puller.substituted |= self._carried("first", self.plan.early())
            with builder.scope():
                if self.plan.early():
                    self._ahead(puller, first)
                self._steps(puller, behind, first, stop, None)
            with builder.between(first + 1, stop, count, stem="i") as i:
                self._steps(puller, behind, i, stop, i - 1)
            end = self.row(behind, stop - 1)
            self.numbers(end, last)
            self.points(end, last)

    def _carried(self, stem: str, nodes: Sequence[Node]) -> dict[Node, Expr]:
        """Numbers that one row hands on to the next."""
        return {n: self.builder.let(stem, Lit(0, n.type.dtype), mutable=True) for n in nodes}

    def _ahead(self, puller: Puller, number: Dim) -> None:
        """The first loop of a row on its own."""
        own = self.row(self._front(puller), number)
        self.points(own, 0)
        self._hand_on(puller, self.plan.early(), own.puller)

    def _front(self, puller: Puller) -> Puller:
        return Puller(self.builder, puller.stored, puller.guards, puller.inside)

    def _hand_on(self, to: Puller, nodes: Iterable[Node], source: Puller) -> None:
        for node in nodes:
            target = to.substituted[node]
            assert isinstance(target, Ref)
            self.builder.assign(target, source.substituted[node])

    def _steps(self, puller: Puller, behind: Puller, number: Dim, stop: Dim, before: Dim | None) -> None:
        """All loops of a row but the last, which is the row's before, and the first of the row behind it."""
        last, early = self.plan.levels - 1, self.plan.early()
        puller.rows.clear()  # what lies there is of the row before
        now, done = self.row(puller, number), None if before is None else self.row(behind, before)
        ahead: _Row | None = None
        if early:
            following = self.builder.least(number + 1, stop - 1, self.plan.rows.count)
            ahead = self.row(self._front(puller), following)
        for level in range(bool(early), last):
            self.level(now, level, *((done, ahead) if level == last - 1 else (None, None)))
        self.row_numbers(now)
        self._hand_on(behind, behind.substituted, now.puller)
        if ahead:
            self._hand_on(puller, early, ahead.puller)

    def level(self, now: _Row, level: int, before: _Row | None = None, ahead: _Row | None = None) -> None:
        self.numbers(now, level)
        if before:
            self.numbers(before, level + 1)
        self.points(now, level, before, ahead)
        self.reductions(now, level)
        for node in self.plan.picks(level):
            now.puller.substituted[node] = self._picked(now, node)

    def numbers(self, now: _Row, level: int) -> None:
        """The row's numbers that only need what is there, computed outside of the loops that use them."""
        plan = self.plan
        for node in plan.nodes:
            if isinstance(node.kind, Map) and plan.level[node] == level and not plan.rows.is_full(node):
                found = plan.rows.place(node.type.shape, now.at, 0)
                if found is not None and plan.places is not None and plan.places[node]:
                    now.puller.value(node, found)

    def points(self, now: _Row, level: int, before: _Row | None = None, ahead: _Row | None = None) -> None:
        """Straight-line code: rows of scratch, and what leaves the kernel. All is computed before anything is stored.

        ``before``: the row whose last level is stored beside; ``ahead``: the row whose first level is reduced.
        """
        builder, plan = self.builder, self.plan
        folds = plan.reductions(level, foldable=True)
        if not self._stored(level) and not folds:
            return
        alone = not (before or ahead or self._stored(level) or level == 0)
        parts = _parts(plan.rows.width, len(folds)) if alone else 1
        reduced = [(now, n, part) for part in range(parts) for n in folds]
        reduced += [(ahead, n, 0) for n in plan.early()] if ahead else []
        accumulators = [Accumulator(builder, n) for _, n, _ in reduced]
        with builder.loop(plan.rows.width // parts, "vector", stem="q") as q:
            if level == 1 and self.scratch:
                self._prefetch(ahead or now, q)
            values = self._values(before, level + 1, q) if before else []
            values += self._values(now, level, q)
            operands = [self._operand(row, n, q + part * (plan.rows.width // parts)) for row, n, part in reduced]
            for storage, place, value in values:
                builder.store(storage, place, value)
            for accumulator, operand in zip(accumulators, operands, strict=True):
                accumulator.take(operand, q)
        now.puller.rows.update({n: self.scratch[n] for n in self._stored(level) if n in self.scratch})
        for row, node in dict.fromkeys((row, node) for row, node, _ in reduced):
            found = [a for a, (r, n, _) in zip(accumulators, reduced, strict=True) if (r, n) == (row, node)]
            row.puller.substituted[node] = _total(builder, found)

    def _stored(self, level: int) -> list[Node]:
        plan = self.plan
        return [n for n in dict.fromkeys((*plan.kept, *plan.full)) if plan.level[n] == level]

    def _values(self, row: _Row, level: int, column: Dim) -> list[tuple[Storage, Dim, Expr]]:
        """What is stored at a column, and where."""
        found: list[tuple[Storage, Dim, Expr]] = []
        for node in self._stored(level):
            at = self.plan.place(node, row.at, column)
            value = self.builder.let("w", row.puller.value(node, at))
            found += [(self.scratch[node], column, value)] if node in self.scratch else []
            found += [(self.memory[node], flat(at, node.type.shape), value)] if node in self.memory else []
        return found

    def _operand(self, now: _Row, reduction: Node, column: Dim) -> Expr:
        x = reduction.operands[0]
        return now.puller.value(x, self.plan.place(x, now.at, column))

    def _prefetch(self, now: _Row, column: Dim) -> None:
        """What the first loop reads of rows to come is fetched in the second, which has its row in the cache.

        Without rows of scratch loops are so short that the processor's own looking ahead does better.
        """
        plan, stored = self.plan, now.puller.stored
        for x in dict.fromkeys(x for n in plan.nodes for x in n.operands if n in plan.level and x not in plan.level):
            if plan.rows.is_full(x) and x in stored and x.type.ndim > 1:
                width = plan.rows.width
                ahead = min(2 * width, max(width, FETCHED))
                at = flat(plan.place(x, now.at, column), x.type.shape)
                self.builder.emit(Prefetch(self.builder.buffer(stored[x]), at + ahead))

    def reductions(self, now: _Row, level: int) -> None:
        """Those that vectors cannot do."""
        nodes = self.plan.reductions(level, foldable=False)
        if not nodes:
            return
        accumulators = [Accumulator(self.builder, n) for n in nodes]
        with self.builder.loop(self.plan.rows.width, "vector", stem="k") as k:
            for node, accumulator in zip(nodes, accumulators, strict=True):
                accumulator.take(self._operand(now, node, k), k)
        for node, accumulator in zip(nodes, accumulators, strict=True):
            now.puller.substituted[node] = accumulator.result

    def _picked(self, now: _Row, node: Node) -> Expr:
        """A sum of one element: 0 where there is no such column."""
        found = picked(node)
        assert found is not None
        value, column = found
        width, dtype = self.plan.rows.width, value.type.dtype
        wanted = self.builder.let("at", now.puller.value(column, self.plan.place(column, now.at, 0)))
        near = Prim("min", (Prim("max", (ToDtype(wanted, "int64"), At(0)), "int64"), At(width - 1)), "int64")
        place = self.builder.index(near, width)
        there = Prim("eq", (wanted, ToDtype(At(place), wanted.dtype)), "bool")
        element = now.puller.value(value, self.plan.place(value, now.at, place))
        return self.builder.let("one", Prim("select", (there, element, Lit(0, dtype)), dtype))

    def row_numbers(self, now: _Row) -> None:
        """The numbers of the row that leave the kernel."""
        for node, storage in self.memory.items():
            if not self.plan.rows.is_full(node):
                at = self.plan.place(node, now.at, 0)
                value = self.builder.let("w", now.puller.value(node, at))
                self.builder.store(storage, flat(at, node.type.shape), value)


def _parts(width: int, folds: int) -> int:
    """Parts of a row that are reduced side by side: each waits for its last step, which takes as long as several.

    What memory is read for is best in order, as is what is stored.
    """
    return SIDE_BY_SIDE if folds <= 2 and width % (64 * SIDE_BY_SIDE) == 0 else 1


def _total(builder: Builder, parts: Sequence[Accumulator]) -> Ref:
    first, *others = parts
    for other in others:
        builder.assign(first.value, combine(first.monoid, first.value, other.value))
    return first.value
