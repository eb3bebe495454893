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
from itertools import islice
from typing import Any

from graphad.runtime.assembly import Assembly, Function, Kind, Word, function_name, kind
from graphad.runtime.elementary.functions import elementary
from graphad.runtime.elementary.quotient import Divisor
from graphad.runtime.elementary.real import Real
from graphad.runtime.expressions import CALLED, Value
from graphad.runtime.folds import Fold
from graphad.runtime.ir import ir
from graphad.runtime.lane_memory import LaneMemory
from graphad.runtime.lane_plan import LanePlan, folded
from graphad.runtime.loop_text import LoopText
from graphad.runtime.pieces import STATEMENTS, Mark, Pieces
from graphad.runtime.streams import ELEMENT, I64, Place
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


class Lanes(LaneMemory):
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
        calls = (n for s in body for n in _expressions(s) if _evaluates(n))
        self.crowded = next(islice(calls, INLINED, None), None) is not None
        self.divisors.update(_divisors(body))
        marks: list[Mark] = []
        for number, statement in enumerate(body):
            if number and number % STATEMENTS == 0:
                marks.append(Mark(len(self.text.lines), self.text.label))
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
                    self.store(name, index, self.value(value), self.passes(name, size))
                case ast.Expr(value=ast.Call(func=ast.Name(id="prefetch"), args=[ast.Name(id=name), index])):
                    self.prefetch(name, index)
                case _:
                    pass  # a comment
        for place in self.places:
            place.prepare(self.polynomial(place.stream.base), self.polynomial(place.stream.stride))
        if self.passing and not self.points:
            self.lead = self.lead_of(*self.passing[0])
        if len(self.text.lines) <= SHORT:
            for short in self.folds.values():
                short.ways = WAYS
        if len(marks) > 1:
            pieces = Pieces(self.function.name, self.text, marks)
            self.function.definition = pieces.complete(self._definition())
        else:
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
            quick = self.even(), f"call void {function_name(self.quick.function.name)}({arguments})"
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

    def general_power(self, x: Any, y: Any) -> Any:
        return self.library("pow", [x, y])

    def library(self, name: str, operands: Sequence[Any]) -> Any:
        if self.crowded:
            return self.text.apart(name, operands, lambda body, words: elementary(body, name, words))
        return elementary(self.text, name, operands)


def _evaluates(node: ast.expr) -> bool:
    """Whether it may be an evaluation of an elementary function."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in CALLED
        case ast.Attribute() | ast.BinOp(op=ast.Pow()):
            return True
        case _:
            return False


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """All that a statement computes. ``ast.walk`` looks at contexts and operators, too: it takes four times as long."""
    stack = [statement.value] if isinstance(statement, ast.Assign | ast.Expr) else []
    while stack:
        node = stack.pop()
        yield node
        match node:
            case ast.BinOp(left=a, right=b):
                stack += (a, b)
            case ast.Call(func=function, args=arguments):
                stack += (function, *arguments)
            case ast.UnaryOp(operand=a):
                stack.append(a)
            case ast.Compare(left=a, comparators=others):
                stack += (a, *others)
            case ast.Subscript(slice=index):
                stack.append(index)
            case _:
                pass


def _divisors(body: Sequence[ast.stmt]) -> Iterator[str]:
    """Names that something is divided by, as often as it is."""
    for statement in body:
        for node in _expressions(statement):
            match node:
                case ast.BinOp(op=ast.Div(), right=ast.Name(id=name)):
                    yield name
                case _:
                    pass
