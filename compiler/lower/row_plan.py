"""Which loop of a row kernel computes what."""

from collections.abc import Sequence

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.kinds import Constant, Index, Map, Reduce, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.scalar import Apply, Cast, Scalar
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.view import Affine
from graphad.compiler.loops.lanes import ELEMENTARY
from graphad.compiler.passes.kernels.rowwise import Place, Rows, reached
from graphad.compiler.passes.kernels.stored import CHEAP, cost


class Plan:
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
        return [n for n in self._reductions(level) if foldable_reduction(n) == foldable and picked(n) is None]

    def picks(self, level: int) -> list[Node]:
        """Sums of one element."""
        return [n for n in self._reductions(level) if picked(n) is not None]

    def _reductions(self, level: int) -> list[Node]:
        return [n for n in self.nodes if isinstance(n.kind, Reduce) and self.level[n] == level + 1]

    def late(self) -> list[Node]:
        """The reductions that the last loop needs, if it does nothing but store what depends on inputs and on rows of
        scratch that the loop before it makes; none if it does anything else.
        """
        last = self.levels - 1
        mixed = any(self.level[n] != last for n in self.full) or any(isinstance(n.kind, Reduce) for n in self.full)
        if last == 0 or mixed or not self.full or self._reductions(last):
            return []
        found: dict[Node, None] = {}
        rows: set[Node] = set()
        seen: set[Node] = set()
        stack = list(self.full)
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in self.kept:
                rows.add(node)
            elif node in self.level:
                found |= {node: None} if isinstance(node.kind, Reduce) else {}
                stack += [] if isinstance(node.kind, Reduce) else node.operands
        fits = all(self.level[n] == last - 1 for n in rows)
        return list(found) if fits else []

    def early(self) -> list[Node]:
        """The reductions of the first loop, if it does nothing else and they are all that the others wait for."""
        found = self.reductions(0, foldable=True)
        others = [n for n in (*self.kept, *self.full) if self.level[n] == 0]
        return found if self.levels == 3 and not others and found == self._reductions(0) else []

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
                    reduced |= set() if foldable_reduction(node) else {x}
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


def picked(node: Node) -> tuple[Node, Node] | None:
    """What a sum over a row adds up, and in which column, if that is one: ``where(column == place, x, 0)``."""
    assert isinstance(node.kind, Reduce)
    (x,) = node.operands
    if node.kind.monoid.name != "sum" or not isinstance(x.kind, Map) or x.op.name != "where":
        return None
    condition, value, other = x.operands
    if not isinstance(condition.kind, Map) or condition.op.name != "equal" or not _is_zero(other):
        return None
    last = x.type.ndim - 1
    for column, place in (condition.operands, condition.operands[::-1]):
        row = place.kind.map if isinstance(place.kind, View) else None
        counts = isinstance(column.kind, Index) and column.kind.axis == last
        if counts and isinstance(row, Affine) and last not in row.used():
            return value, place
    return None


def _is_zero(node: Node) -> bool:
    while isinstance(node.kind, View):
        (node,) = node.operands
    return isinstance(node.kind, Constant) and node.kind.value.size == 1 and node.kind.value.item() == 0


def foldable_reduction(node: Node) -> bool:
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
