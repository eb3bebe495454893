"""Evaluating nodes at an index, on demand: stored values are loaded, views move the index, maps compute."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from graphad.compiler.ir.kinds import Constant, Gather, Index, Map, SizeOf, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.scalar import Apply, Arg, Cast, Const, Scalar, dtype_of
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.view import Affine, AxisMap, Reshape
from graphad.compiler.loops.index import bounds, flat, split
from graphad.compiler.loops.ir import At, Expr, Fail, Lit, Load, Prim, Ref, ToDtype
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.ranges import in_range
from graphad.compiler.lower.storage import Storage

IndexTuple: TypeAlias = tuple[Dim, ...]
Request: TypeAlias = tuple[Node, IndexTuple]
Evaluation: TypeAlias = Generator[Request, Expr, Expr]


@dataclass(eq=False)
class Puller:
    """Evaluates nodes inside one kernel. ``stored``: where values of other kernels (and of this one's stores) lie;
    ``rows``: scratch memory with the elements of a node along its last axis, of the row that is being computed."""

    builder: Builder
    stored: Mapping[Node, Storage]
    guards: list[Node]
    inside: frozenset[Node] = field(default_factory=frozenset)
    substituted: dict[Node, Expr] = field(default_factory=dict)
    rows: dict[Node, Storage] = field(default_factory=dict)

    def value(self, node: Node, index: IndexTuple) -> Expr:
        """The element of ``node`` at ``index``, as an expression of the open block."""
        stack: list[tuple[Request, Evaluation]] = [((node, index), self._evaluate(node, index))]
        answer: Expr | None = self.builder.known((node, index))
        if answer is not None:
            return answer
        while stack:
            key, evaluation = stack[-1]
            try:
                request = evaluation.send(answer)  # type: ignore[arg-type]
            except StopIteration as finished:
                answer = finished.value
                self.builder.remember(key, answer)
                stack.pop()
                continue
            answer = self.builder.known(request)
            if answer is None:
                stack.append((request, self._evaluate(*request)))
        assert answer is not None
        return answer

    def _evaluate(self, node: Node, index: IndexTuple) -> Evaluation:
        if node in self.substituted:
            return self.substituted[node]
        if node in self.rows:
            name = self.builder.buffer(self.rows[node])
            return self.builder.let("v", Load(name, index[-1], node.type.dtype))
        if node not in self.inside:
            return self._load(node, index)
        match node.kind:
            case SizeOf(size=size):
                return At(size)
            case Index(axis=axis):
                return At(index[axis])
            case Map(scalar=scalar):
                operands = []
                for operand in node.operands:
                    operands.append((yield operand, index))
                return self._map(node, scalar, operands)
            case View(map=Reshape()):
                (x,) = node.operands
                place = flat(index, node.type.shape)
                return (yield x, split(place, x.type.shape, self.builder.extents))
            case View(map=Affine() as found):
                return (yield from self._view(node, found, index))
            case Gather(axis=axis):
                return (yield from self._gather(node, axis, index))
            case _:
                raise AssertionError(f"{node!r} has to be stored before it is read")

    def _load(self, node: Node, index: IndexTuple) -> Expr:
        if isinstance(node.kind, Constant) and node.kind.value.size == 1:
            return Lit(node.kind.value.item(), node.type.dtype)
        if node not in self.stored:
            raise AssertionError(f"{node!r} is not stored")
        name = self.builder.buffer(self.stored[node])
        place = flat(index, node.type.shape)
        return self.builder.let("v", Load(name, place, node.type.dtype))

    def _map(self, node: Node, scalar: Scalar, operands: Sequence[Expr]) -> Expr:
        plain = _plain(scalar)
        if plain is not None:
            primitive, places = plain
            value: Expr = Prim(primitive, tuple(self._named(operands[i]) for i in places), node.type.dtype)
        else:
            value = self._scalar(scalar, operands, [o.type.dtype for o in node.operands], node.type.dtype, node)
        if isinstance(value, Lit):
            return value
        return self.builder.let("v", value)

    def _scalar(self, scalar: Scalar, operands: Sequence[Expr], dtypes: Sequence[str], dtype: str, node: Node) -> Expr:
        """A scalar expression over operand expressions; constants take ``dtype``."""
        match scalar:
            case Arg(index):
                return operands[index]
            case Const(value):
                return Lit(value, dtype)
            case Cast(to, arg):
                inner = self._scalar(arg, operands, dtypes, dtypes[0], node)
                return inner if inner.dtype == to else ToDtype(inner, to)
            case Apply(primitive, args):
                return self._apply(primitive, args, operands, dtypes, dtype, node)
            case _:
                raise AssertionError(scalar)

    def _apply(
        self,
        primitive: str,
        args: Sequence[Scalar],
        operands: Sequence[Expr],
        dtypes: Sequence[str],
        dtype: str,
        node: Node,
    ) -> Expr:
        skip = 1 if primitive in ("select", "require") else 0
        found = [d for a in args[skip:] if (d := dtype_of(a, dtypes)) is not None]
        inner = found[0] if found else dtype
        done = [self._part(a, operands, dtypes, "bool" if i < skip else inner, node) for i, a in enumerate(args)]
        if primitive == "require":
            self._guard(Prim("not", (done[0],), "bool"), done[1], node)
            return done[1]
        result = dtype_of(Apply(primitive, tuple(args)), dtypes) or inner
        return Prim(primitive, tuple(done), result)

    def _part(self, scalar: Scalar, operands: Sequence[Expr], dtypes: Sequence[str], dtype: str, node: Node) -> Expr:
        """A part of an expression; a large one has a name, and of scalars with names it is written once in a block."""
        key = (scalar, tuple(operands), dtype) if all(isinstance(o, Ref) for o in operands) else None
        known = None if key is None else self.builder.known(key)
        if known is not None:
            return known
        value = self._scalar(scalar, operands, dtypes, dtype, node)
        named = self._named(value)
        if named is not value and key is not None:
            self.builder.remember(key, named)
        return named

    def _named(self, value: Expr) -> Expr:
        return self.builder.let("u", value) if _large(value) else value

    def _guard(self, broken: Expr, detail: Expr, node: Node) -> None:
        if node not in self.guards:
            self.guards.append(node)
        with self.builder.when(broken):
            self.builder.emit(Fail(self.guards.index(node) + 1, detail))

    def _view(self, node: Node, found: Affine, index: IndexTuple) -> Evaluation:
        (x,) = node.operands
        inner: list[Dim] = []
        conditions: list[Expr] = []
        fill = Lit(_fill(found.fill, node.type.dtype), node.type.dtype)
        for axis, extent in zip(found.axes, x.type.shape, strict=True):
            inner.append(self._axis(axis, index, extent, conditions))
            if axis.guarded and self._outside(inner[-1], extent):
                return fill
        if not conditions:
            return (yield x, tuple(inner))
        condition = conditions[0]
        for more in conditions[1:]:
            condition = Prim("and", (condition, more), "bool")
        inside = self.builder.let("g", condition)
        safe = tuple(
            self.builder.index(Prim("select", (inside, At(i), Lit(0, "int64")), "int64"), extent)
            for i, extent in zip(inner, x.type.shape, strict=True)
        )
        value = yield x, safe
        return self.builder.let("v", Prim("select", (inside, value, fill), node.type.dtype))

    def _outside(self, place: Dim, extent: Dim) -> bool:
        """Whether no iteration has the place in its operand."""
        low, high = bounds(place, self.builder.extents)
        return (high is not None and high < 0) or (low is not None and isinstance(extent, int) and low >= extent)

    def _axis(self, axis: AxisMap, index: IndexTuple, extent: Dim, conditions: list[Expr]) -> Dim:
        """The operand's index along one axis; what has to hold for it is appended to ``conditions``."""
        place: Dim = axis.offset
        for j, c in axis.terms:
            place = place + c * index[j]
        if not axis.guarded:
            return place
        low, high = bounds(place, self.builder.extents)
        if low is None or low < 0:
            conditions.append(Prim("ge", (At(place), Lit(0, "int64")), "bool"))
        top = (extent - 1) * axis.divisor
        if high is None or not isinstance(top, int) or high > top:
            conditions.append(Prim("le", (At(place), At(top)), "bool"))
        if axis.divisor == 1:
            return place
        remainder = Prim("mod", (At(place), Lit(axis.divisor, "int64")), "int64")
        conditions.append(Prim("eq", (remainder, Lit(0, "int64")), "bool"))
        return place // axis.divisor

    def _gather(self, node: Node, axis: int, index: IndexTuple) -> Evaluation:
        x, places = node.operands
        rank = places.type.ndim
        found = yield places, index[axis : axis + rank]
        extent = x.type.shape[axis]
        place = self.builder.let("k", ToDtype(found, "int64") if found.dtype != "int64" else found)
        if in_range(places, extent):
            return (yield x, (*index[:axis], self.builder.index(place, extent), *index[axis + rank :]))
        outside = Prim(
            "or",
            (Prim("lt", (place, Lit(0, "int64")), "bool"), Prim("ge", (place, At(extent)), "bool")),
            "bool",
        )
        bad = self.builder.let("g", outside)
        self._guard(bad, place, node)
        safe = self.builder.index(Prim("select", (bad, Lit(0, "int64"), place), "int64"), extent)
        return (yield x, (*index[:axis], safe, *index[axis + rank :]))


@lru_cache(maxsize=4096)
def _plain(scalar: Scalar) -> tuple[str, tuple[int, ...]] | None:
    """A primitive of the operands as they are, which is what most of long code is made of."""
    if not isinstance(scalar, Apply) or scalar.primitive == "require":
        return None
    places = tuple(a.index for a in scalar.args if isinstance(a, Arg))
    return (scalar.primitive, places) if len(places) == len(scalar.args) else None


def _large(expression: Expr) -> bool:
    """Worth a line and a name of its own in the emitted text."""
    return isinstance(expression, Prim) and any(isinstance(a, Prim) for a in expression.args)


def _fill(value: float, dtype: str) -> bool | int | float:
    if dtype == "bool":
        return bool(value)
    return float(value) if dtype.startswith("float") else int(value)


__all__ = ["IndexTuple", "Puller", "Ref"]
