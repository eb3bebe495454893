"""Loops over independent points, W of them at a time in the lanes of vectors.

A loop becomes a function of its own:

    for blocks of W points:  body
    for the rest, if any:    its elements into a scratch array, the same body on the scratch array, results back

so an element's result does not depend on where in the loop, or in which thread's share of it, the element lies. The
body is there once: its addresses point to memory or to the scratch array. Lanes beyond the rest repeat its last point.
Where results pass the caches by, which takes whole lines, points before the first line of the result go the way of the
rest, too.

A scalar that points are folded into, ``a = a + x`` or ``a = maximum(a, x)``, is a vector in the loop, which lanes
beyond the rest leave alone; behind it its lanes are folded in pairs, in a fixed order.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from graphad.runtime.assembly import Assembly, Function, Kind, Word, function_name, kind
from graphad.runtime.elementary.functions import elementary
from graphad.runtime.elementary.quotient import Divisor
from graphad.runtime.elementary.real import Real
from graphad.runtime.expressions import BYTES, Expressions, UnsupportedError, Value
from graphad.runtime.folds import Fold
from graphad.runtime.indices import Polynomial, affine, parsed
from graphad.runtime.ir import ir
from graphad.runtime.lane_plan import LanePlan, folded
from graphad.runtime.loop_text import LoopText
from graphad.runtime.streams import ELEMENT, I64, Place, memory
from graphad.runtime.whole_text import WholeText

INLINED = 24
"""Evaluations of elementary functions that are written in place, where they overlap and share what they can.

Of more, each function is written once and called: a thousand in place take twelve seconds to compile.
"""


SHARED = {"float32": 3, "float64": 2}
"""Quotients by one divisor from which on its inverse pays: a division takes as long as ten to twenty operations."""


SHORT = 12  # instructions of a body that is over before a sum is
WAYS = 4
"""Vectors that such a loop folds points into in turn, so that none waits for the one before."""


BLOCKS = 32
"""Blocks of a loop from which on it pays to begin at a line of the result: less than whole lines passes no cache by."""


STREAMED = 4 << 20
"""Bytes of a result from which on it passes the caches by: more than a core has for itself.

Written past them, memory need not be read first, which is a third of the traffic of a copy.
"""

SCRATCH = "t"
"""How the names of buffers begin that only kernels know: a row of scratch ends, and beyond may be no memory at all."""

AHEAD = 4096
"""Bytes that a loop whose stores pass the caches by fetches before their turn: the processor looks ahead by itself, but
not into the next page.
"""


class Lanes(Expressions):
    """Writes the function of one loop."""

    def __init__(
        self,
        module: Any,
        name: str,
        variable: str,
        plan: LanePlan,
        outside: dict[str, Value],
        totals: dict[str, Value],
        flags: tuple[str, ...],
        fused: bool,
        points: range | None = None,
        quick: Lanes | None = None,
    ) -> None:
        """``points``: those of a loop that has whole vectors of them, and begins where results begin with a vector's
        bytes; else the function takes the first and the last as arguments. ``quick``: does such a one's.
        """
        self.plan, self.variable, self.points, self.quick = plan, variable, points, quick
        bounds = [] if points else [ir.IntType(64)] * 2
        types = [*(v.ir.type for v in (*outside.values(), *totals.values())), *bounds]
        self.function = Function(module, ir.FunctionType(ir.VoidType(), types), name)
        self.head = Assembly(module, "h", "set", fused)
        self.text = Assembly(module, "b", "body", fused)
        super().__init__(self.text, flags, {d: kind(e, plan.lanes) for d, e in ELEMENT.items()})
        self.arguments = {n: Value(None, v.dtype) for n, v in outside.items()}
        self.locals: dict[str, Value] = {}
        self.splats: dict[str, Word] = {}  # what is in every lane alike, as a scalar
        self.divisors: Counter[str] = Counter()  # how often something is divided by the scalar of that name
        self.shared: dict[str, Divisor | None] = {}  # by the text of what several are divided by; None until needed
        self.crowded = False
        self.passing: list[tuple[Place, int, Word]] = []  # stores that may pass the caches by
        self.lead: Word | None = None  # points before the first line of its result
        even = points is not None
        self.places = [Place(k, s, plan.lanes, self.head, self.text, even) for k, s in enumerate(plan.distinct)]
        self.place_of = dict(zip(plan.distinct, self.places, strict=True))
        self.flags_of_indices = ("nsw",)
        self.folds = {n: Fold(n, plan.folds[n], self.kinds[v.dtype]) for n, v in totals.items()}

    # -- the body's expressions ----------------------------------------------------------------------------------------

    def write(self, body: Sequence[ast.stmt]) -> None:
        self.crowded = sum(isinstance(n, ast.Attribute) for s in body for n in ast.walk(s)) > INLINED
        self.divisors.update(_divisors(body))
        for statement in body:
            fold = folded(statement)
            if fold is not None and fold[0] in self.folds:
                self._fold(fold[0], fold[2])
                continue
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.locals[name] = self._local(name, self.value(value))
                case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=index)], value=value):
                    self.store(name, index, self.value(value))
                case ast.Expr(value=ast.Call(func=ast.Name(id="stream"), args=[ast.Name(id=name), index, value, size])):
                    self.store(name, index, self.value(value), self._passing(name, size))
                case ast.Expr(value=ast.Call(func=ast.Name(id="prefetch"), args=[ast.Name(id=name), index])):
                    self.prefetch(name, index)
                case _:
                    pass  # a comment
        for place in self.places:
            place.prepare(self.polynomial(place.stream.base), self.polynomial(place.stream.stride))
        if self.passing and not self.points:
            self.lead = self._lead(*self.passing[0])
        if len(self.text.lines) <= SHORT:
            for short in self.folds.values():
                short.ways = WAYS
        self.function.definition = self._definition()

    def _definition(self) -> str:
        folds = list(self.folds.values())
        parameters = [
            f"ptr noalias %a.{n}" if v.dtype.endswith("*") else f"{kind(ELEMENT[v.dtype])} %a.{n}"
            for n, v in self.arguments.items()
        ]
        parameters += [f.parameter for f in folds]
        name = function_name(self.function.name)
        if self.points:
            signature = f"define internal void {name}({', '.join(parameters)})"
            whole = WholeText(signature, self.points, self.places, folds, self.head, self.text, self.flags)
            return whole.definition()
        quick = None
        if self.quick:
            arguments = ", ".join(parameters).replace(" noalias", "")
            quick = self._even(), f"call void {function_name(self.quick.function.name)}({arguments})"
        signature = f"define internal void {name}({', '.join([*parameters, 'i64 %start', 'i64 %stop'])})"
        lanes = self.plan.lanes
        text = LoopText(signature, self.places, folds, self.head, self.text, self.lead, lanes, self.flags, quick)
        return text.definition()

    def _fold(self, name: str, value: ast.expr) -> None:
        fold = self.folds[name]
        fold.take(self.text, self.cast(self.value(value), self.dtype_of(fold.kind)).ir, self.flags)

    def dtype_of(self, vector: Kind) -> str:
        return next(d for d, k in self.kinds.items() if k is vector)

    def _name(self, name: str) -> Value:
        if name == self.variable:
            return Value(self._points(), "int64")
        if name in self.locals:
            return self.locals[name]
        dtype = self.arguments[name].dtype
        scalar = Word(kind(ELEMENT[dtype]), f"%a.{name}")
        word = self.head.splat(scalar, self.plan.lanes)
        self.splats[word.text] = scalar
        return Value(word, dtype)

    def _points(self) -> Word:
        """The loop's variable in every lane; beyond the end, the last."""
        lanes = self.kinds["int64"]
        steps = Word(lanes, f"<{', '.join(f'i64 {k}' for k in range(lanes.lanes))}>")
        points = self.text.add(self.text.splat(Word(I64, "%i"), lanes.lanes), steps)
        if self.points:
            return points
        last = self.head.splat(self.head.sub(Word(I64, "%stop"), I64(1)), lanes.lanes)
        return self.text.select(self.text.icmp_signed("<", points, last), points, last)

    def compare(self, op: ast.cmpop, a: Value, b: Value) -> Value:
        """Where the loop's variable is one number, or is not: that lane, if it is in the block, in 32 bits a lane."""
        scalar = self.splats.get(b.ir.text) if isinstance(b.ir, Word) else None
        whole = a.dtype == b.dtype == "int64"
        if not isinstance(op, ast.Eq | ast.NotEq) or not whole or scalar is None or a.ir != self._points():
            return super().compare(op, a, b)
        write, narrow = self.text, self.kinds["int32"]
        ahead = write.sub(scalar, Word(I64, "%i"))
        there = write.icmp_unsigned("<", ahead, I64(self.plan.lanes))
        lane = write.trunc(write.select(there, ahead, I64(-1)), kind("i32"))
        steps = Word(narrow, f"<{', '.join(f'i32 {k}' for k in range(narrow.lanes))}>")
        sign = "==" if isinstance(op, ast.Eq) else "!="
        return Value(write.icmp_signed(sign, steps, write.splat(lane, narrow.lanes)), "bool")

    def _local(self, name: str, value: Value) -> Value:
        if value.is_float and self.divisors[name] >= SHARED[value.dtype]:
            self.shared.setdefault(value.ir.text, None)
        return value

    def binary(self, op: ast.operator, a: Value, b: Value) -> Value:
        if not isinstance(op, ast.Div) or not self.text.fused or a.dtype != b.dtype:
            return super().binary(op, a, b)
        if b.ir.text not in self.shared and not self._uniform(b.ir):
            return super().binary(op, a, b)
        divisor = self.shared.get(b.ir.text)
        if divisor is None:
            home = self.head if self._uniform(b.ir) else self.text
            divisor = self.shared[b.ir.text] = Divisor(Real(home, b.ir))
        return Value(divisor.divide(Real(self.text, a.ir)).word, a.dtype)

    def _uniform(self, word: Any) -> bool:
        """A float that is the same in every lane of every block, and not constant."""
        return word.type.element in ("float", "double") and word.text in self.splats

    def power(self, dtype: str, a: Value, b: Value, x: Any, y: Any) -> Value:
        if not dtype.startswith("float"):
            raise UnsupportedError("a power of integers")
        if b.number == 2:
            return Value(self.text.fmul(x, x), dtype)
        return Value(self.library("pow", [x, y]), dtype)

    def library(self, name: str, operands: Sequence[Any]) -> Any:
        if self.crowded:
            return self.text.apart(name, operands, lambda body, words: elementary(body, name, words))
        return elementary(self.text, name, operands)

    # -- memory --------------------------------------------------------------------------------------------------------

    def load(self, name: str, index: ast.expr) -> Value:
        dtype = self.buffer(name)
        found = affine(index, self.variable, self._invariant())
        if found is None:
            return self._kept(self._gathered(name, dtype, self.index_in_lanes(index)), dtype)
        if not found.stride:
            place = self.polynomial((*found.base, ((), found.offset)) if found.offset else found.base)
            address = self.head.address(memory(dtype), f"%a.{name}", place.text)
            # once, before the loop, which does not write it: no point may read what another one writes
            loaded = self.head.load(memory(dtype), address, BYTES[dtype])
            word = self.head.splat(loaded, self.plan.lanes)
            self.splats[word.text] = loaded
            return self._kept(word, dtype)
        place_ = self.place_of[self.plan.streams[name, found]]
        ahead = self.plan.streamed and name not in self.plan.fetched and not name.startswith(SCRATCH)
        return self._kept(place_.load(found.offset, AHEAD if ahead else 0), dtype)

    def _kept(self, loaded: Word, dtype: str) -> Value:
        return Value(self.text.trunc(loaded, self.kinds["bool"]) if dtype == "bool" else loaded, dtype)

    def index_in_lanes(self, index: ast.expr) -> Word:
        word: Word = self.cast(self.value(index), "int64").ir
        return word

    def _gathered(self, name: str, dtype: str, places: Word) -> Word:
        element = memory(dtype)
        out = Word(kind(element.element, self.plan.lanes), "poison")
        for lane in range(self.plan.lanes):
            place = self.text.extract(places, lane)
            address = self.text.address(element, f"%a.{name}", place.text)
            out = self.text.insert(out, self.text.load(element, address, BYTES[dtype]), lane)
        return out

    def prefetch(self, name: str, index: ast.expr) -> None:
        """The line of the first point: at stride 1 a vector is no longer than that."""
        found = affine(index, self.variable, self._invariant())
        assert found is not None
        base = self.polynomial((*found.base, ((), found.offset)))
        step = self.text.mul(Word(I64, "%i"), self.polynomial(found.stride), self.flags_of_indices)
        element = memory(self.buffer(name))
        address = self.text.address(element, f"%a.{name}", self.text.add(step, base, self.flags_of_indices).text)
        self.text.prefetch(address)

    def _passing(self, name: str, size: ast.expr) -> Word | None:
        """Whether a result of so many elements is too large for the caches; None if it is known to be small."""
        limit = STREAMED // BYTES[self.buffer(name)]
        number = self._scalar(size)
        if number.constant is None:
            return self.head.icmp_signed(">=", number, I64(limit))
        return kind("i1")(True) if number.constant >= limit else None

    def store(self, name: str, index: ast.expr, value: Value, passing: Word | None = None) -> None:
        dtype = self.buffer(name)
        found = affine(index, self.variable, self._invariant())
        assert found is not None
        word = self.cast(value, dtype).ir
        if dtype == "bool":
            word = self.text.zext(word, word.type.of("i8"))
        place = self.place_of[self.plan.streams[name, found]]
        if passing is not None and place.fixed == 1:
            self.passing.append((place, found.offset, passing))
        place.store(found.offset, word, passing)

    def _lead(self, place: Place, offset: int, passing: Word) -> Word:
        """Points from the start to a multiple of a vector's bytes; 0 where that is of no use."""
        head, start = self.head, Word(I64, "%start")
        bytes_ = self._ahead(place, offset)
        points = head.sdiv(bytes_, I64(place.align))
        extent = head.sub(Word(I64, "%stop"), start)
        wanted = head.icmp_signed(">=", extent, I64(BLOCKS * self.plan.lanes))
        if passing.constant is not True:
            wanted = head.and_(wanted, passing)
        return head.select(wanted, points, I64(0))

    def _ahead(self, place: Place, offset: int) -> Word:
        """Bytes from the first element to a multiple of a vector's bytes."""
        head = self.head
        first = head.address(place.element, place.start, head.add(Word(I64, "%start"), I64(offset)).text)
        number = head.pure(f"ptrtoint ptr {first} to i64", I64)
        return head.and_(head.sub(I64(0), number), I64(place.count * place.align - 1))

    def _even(self) -> Word:
        """Whether all that may pass the caches by does, and begins at a multiple of a vector's bytes."""
        total = I64(0)
        for place, offset, _ in self.passing:
            total = self.head.or_(total, self._ahead(place, offset))
        found = self.head.icmp_signed("==", total, I64(0))
        for _, _, passing in self.passing:
            found = found if passing.constant is True else self.head.and_(found, passing)
        return found

    def _invariant(self) -> list[str]:
        return [n for n, v in self.arguments.items() if not v.dtype.endswith("*")]

    def polynomial(self, terms: Polynomial) -> Word:
        """Its value, computed before the loop."""
        total = I64(0)
        for monomial, factor in terms:
            product = I64(factor)
            for name in monomial:
                atom = self._atom(name)
                product = atom if product.constant == 1 else self.head.mul(product, atom, self.flags_of_indices)
            total = product if total.constant == 0 else self.head.add(total, product, self.flags_of_indices)
        return total

    def _atom(self, name: str) -> Word:
        if name in self.arguments:
            dtype = self.arguments[name].dtype
            word = Word(kind(ELEMENT[dtype]), f"%a.{name}")
            return word if dtype == "int64" else self.head.sext(word, I64)
        tree = parsed(name)
        assert isinstance(tree, ast.BinOp)
        return self.head.sdiv(self._scalar(tree.left), self._scalar(tree.right))

    def _scalar(self, tree: ast.expr) -> Word:
        found = affine(tree, "", self._invariant())
        assert found is not None
        return self.polynomial((*found.base, ((), found.offset)))


def _divisors(body: Sequence[ast.stmt]) -> Iterator[str]:
    """Names that something is divided by, as often as it is."""
    for statement in body:
        for node in ast.walk(statement):
            match node:
                case ast.BinOp(op=ast.Div(), right=ast.Name(id=name)):
                    yield name
                case _:
                    pass
