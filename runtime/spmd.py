"""Loops in which all lanes run the same program: ``for l in lanes(16):`` of kernels' text.

    for l in lanes(16):
        for y in range(10):
            acc = registers(2, 10, float32(0.0))
            for k in range(25):
                for q in unrolled(10):
                    for r in unrolled(2):
                        acc[r, q] = (acc[r, q] + (x[16*k+16*q+l] * w[25*r+k]))

The loop is a function of its own, of vectors with a lane for each value of ``l``; where another such loop is all that
it has, for each pair of values. Loops inside are the same for all lanes; unrolled ones are written out; registers, and
scalars that are set more than once, are SSA values that go around the loops. So nothing is left for LLVM to find out:
not what to put into vectors, nor what to keep in registers.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphad.runtime.assembly import Assembly, Function, Word, function_name, kind
from graphad.runtime.expressions import UnsupportedError, Value
from graphad.runtime.ir import ir
from graphad.runtime.spmd_memory import Memory
from graphad.runtime.spmd_values import I64
from graphad.runtime.streams import ELEMENT
from graphad.runtime.sync import record_failure

Key = tuple[str, tuple[int, ...]]
_WIDE = '"prefer-vector-width"="512" "min-legal-vector-width"="512"'


class Together(Memory):
    """Writes the function of one loop over all lanes."""

    def __init__(
        self,
        module: Any,
        name: str,
        lane: tuple[str, int],
        pixel: tuple[str, int] | None,
        outside: dict[str, Value],
        flags: tuple[str, ...],
        fused: bool,
    ) -> None:
        """``lane``: the loop's variable and how many values it has; ``pixel``: the same of such a loop around it."""
        types = [v.ir.type for v in outside.values()]
        self.function = Function(module, ir.FunctionType(ir.VoidType(), types), name)
        super().__init__(Assembly(module, "b", "entry", fused), lane, pixel, flags)
        self.arguments = {n: Value(_argument(n, v.dtype), v.dtype) for n, v in outside.items()}
        self.parameters = list(self.arguments.values())
        self.arguments[lane[0]] = Value(self.lane, "int64")
        if pixel is not None:
            self.arguments[pixel[0]] = Value(self.pixel, "int64")
        self.often: set[str] = set()
        self.sets: dict[int, list[str]] = {}
        self.labels = 0

    def write(self, body: Sequence[ast.stmt]) -> None:
        self.often, self.written = set_often(body), written(body)
        self.block(body)
        names = ", ".join(
            f"{'ptr noalias' if v.dtype.endswith('*') else v.ir.type} {v.ir.text}" for v in self.parameters
        )
        head = f"define internal void {function_name(self.function.name)}({names}) noinline {_WIDE} {{"
        self.function.definition = "\n".join((head, "entry:", *self.text.lines, " ret void", "}\n"))

    # -- statements ----------------------------------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="registers"), args=[*extents, start])
            ):
                self.registers(name, [self.number(e) for e in extents], self.spread(self.value(start)))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found = self.value(value)
                self.set_name(name, self.spread(found) if name in self.often else found)
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=index)], value=value):
                if name in self.arrays:
                    self.set_element((name, self.place(index)), self.spread(self.value(value)))
                else:
                    self.store(name, index, self.value(value))
            case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=bounds), body=body):
                self.loop(name, bounds, body)
            case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="unrolled"), args=bounds), body=body):
                self.unroll(name, bounds, body)
            case ast.If(test=test, body=body, orelse=[]):
                self.condition(self.truth_of(test), body)
            case ast.Expr(value=ast.Call(func=ast.Name(id="fail"), args=[status, code, detail])):
                self.fail(*(self.value(a) for a in (status, code, detail)))
            case ast.Expr(value=ast.Call(func=ast.Name(id="prefetch"), args=[ast.Name(id=name), index])):
                self.prefetch(name, index)
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case _:
                raise UnsupportedError(ast.unparse(statement))

    def truth_of(self, test: ast.expr) -> Value:
        return Value(self.truth(self.value(test)), "bool")

    def registers(self, name: str, extents: Sequence[int], start: Value) -> None:
        for key in [k for k in self.elements if k[0] == name]:
            del self.elements[key]
        self.arrays.add(name)
        places: list[tuple[int, ...]] = [()]
        for extent in extents:
            places = [(*p, i) for p in places for i in range(extent)]
        for place in places:
            self.elements[name, place] = start

    def set_name(self, name: str, value: Value) -> None:
        if name in self.often and name in self.arguments and self.arguments[name].dtype != value.dtype:
            raise UnsupportedError(f"{name} is {self.arguments[name].dtype}, then {value.dtype}")
        self.arguments[name] = value

    def set_element(self, key: Key, value: Value) -> None:
        if key not in self.elements:
            raise UnsupportedError(f"{key[0]}{list(key[1])} is no register")
        self.elements[key] = self.cast(value, self.elements[key].dtype)

    # -- control -------------------------------------------------------------------------------------------------------

    def _label(self, stem: str) -> str:
        self.labels += 1
        return f"{stem}.{self.labels}"

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """What becomes known in a block that may not be run is forgotten behind it."""
        names = dict(self.arguments)
        with self.text.apart_from():
            yield
            self.arguments = {n: self.arguments[n] for n in names}

    def _assigned(self, body: Sequence[ast.stmt]) -> list[str]:
        """What the body sets; the trees outlive the walk, so each is looked at once."""
        found = self.sets.get(id(body))
        if found is None:
            found = self.sets[id(body)] = assigned(body)
        return found

    def _carried(self, body: Sequence[ast.stmt]) -> dict[str | Key, Value]:
        """Scalars and registers from outside that the body sets, as they are now."""
        names = self._assigned(body)
        carried: list[str | Key] = [n for n in names if n in self.often and n in self.arguments]
        carried += [k for k in self.elements if k[0] in names]
        return {k: self._get(k) for k in carried}

    def loop(self, name: str, bounds: Sequence[ast.expr], body: Sequence[ast.stmt]) -> None:
        numbers = [self.index(b) for b in bounds]
        if any(n.type.lanes for n in numbers):
            raise UnsupportedError(f"the bounds of {name} differ between lanes")
        start, stop = (I64(0), numbers[0]) if len(numbers) == 1 else numbers[:2]
        step = numbers[2] if len(numbers) == 3 else I64(1)
        runs = start.constant is not None and stop.constant is not None and start.constant < stop.constant
        if not runs:
            some = self.text.icmp_signed("<", start, stop)
        head, end = self._label(f"{name}.loop"), self._label(f"{name}.end")
        before = self.text.label
        outer = self._carried(body)
        self.text.write(f" br label %{head}" if runs else f" br i1 {some.text}, label %{head}, label %{end}")
        self.text.begin(head)
        variable = Word(I64, self.text.fresh())
        at = len(self.text.lines)
        inner = {k: Value(Word(v.ir.type, self.text.fresh()), v.dtype) for k, v in outer.items()}
        with self._inside():
            for k, v in inner.items():
                self._set(k, v)
            shadowed = self.arguments.get(name)
            self.arguments[name] = Value(variable, "int64")
            self.block(body)
            del self.arguments[name]
            if shadowed is not None:
                self.arguments[name] = shadowed
            last = {k: self._get(k) for k in outer}
            following = self.text.new(f"add nsw i64 {variable.text}, {step.text}", I64)
            again = self.text.new(f"icmp slt i64 {following.text}, {stop.text}", kind("i1"))
            latch = self.text.label
            self.text.write(f" br i1 {again.text}, label %{head}, label %{end}")
        phis = [f" {variable.text} = phi i64 [ {start.text}, %{before} ], [ {following.text}, %{latch} ]"]
        for k, v in inner.items():
            phis.append(
                f" {v.ir.text} = phi {v.ir.type} [ {outer[k].ir.text}, %{before} ], [ {last[k].ir.text}, %{latch} ]"
            )
        self.text.lines[at:at] = phis
        self.text.begin(end)
        for k, v in outer.items():
            self._set(k, last[k] if runs else self._merged(v, before, last[k], latch))

    def _merged(self, one: Value, there: str, other: Value, here: str) -> Value:
        of = one.ir.type
        word = self.text.new(f"phi {of} [ {one.ir.text}, %{there} ], [ {other.ir.text}, %{here} ]", of)
        return Value(word, one.dtype)

    def _get(self, key: str | Key) -> Value:
        return self.arguments[key] if isinstance(key, str) else self.elements[key]

    def _set(self, key: str | Key, value: Value) -> None:
        if isinstance(key, str):
            self.arguments[key] = value
        else:
            self.elements[key] = value

    def unroll(self, name: str, bounds: Sequence[ast.expr], body: Sequence[ast.stmt]) -> None:
        numbers = range(*(self.number(b) for b in bounds))
        for i in numbers:
            self.constants[name] = i
            self.block(body)
        self.constants.pop(name, None)

    def condition(self, test: Value, body: Sequence[ast.stmt]) -> None:
        if test.number is not None:
            if test.number:
                self.block(body)
        elif self.varies(test):
            self._masked(test.ir, body)
        else:
            self._branch(test.ir, body)

    def _masked(self, test: Word, body: Sequence[ast.stmt]) -> None:
        """Some lanes run the body, which sets nothing but memory."""
        if self._carried(body):
            raise UnsupportedError("a scalar set where lanes differ")
        outer = self.mask
        self.mask = test if outer is None else self.text.and_(outer, test)
        self.block(body)
        self.mask = outer

    def _branch(self, test: Word, body: Sequence[ast.stmt]) -> None:
        then, end = self._label("then"), self._label("end")
        before = self.text.label
        outer = self._carried(body)
        self.text.write(f" br i1 {test.text}, label %{then}, label %{end}")
        self.text.begin(then)
        with self._inside():
            self.block(body)
            last = {k: self._get(k) for k in outer}
            self.text.write(f" br label %{end}")
            inside = self.text.label
        self.text.begin(end)
        for k, v in outer.items():
            self._set(k, self._merged(v, before, last[k], inside))

    def fail(self, status: Value, code: Value, detail: Value) -> None:
        """The run fails with the detail of the first lane that is here."""
        words = [code.ir, self.spread(self.cast(detail, "int64")).ir]
        if self.mask is None:
            self._fail(status.ir, words[0], self.text.extract(words[1], 0))
            return
        bits = self.text.pure(f"bitcast {self.mask.type} {self.mask.text} to i{self.lanes}", kind("i1"))
        some = self.text.any(self.mask)
        then, end = self._label("fail"), self._label("end")
        self.text.write(f" br i1 {some.text}, label %{then}, label %{end}")
        self.text.begin(then)
        with self._inside():
            name = f"llvm.cttz.i{self.lanes}"
            self._declare(name, f"i{self.lanes} (i{self.lanes}, i1)")
            first = self.text.new(f"call i{self.lanes} {function_name(name)}(i{self.lanes} {bits.text}, i1 true)", I64)
            lane = self.text.new(f"zext i{self.lanes} {first.text} to i64", I64)
            one = self.text.new(f"extractelement {words[1].type} {words[1].text}, i64 {lane.text}", I64)
            self._fail(status.ir, words[0], one)
            self.text.write(f" br label %{end}")
        self.text.begin(end)

    def _fail(self, status: Word, code: Word, detail: Word) -> None:
        name = _failing(self.text.module)
        self.text.write(f" call void {function_name(name)}(ptr {status.text}, i64 {code.text}, i64 {detail.text})")


def _argument(name: str, dtype: str) -> Word:
    return Word(kind("i64") if dtype.endswith("*") else kind(ELEMENT[dtype]), f"%a.{name}")


def _failing(module: Any) -> str:
    """The function that records a failure, once a module."""
    name = "graphad_fail"
    if name not in module.globals:
        i64 = ir.IntType(64)
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [i64.as_pointer(), i64, i64]), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        record_failure(builder, *function.args)
        builder.ret_void()
    return name


def assigned(body: Sequence[ast.stmt]) -> list[str]:
    """The names of scalars, registers and buffers that are set, in order."""
    return list(dict.fromkeys(name for name, _ in _targets(body)))


def _targets(body: Sequence[ast.stmt]) -> Iterator[tuple[str, bool]]:
    """The name of every statement's target, and whether it has an index; only loops and branches have bodies."""
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name, False
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))]):
                yield name, True
            case ast.For(body=inner) | ast.If(body=inner):
                yield from _targets(inner)
            case _:
                pass


def set_often(body: Sequence[ast.stmt]) -> set[str]:
    """Scalars that more than one statement sets."""
    counts = Counter(name for name, indexed in _targets(body) if not indexed)
    return {n for n, count in counts.items() if count > 1}


def written(body: Sequence[ast.stmt]) -> frozenset[str]:
    """Names that are set with an index: buffers, and registers."""
    return frozenset(name for name, indexed in _targets(body) if indexed)


def used(body: Sequence[ast.stmt]) -> set[str]:
    """All names that stand in the body."""
    return {n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name)}
