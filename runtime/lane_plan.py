"""Which loops over lanes can be written as vectors, and which memory they touch: decided before a line is written."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphad.runtime.expressions import BYTES, CALLED, FUNCTIONS, LIBM, SCALAR
from graphad.runtime.indices import Affine, Polynomial, affine, constant_of

_CLOSE = 64  # elements between offsets that one address serves
_MATH = LIBM | {"fabs", "sqrt", "inf", "nan", "pi", "e"}


@dataclass(eq=False)
class Stream:
    """Elements of a buffer at one stride from one base: variable * stride + base + each of the offsets."""

    buffer: str
    dtype: str
    stride: Polynomial
    base: Polynomial
    loaded: set[int] = field(default_factory=set)
    stored: set[int] = field(default_factory=set)

    @property
    def offsets(self) -> set[int]:
        return self.loaded | self.stored


@dataclass(eq=False)
class LanePlan:
    """A loop of ``lanes`` points at a time. ``streams`` has the accesses that are affine in the loop's variable."""

    lanes: int
    streams: dict[tuple[str, Affine], Stream]
    outside: list[str]  # what the body uses and does not set, in order
    streamed: bool  # some stores pass the caches by, if the whole result is large
    fetched: frozenset[str]  # buffers that the loop fetches from itself
    folds: dict[str, str]  # scalars that every point is added to, or the larger or smaller one kept: by which function

    def whole(self, start: int | None, stop: int | None) -> range | None:
        """The points of a loop whose bounds are known, a vector of them at a time, if that leaves none over."""
        if start is None or stop is None or stop <= start or (stop - start) % self.lanes:
            return None
        if self.streamed and any(s.stored and constant_of(s.stride) != 1 for s in self.distinct):
            return None
        return range(start, stop, self.lanes)

    @property
    def distinct(self) -> list[Stream]:
        return list(dict.fromkeys(self.streams.values()))


def plan_lanes(
    variable: str, body: Sequence[ast.stmt], arguments: Mapping[str, str], scalars: Mapping[str, str], vector_bytes: int
) -> LanePlan | None:
    """The plan of a loop over independent points, None if it cannot be written as vectors.

    Args:
        variable: the loop's.
        body: its statements.
        arguments: the dtypes of what has a name outside and never changes; buffers end with a star.
        scalars: the dtypes of what else has a name outside. The loop may read it; or fold its points into it, if that
            is a float: ``a = a + ...``, ``a = maximum(a, ...)``, ``a = minimum(a, ...)``, nowhere else in the loop.
        vector_bytes: the width of a vector register.
    """
    walk = _Walk(variable, arguments, scalars)
    if not all(walk.statement(s) for s in body) or not (walk.stores or walk.folds):
        return None
    lanes = max(2, vector_bytes // walk.widest())
    return LanePlan(
        lanes, _streams(walk, lanes), list(walk.outside), walk.streamed, frozenset(walk.fetched), walk.folds
    )


def folded(statement: ast.stmt) -> tuple[str, str, ast.expr] | None:
    """The scalar, the function and what is folded in, of ``a = a + x``, ``a = maximum(a, x)`` or ``minimum``."""
    match statement:
        case ast.Assign(
            targets=[ast.Name(id=name)], value=ast.BinOp(left=ast.Name(id=same), op=ast.Add(), right=value)
        ) if name == same:
            return name, "add", value
        case ast.Assign(
            targets=[ast.Name(id=name)],
            value=ast.Call(func=ast.Name(id="maximum" | "minimum" as how), args=[ast.Name(id=same), value]),
        ) if name == same:
            return name, how, value
        case _:
            return None


class _Walk:
    """Collects accesses in order, and what the body needs."""

    def __init__(self, variable: str, arguments: Mapping[str, str], scalars: Mapping[str, str]) -> None:
        self.variable, self.arguments, self.scalars = variable, arguments, scalars
        self.invariant = {n for n, d in arguments.items() if not d.endswith("*") and n != variable} | set(scalars)
        self.outside: dict[str, None] = {}
        self.inside: set[str] = set()
        self.loads: dict[tuple[str, Affine], None] = {}
        self.stores: dict[tuple[str, Affine], None] = {}
        self.folds: dict[str, str] = {}
        self.written: set[str] = set()
        self.streamed = False
        self.fetched: set[str] = set()
        self.dtypes: set[str] = set()

    def widest(self) -> int:
        """Bytes of the widest float, of the widest integer where there is no float."""
        floats = [BYTES[d] for d in self.dtypes if d.startswith("float")]
        return max(floats or [BYTES[d] for d in self.dtypes], default=8)

    def statement(self, statement: ast.stmt) -> bool:
        fold = folded(statement)
        if fold is not None and fold[0] in self.scalars:
            return self._fold(*fold)
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if not self.expression(value) or name in self.scalars or name in self.arguments or name in self.outside:
                    return False
                self.inside.add(name)
                return True
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=index)], value=value):
                return self.expression(value) and self._store(name, index)
            case ast.Expr(value=ast.Call(func=ast.Name(id="stream"), args=[ast.Name(id=name), index, value, size])):
                self.streamed = True
                self._names(size)
                return self.expression(value) and self._store(name, index)
            case ast.Expr(value=ast.Call(func=ast.Name(id="prefetch"), args=[ast.Name(id=name), index])):
                self.fetched.add(name)
                self._uses(name, index)
                return affine(index, self.variable, self.invariant) is not None
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                return True
            case _:
                return False

    def _fold(self, name: str, how: str, value: ast.expr) -> bool:
        if name in self.outside or name in self.folds or not self.scalars[name].startswith("float"):
            return False
        self.folds[name] = how
        self.invariant.discard(name)  # read nowhere else
        self.dtypes.add(self.scalars[name])
        return self.expression(value)

    def _store(self, name: str, index: ast.expr) -> bool:
        found = affine(index, self.variable, self.invariant)
        if found is None or not found.stride or not self.arguments.get(name, "").endswith("*"):
            return False
        self._uses(name, index)
        self.stores[name, found] = None
        self.written.add(name)
        return True

    def expression(self, value: ast.expr) -> bool:
        stack: list[ast.expr] = [value]
        while stack:
            node = stack.pop()
            if type(node) is ast.Name:  # most of a long body is these two
                if not self._name(node.id):
                    return False
            elif type(node) is ast.BinOp:
                stack += (node.left, node.right)
            else:
                inside = self._operands(node)
                if inside is None:
                    return False
                stack += inside
        return True

    def _name(self, name: str) -> bool:
        if name in self.invariant:
            self.outside[name] = None
            return True
        return name == self.variable or name in self.inside

    def _operands(self, node: ast.expr) -> Sequence[ast.expr] | None:
        """What has to be looked at below; None for what is unknown to the translator."""
        match node:
            case ast.Constant():
                return ()
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                return (index,) if self._load(name, index) else None
            case ast.Call(func=ast.Name(id=name), args=arguments):
                self.dtypes |= {name} & {"float32", "float64"}
                known = name in SCALAR or name in ("select", "abs") or name in FUNCTIONS or name in CALLED
                return arguments if known else None
            case ast.Call(func=ast.Attribute(value=ast.Name(id="math"), attr=name), args=arguments):
                return arguments if name in _MATH else None
            case ast.Attribute(value=ast.Name(id="math"), attr=name):
                return () if name in _MATH else None
            case ast.Compare(left=a, ops=[_], comparators=[b]):
                return a, b
            case ast.UnaryOp(operand=a):
                return (a,)
            case _:
                return None

    def _load(self, name: str, index: ast.expr) -> bool:
        if name in self.written or not self.arguments.get(name, "").endswith("*"):
            return False
        found = affine(index, self.variable, self.invariant)
        if found is not None:
            self.loads[name, found] = None
        self._uses(name, index)
        return True

    def _uses(self, buffer: str, index: ast.expr) -> None:
        self.dtypes.add(self.arguments[buffer][:-1])
        self.outside[buffer] = None
        self._names(index)

    def _names(self, index: ast.expr) -> None:
        for node in ast.walk(index):
            if isinstance(node, ast.Name) and node.id in self.invariant:
                self.outside[node.id] = None


def _streams(walk: _Walk, lanes: int) -> dict[tuple[str, Affine], Stream]:
    """Accesses of one buffer, stride and base whose offsets are close share a stream, unless lanes would meet."""
    groups: dict[tuple[str, Polynomial, Polynomial], list[Affine]] = {}
    accesses = dict.fromkeys((*walk.loads, *walk.stores))
    for name, place in accesses:
        groups.setdefault((name, place.stride, place.base), []).append(place)
    streams: dict[tuple[str, Affine], Stream] = {}
    for (name, stride, base), places in groups.items():
        if not stride:
            continue  # one element for all points
        open_: list[Stream] = []
        for place in sorted(places, key=lambda p: p.offset):
            open_ = [s for s in open_ if place.offset - max(s.offsets) <= _CLOSE]
            stream = next((s for s in open_ if not _meet(s, place.offset, constant_of(stride), lanes)), None)
            if stream is None:
                stream = Stream(name, walk.arguments[name][:-1], stride, base)
                open_.append(stream)
            key = (name, place)
            streams[key] = stream
            if key in walk.loads:
                stream.loaded.add(place.offset)
            if key in walk.stores:
                stream.stored.add(place.offset)
    return streams


def _meet(stream: Stream, offset: int, stride: int | None, lanes: int) -> bool:
    """Whether another lane has an element of the stream where one has this offset.

    On the scratch array, lanes beyond the last point repeat it; they must not lie where another element does.
    """
    if not stride:
        return False
    return any((offset - o) % stride == 0 and 0 < abs((offset - o) // stride) < lanes for o in stream.offsets)
