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

from graphad.runtime.assembly import Assembly, Function, Kind, Word, function_name, kind
from graphad.runtime.elementary.functions import elementary
from graphad.runtime.expressions import BYTES, Expressions, UnsupportedError, Value
from graphad.runtime.indices import Polynomial, affine, constant_of, parsed
from graphad.runtime.lane_plan import LanePlan, Stream
from graphad.runtime.numba_api import ir

_ELEMENT = {"bool": "i1", "int32": "i32", "int64": "i64", "float32": "float", "float64": "double"}
_SCRATCH = 4096  # bytes: beyond, the elements of a stream lie closer together in the scratch array than in memory
I64 = kind("i64")


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
        super().__init__(self.text, flags, {d: kind(e, plan.lanes) for d, e in _ELEMENT.items()})
        self.arguments = {n: Value(None, v.dtype) for n, v in outside.items()}
        self.locals: dict[str, Value] = {}
        self.places = [_Place(self, k, s) for k, s in enumerate(plan.distinct)]
        self.place_of = dict(zip(plan.distinct, self.places, strict=True))
        self.flags_of_indices = ("nsw",)

    # -- the body's expressions ----------------------------------------------------------------------------------------

    def write(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.locals[name] = self.value(value)
                case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=index)], value=value):
                    self.store(name, index, self.value(value))
                case _:
                    pass  # a comment
        for place in self.places:
            place.finish()
            place.prepare()
        self.function.definition = self._definition()

    def _name(self, name: str) -> Value:
        if name == self.variable:
            return Value(self._points(), "int64")
        if name in self.locals:
            return self.locals[name]
        dtype = self.arguments[name].dtype
        return Value(self.head.splat(Word(kind(_ELEMENT[dtype]), f"%a.{name}"), self.plan.lanes), dtype)

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
        return elementary(self.text, name, operands)

    # -- memory --------------------------------------------------------------------------------------------------------

    def load(self, name: str, index: ast.expr) -> Value:
        dtype = self.buffer(name)
        found = affine(index, self.variable, self._invariant())
        if found is None:
            return self._kept(self._gathered(name, dtype, self.index_in_lanes(index)), dtype)
        if not found.stride:
            place = self.polynomial((*found.base, ((), found.offset)) if found.offset else found.base)
            address = self.head.address(_memory(dtype), f"%a.{name}", place.text)
            # once, before the loop, which does not write it: no point may read what another one writes
            loaded = self.head.load(_memory(dtype), address, BYTES[dtype])
            return self._kept(self.head.splat(loaded, self.plan.lanes), dtype)
        place_ = self.place_of[self.plan.streams[name, found]]
        return self._kept(place_.load(found.offset), dtype)

    def _kept(self, loaded: Word, dtype: str) -> Value:
        return Value(self.text.trunc(loaded, self.kinds["bool"]) if dtype == "bool" else loaded, dtype)

    def index_in_lanes(self, index: ast.expr) -> Word:
        word: Word = self.cast(self.value(index), "int64").ir
        return word

    def _gathered(self, name: str, dtype: str, places: Word) -> Word:
        element = _memory(dtype)
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
            word = Word(kind(_ELEMENT[dtype]), f"%a.{name}")
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
            f"ptr noalias %a.{n}" if v.dtype.endswith("*") else f"{kind(_ELEMENT[v.dtype])} %a.{n}"
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


def _memory(dtype: str) -> Kind:
    return kind("i8" if dtype == "bool" else _ELEMENT[dtype])


class _Place:
    """A stream's addresses: %pK is where the elements of offset 0 begin, for a block in memory or on scratch."""

    def __init__(self, lanes: Lanes, number: int, stream: Stream) -> None:
        self.lanes, self.number, self.stream = lanes, number, stream
        self.element = _memory(stream.dtype)
        self.vector = kind(self.element.element, lanes.plan.lanes)
        self.align = BYTES[stream.dtype]
        self.low = min(stream.offsets)
        span = max(stream.offsets) - self.low + 1
        stride, count = constant_of(stream.stride), lanes.plan.lanes
        self.fixed = stride if stride is not None and 0 < stride * count * self.align <= _SCRATCH else None
        self.near = self.fixed or span  # between lanes on the scratch array
        self.room = (count - 1) * self.near + span
        self.waiting: dict[int, Word] = {}

    def _offsets_of_lanes(self, offset: int) -> list[str]:
        """From %pK to each lane's element."""
        found, k, write = [], self.number, self.lanes.text
        for lane in range(self.lanes.plan.lanes):
            if self.fixed is not None:
                found.append(write.address(self.element, f"%p{k}", str(lane * self.fixed + offset)))
                continue
            row = write.pure(f"mul nsw i64 %t{k}, {lane}", I64).text
            start = write.address(self.element, f"%p{k}", row)
            found.append(write.address(self.element, start, str(offset)))
        return found

    def load(self, offset: int) -> Word:
        write = self.lanes.text
        if self.fixed == 1:
            address = write.address(self.element, f"%p{self.number}", str(offset))
            return write.load(self.vector, address, self.align)
        out = Word(self.vector, "poison")
        for lane, address in enumerate(self._offsets_of_lanes(offset)):
            out = write.insert(out, write.load(self.element, address, self.align), lane)
        return out

    def store(self, offset: int, word: Word) -> None:
        """Stores at a stride wait for their neighbours: nothing in the body reads what it stores."""
        if self.fixed == 1:
            address = self.lanes.text.address(self.element, f"%p{self.number}", str(offset))
            self.lanes.text.store(word, address, self.align)
        else:
            self.waiting[offset] = word

    def finish(self) -> None:
        """As many neighbours as there are lanes are transposed and stored as vectors; the others one by one."""
        offsets, count, write = sorted(self.waiting), self.lanes.plan.lanes, self.lanes.text
        while offsets:
            first = offsets[0]
            row = [first + k for k in range(count)]
            if offsets[:count] == row and count & (count - 1) == 0:
                columns = _transposed(write, [self.waiting[o] for o in row])
                for address, word in zip(self._offsets_of_lanes(first), columns, strict=True):
                    write.store(word, address, self.align)
                offsets = offsets[count:]
                continue
            for lane, address in enumerate(self._offsets_of_lanes(first)):
                write.store(write.extract(self.waiting[first], lane), address, self.align)
            offsets = offsets[1:]

    # -- addresses -----------------------------------------------------------------------------------------------------

    def _start(self) -> str:
        """The address of the base."""
        head = self.lanes.head
        base = self.lanes.polynomial(self.stream.base)
        return head.address(self.element, f"%a.{self.stream.buffer}", base.text)

    def prepare(self) -> None:
        """What is computed before the loop."""
        self.start, self.stride = self._start(), self.lanes.polynomial(self.stream.stride).text

    def _point(self, name: str, point: str) -> list[str]:
        return [
            f" %{name}.m = mul nsw i64 {self.stride}, {point}",
            f" %{name} = getelementptr {self.element}, ptr {self.start}, i64 %{name}.m",
        ]

    def direct(self) -> list[str]:
        return self._point(f"d{self.number}", "%i")

    def scratch(self) -> list[str]:
        return [f" %r{self.number} = getelementptr {self.element}, ptr %s{self.number}, i64 {-self.low}"]

    def merged(self) -> list[str]:
        k = self.number
        lines = [f" %p{k} = phi ptr [ %d{k}, %direct ], [ %r{k}, %filled ]"]
        if self.fixed is None:
            lines.append(f" %t{k} = phi i64 [ {self.stride}, %direct ], [ {self.near}, %filled ]")
        return lines

    def fill(self) -> list[str]:
        """Scratch elements of lane %fill.l from the point that it stands for."""
        k = self.number
        if not self.stream.loaded:
            return []
        lines = [
            f" %f{k}.b = icmp slt i64 %fill.l, %left.last",
            f" %f{k}.l = select i1 %f{k}.b, i64 %fill.l, i64 %left.last",
            f" %f{k}.i = add i64 %i, %f{k}.l",
            *self._point(f"f{k}.p", f"%f{k}.i"),
            f" %f{k}.t = mul i64 %fill.l, {self.near}",
        ]
        for n, offset in enumerate(sorted(self.stream.loaded)):
            lines += self._copy(f"f{k}.{n}", f"%f{k}.p", str(offset), f"%f{k}.t", offset, into_scratch=True)
        return lines

    def flush(self) -> list[str]:
        """Memory of point %i + %flush.l from the scratch elements."""
        k = self.number
        if not self.stream.stored:
            return []
        lines = [
            f" %g{k}.i = add i64 %i, %flush.l",
            *self._point(f"g{k}.p", f"%g{k}.i"),
            f" %g{k}.t = mul i64 %flush.l, {self.near}",
        ]
        for n, offset in enumerate(sorted(self.stream.stored)):
            lines += self._copy(f"g{k}.{n}", f"%g{k}.p", str(offset), f"%g{k}.t", offset, into_scratch=False)
        return lines

    def _copy(self, name: str, point: str, place: str, row: str, offset: int, into_scratch: bool) -> list[str]:
        memory, scratch = f"%{name}.m", f"%{name}.s"
        source, target = (memory, scratch) if into_scratch else (scratch, memory)
        return [
            f" {memory} = getelementptr {self.element}, ptr {point}, i64 {place}",
            f" %{name}.o = add i64 {row}, {offset - self.low}",
            f" {scratch} = getelementptr {self.element}, ptr %s{self.number}, i64 %{name}.o",
            f" %{name}.v = load {self.element}, ptr {source}, align {self.align}",
            f" store {self.element} %{name}.v, ptr {target}, align {self.align}",
        ]


def _transposed(write: Assembly, rows: list[Word]) -> list[Word]:
    """Word k has element k of every row: log2(n) rounds of exchanges between rows that are a power of two apart."""
    n, step = len(rows), 1
    while step < n:
        old = list(rows)
        for i in range(n):
            if i & step:
                continue
            first = [k if not k & step else n + (k ^ step) for k in range(n)]
            second = [k | step if not k & step else n + k for k in range(n)]
            rows[i] = _shuffled(write, old[i], old[i | step], first)
            rows[i | step] = _shuffled(write, old[i], old[i | step], second)
        step *= 2
    return rows


def _shuffled(write: Assembly, a: Word, b: Word, order: Sequence[int]) -> Word:
    mask = ", ".join(f"i32 {k}" for k in order)
    return write.pure(f"shufflevector {a.type} {a.text}, {b.type} {b.text}, <{len(order)} x i32> <{mask}>", a.type)
