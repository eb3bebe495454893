"""Loops over independent points, W of them at a time in the lanes of vectors.

A loop becomes a function of its own:

    for blocks of W points:  body
    for the rest, if any:    its elements into a scratch array, the same body on the scratch array, results back

so an element's result does not depend on where in the loop, or in which thread's share of it, the element lies. The
body is there once: its addresses point to memory or to the scratch array. Lanes beyond the rest repeat its last point.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from graphad.runtime.assembly import Assembly, Function, Word, function_name, kind
from graphad.runtime.elementary.functions import elementary
from graphad.runtime.expressions import BYTES, Expressions, UnsupportedError, Value
from graphad.runtime.indices import Polynomial, affine, parsed
from graphad.runtime.lane_plan import LanePlan
from graphad.runtime.numba_api import ir
from graphad.runtime.streams import ELEMENT, I64, Place, memory

INLINED = 24
"""Evaluations of elementary functions that are written in place, where they overlap and share what they can.

Of more, each function is written once and called: a thousand in place take twelve seconds to compile.
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
        flags: tuple[str, ...],
        fused: bool,
    ) -> None:
        self.plan, self.variable = plan, variable
        types = [*(v.ir.type for v in outside.values()), ir.IntType(64), ir.IntType(64)]
        self.function = Function(module, ir.FunctionType(ir.VoidType(), types), name)
        self.head = Assembly(module, "h", "set", fused)
        self.text = Assembly(module, "b", "body", fused)
        super().__init__(self.text, flags, {d: kind(e, plan.lanes) for d, e in ELEMENT.items()})
        self.arguments = {n: Value(None, v.dtype) for n, v in outside.items()}
        self.locals: dict[str, Value] = {}
        self.crowded = False
        self.places = [Place(k, s, plan.lanes, self.head, self.text) for k, s in enumerate(plan.distinct)]
        self.place_of = dict(zip(plan.distinct, self.places, strict=True))
        self.flags_of_indices = ("nsw",)

    # -- the body's expressions ----------------------------------------------------------------------------------------

    def write(self, body: Sequence[ast.stmt]) -> None:
        self.crowded = sum(isinstance(n, ast.Attribute) for s in body for n in ast.walk(s)) > INLINED
        for statement in body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.locals[name] = self.value(value)
                case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=index)], value=value):
                    self.store(name, index, self.value(value))
                case _:
                    pass  # a comment
        for place in self.places:
            place.prepare(self.polynomial(place.stream.base), self.polynomial(place.stream.stride))
        self.function.definition = self._definition()

    def _name(self, name: str) -> Value:
        if name == self.variable:
            return Value(self._points(), "int64")
        if name in self.locals:
            return self.locals[name]
        dtype = self.arguments[name].dtype
        return Value(self.head.splat(Word(kind(ELEMENT[dtype]), f"%a.{name}"), self.plan.lanes), dtype)

    def _points(self) -> Word:
        """The loop's variable in every lane; beyond the end, the last."""
        lanes = self.kinds["int64"]
        steps = Word(lanes, f"<{', '.join(f'i64 {k}' for k in range(lanes.lanes))}>")
        points = self.text.add(self.text.splat(Word(I64, "%i"), lanes.lanes), steps)
        last = self.head.splat(self.head.sub(Word(I64, "%stop"), I64(1)), lanes.lanes)
        return self.text.select(self.text.icmp_signed("<", points, last), points, last)

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
            return self._kept(self.head.splat(loaded, self.plan.lanes), dtype)
        place_ = self.place_of[self.plan.streams[name, found]]
        return self._kept(place_.load(found.offset), dtype)

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

    def store(self, name: str, index: ast.expr, value: Value) -> None:
        dtype = self.buffer(name)
        found = affine(index, self.variable, self._invariant())
        assert found is not None
        word = self.cast(value, dtype).ir
        if dtype == "bool":
            word = self.text.zext(word, word.type.of("i8"))
        self.place_of[self.plan.streams[name, found]].store(found.offset, word)

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

    # -- the function --------------------------------------------------------------------------------------------------

    def _definition(self) -> str:
        places = self.places
        parameters = [
            f"ptr noalias %a.{n}" if v.dtype.endswith("*") else f"{kind(ELEMENT[v.dtype])} %a.{n}"
            for n, v in self.arguments.items()
        ]
        lines = (
            f"define internal void {function_name(self.function.name)}"
            f"({', '.join([*parameters, 'i64 %start', 'i64 %stop'])}) noinline {{",
            "entry:",
            *(f" %s{p.number} = alloca [{p.room} x {p.element}], align 64" for p in places),
            " %some = icmp slt i64 %start, %stop",
            " br i1 %some, label %set, label %done",
            "set:",
            *self.head.lines,
            " %extent = sub i64 %stop, %start",
            f" %whole = and i64 %extent, -{self.plan.lanes}",
            " %last = add i64 %start, %whole",
            " br label %next",
            "next:",
            " %i = phi i64 [ %start, %set ], [ %i.next, %latch ]",
            " %left = sub i64 %stop, %i",
            " %full = icmp slt i64 %i, %last",
            " br i1 %full, label %direct, label %partial",
            "direct:",
            *(line for p in places for line in p.direct()),
            " br label %body",
            "partial:",
            " %left.last = sub i64 %left, 1",
            " %more = icmp sgt i64 %left, 0",
            " br i1 %more, label %fill, label %done",
            *self._copies("fill", str(self.plan.lanes), [line for p in places for line in p.fill()], "filled"),
            "filled:",
            *(line for p in places for line in p.scratch()),
            " br label %body",
            "body:",
            *(line for p in places for line in p.merged()),
            *self.text.lines,
            " br i1 %full, label %latch, label %flush",
            "latch:",
            f" %i.next = add nsw i64 %i, {self.plan.lanes}",
            " br label %next",
            *self._copies("flush", "%left", [line for p in places for line in p.flush()], "done"),
            "done:",
            " ret void",
            "}\n",
        )
        return "\n".join(lines)

    def _copies(self, name: str, stop: str, body: list[str], after: str) -> list[str]:
        """A loop over lanes, its variable %name.l; at least one."""
        before = {"fill": "partial", "flush": self.text.label}[name]
        return [
            f"{name}:",
            f" %{name}.l = phi i64 [ 0, %{before} ], [ %{name}.n, %{name} ]",
            *body,
            f" %{name}.n = add i64 %{name}.l, 1",
            f" %{name}.c = icmp slt i64 %{name}.n, {stop}",
            f" br i1 %{name}.c, label %{name}, label %{after}",
        ]
