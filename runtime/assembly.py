"""LLVM instructions on vectors, written as text.

`Assembly` has the methods of llvmlite's builder that expressions use, so the same code emits scalars there and vectors
here. Text because it is fast: an instruction costs about a microsecond, an object of llvmlite's ten. An instruction
that was written before is not written again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from graphad.runtime.ir import ir

Number = bool | int | float
_SCALAR = {
    "double": ir.DoubleType(), "float": ir.FloatType(), "i64": ir.IntType(64), "i32": ir.IntType(32),
    "i16": ir.IntType(16), "i8": ir.IntType(8), "i1": ir.IntType(1),
}  # fmt: skip
_WIDTH = {"double": 64, "float": 32, "i64": 64, "i32": 32, "i16": 16, "i8": 8, "i1": 1}
_SIGNED = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}
_UNSIGNED = {"<": "ult", "<=": "ule", ">": "ugt", ">=": "uge", "==": "eq", "!=": "ne"}
_ORDERED = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq"}
_UNORDERED = {"!=": "une", "uno": "uno"}


class Kind:
    """An LLVM type: an element and how many of it (0: a scalar). Called with a number, the constant."""

    def __init__(self, element: str, lanes: int) -> None:
        self.element, self.lanes, self.width = element, lanes, _WIDTH[element]
        self.text = f"<{lanes} x {element}>" if lanes else element
        self.suffix = f"{f'v{lanes}' if lanes else ''}{element if element[0] == 'i' else f'f{self.width}'}"
        self._constants: dict[str, Word] = {}

    def __str__(self) -> str:
        return self.text

    def __call__(self, number: Number) -> Word:
        key = repr(number)
        if key not in self._constants:
            literal = _literal(self.element, number)
            self._constants[key] = Word(self, f"splat ({self.element} {literal})" if self.lanes else literal, number)
        return self._constants[key]

    def of(self, element: str) -> Kind:
        """As many of another element."""
        return kind(element, self.lanes)

    @property
    def llvm(self) -> Any:
        """The same type as an object of llvmlite's."""
        return ir.VectorType(_SCALAR[self.element], self.lanes) if self.lanes else _SCALAR[self.element]


@cache
def kind(element: str, lanes: int = 0) -> Kind:
    """The one object of a type."""
    return Kind(element, lanes)


class Word(NamedTuple):
    """A value: its type, its name or literal, and the number if it is constant."""

    type: Kind
    text: str
    constant: Number | None = None


def _literal(element: str, number: Number) -> str:
    if element[0] == "i":
        return str(int(number)) if element != "i1" else str(bool(number)).lower()
    if element == "float":
        number = struct.unpack("f", struct.pack("f", number))[0]
    return f"0x{struct.unpack('Q', struct.pack('d', number))[0]:016X}"


def function_name(name: str) -> str:
    """As LLVM's text refers to a function."""
    return f'@"{name}"'


class Function(ir.Function):  # type: ignore[misc]
    """A function of an llvmlite module whose body is text."""

    def __init__(self, module: Any, kind: Any, name: str) -> None:
        super().__init__(module, kind, name)
        self.definition = ""

    def __str__(self) -> str:
        return self.definition


class Assembly:
    """Writes instructions to ``lines``; ``label`` is the block that is open."""

    def __init__(self, module: Any, prefix: str, label: str, fused: bool) -> None:
        self.module, self.prefix, self.label, self.fused = module, prefix, label, fused
        self.lines: list[str] = []
        self._known: dict[str, Word] = {}
        self._count = 0

    # -- writing -------------------------------------------------------------------------------------------------------

    def fresh(self) -> str:
        self._count += 1
        return f"%{self.prefix}{self._count}"

    def write(self, line: str) -> None:
        self.lines.append(line)

    def begin(self, label: str) -> None:
        """Open a block that the open ones lead to."""
        self.lines.append(f"{label}:")
        self.label = label

    def new(self, instruction: str, kind: Kind) -> Word:
        """An instruction that has to be written even where its like was before."""
        name = self.fresh()
        self.lines.append(f" {name} = {instruction}")
        return Word(kind, name)

    def pure(self, instruction: str, kind: Kind) -> Word:
        known = self._known.get(instruction)
        if known is None:
            known = self._known[instruction] = self.new(instruction, kind)
        return known

    @contextmanager
    def apart_from(self) -> Iterator[None]:
        """What is written in a block that may not be run is not known behind it."""
        known = dict(self._known)
        try:
            yield
        finally:
            self._known = known

    # -- arithmetic: llvmlite's names --------------------------------------------------------------------------------

    def _two(self, operation: str, a: Word, b: Word, flags: Sequence[str] = ()) -> Word:
        options = f"{' '.join(flags)} " if flags else ""
        return self.pure(f"{operation} {options}{a.type.text} {a.text}, {b.text}", a.type)

    def fadd(self, a: Word, b: Word, flags: Sequence[str] = ()) -> Word:
        return self._two("fadd", a, b, flags)

    def fsub(self, a: Word, b: Word, flags: Sequence[str] = ()) -> Word:
        return self._two("fsub", a, b, flags)

    def fmul(self, a: Word, b: Word, flags: Sequence[str] = ()) -> Word:
        return self._two("fmul", a, b, flags)

    def fdiv(self, a: Word, b: Word, flags: Sequence[str] = ()) -> Word:
        return self._two("fdiv", a, b, flags)

    def fneg(self, a: Word) -> Word:
        return self.pure(f"fneg {a.type.text} {a.text}", a.type)

    def add(self, a: Word, b: Word, flags: Sequence[str] = ()) -> Word:
        return self._two("add", a, b, flags)

    def sub(self, a: Word, b: Word, flags: Sequence[str] = ()) -> Word:
        return self._two("sub", a, b, flags)

    def mul(self, a: Word, b: Word, flags: Sequence[str] = ()) -> Word:
        return self._two("mul", a, b, flags)

    def sdiv(self, a: Word, b: Word) -> Word:
        return self._two("sdiv", a, b)

    def srem(self, a: Word, b: Word) -> Word:
        return self._two("srem", a, b)

    def neg(self, a: Word) -> Word:
        return self.sub(a.type(0), a)

    def and_(self, a: Word, b: Word) -> Word:
        return self._two("and", a, b)

    def or_(self, a: Word, b: Word) -> Word:
        return self._two("or", a, b)

    def xor(self, a: Word, b: Word) -> Word:
        return self._two("xor", a, b)

    def not_(self, a: Word) -> Word:
        return self.xor(a, a.type(-1 if a.type.width > 1 else 1))

    def shl(self, a: Word, b: Word) -> Word:
        return self._two("shl", a, b)

    def lshr(self, a: Word, b: Word) -> Word:
        return self._two("lshr", a, b)

    def select(self, mask: Word, a: Word, b: Word) -> Word:
        return self.pure(f"select {mask.type.text} {mask.text}, {a.type.text} {a.text}, {b.type.text} {b.text}", a.type)

    # -- comparisons -------------------------------------------------------------------------------------------------

    def _compare(self, test: str, a: Word, b: Word) -> Word:
        return self.pure(f"{test} {a.type.text} {a.text}, {b.text}", a.type.of("i1"))

    def fcmp_ordered(self, sign: str, a: Word, b: Word) -> Word:
        return self._compare(f"fcmp {_ORDERED[sign]}", a, b)

    def fcmp_unordered(self, sign: str, a: Word, b: Word) -> Word:
        return self._compare(f"fcmp {_UNORDERED[sign]}", a, b)

    def icmp_signed(self, sign: str, a: Word, b: Word) -> Word:
        return self._compare(f"icmp {_SIGNED[sign]}", a, b)

    def icmp_unsigned(self, sign: str, a: Word, b: Word) -> Word:
        return self._compare(f"icmp {_UNSIGNED[sign]}", a, b)

    # -- conversions -------------------------------------------------------------------------------------------------

    def _convert(self, operation: str, a: Word, target: Kind) -> Word:
        return self.pure(f"{operation} {a.type.text} {a.text} to {target.text}", target)

    def zext(self, a: Word, target: Kind) -> Word:
        return self._convert("zext", a, target)

    def sext(self, a: Word, target: Kind) -> Word:
        return self._convert("sext", a, target)

    def trunc(self, a: Word, target: Kind) -> Word:
        return self._convert("trunc", a, target)

    def fpext(self, a: Word, target: Kind) -> Word:
        return self._convert("fpext", a, target)

    def fptrunc(self, a: Word, target: Kind) -> Word:
        return self._convert("fptrunc", a, target)

    def fptosi(self, a: Word, target: Kind) -> Word:
        return self._convert("fptosi", a, target)

    def sitofp(self, a: Word, target: Kind) -> Word:
        return self._convert("sitofp", a, target)

    def uitofp(self, a: Word, target: Kind) -> Word:
        return self._convert("uitofp", a, target)

    def bitcast(self, a: Word, target: Kind) -> Word:
        return self._convert("bitcast", a, target)

    # -- memory --------------------------------------------------------------------------------------------------------

    def address(self, element: Kind, base: str, place: str) -> str:
        """The address of an element, as text: pointers have no kind. What it counts from may lie outside the array."""
        return self.pure(f"getelementptr {element}, ptr {base}, i64 {place}", element).text

    def load(self, kind: Kind, address: str, align: int) -> Word:
        return self.new(f"load {kind}, ptr {address}, align {align}", kind)

    def store(self, word: Word, address: str, align: int) -> None:
        self.write(f" store {word.type} {word.text}, ptr {address}, align {align}")

    def prefetch(self, address: str) -> None:
        """Into the nearest cache; no fault wherever it points."""
        name = "llvm.prefetch.p0"
        if name not in self.module.globals:
            kinds = [ir.PointerType(), *[ir.IntType(32)] * 3]
            ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name)
        self.write(f" call void {function_name(name)}(ptr {address}, i32 0, i32 3, i32 1)")

    def part(self, vector: Word, start: int, count: int) -> Word:
        """Some lanes of a vector."""
        lanes = ", ".join(f"i32 {start + k}" for k in range(count))
        target = kind(vector.type.element, count)
        return self.pure(
            f"shufflevector {vector.type} {vector.text}, {vector.type} poison, <{count} x i32> <{lanes}>", target
        )

    def store_past(self, places: Sequence[tuple[Word, str]], align: int, wanted: Word, piece: int) -> None:
        """Vectors to addresses; past the caches if that is wanted, %full, and the first is at a multiple of ``piece``.

        Then they all do. They are stored in pieces of so many bytes.
        """
        number = self.pure(f"ptrtoint ptr {places[0][1]} to i64", kind("i64"))
        even = self.icmp_signed("==", self.and_(number, kind("i64")(piece - 1)), kind("i64")(0))
        test = self.and_(even, Word(kind("i1"), "%full"))
        if wanted.constant is not True:
            test = self.and_(test, wanted)
        stem = self.fresh()[1:]
        past, usual, join = (f"{stem}.{name}" for name in ("past", "usual", "join"))
        self.write(f" br i1 {test.text}, label %{past}, label %{usual}")
        kept, self._known = self._known, dict(self._known)  # what a block writes is not known behind it
        self.begin(past)
        for word, address in places:
            self.store_pieces(word, address, piece)
        self.write(f" br label %{join}")
        self._known = kept
        self.begin(usual)
        for word, address in places:
            self.store(word, address, align)
        self.write(f" br label %{join}")
        self.begin(join)

    def store_pieces(self, word: Word, address: str, piece: int) -> None:
        """Past the caches, to a multiple of that many bytes."""
        count = min(word.type.lanes, piece * 8 // max(8, word.type.width))
        for start in range(0, word.type.lanes, count):
            one = word if count == word.type.lanes else self.part(word, start, count)
            place = self.address(kind(word.type.element), address, str(start))
            self.write(f" store {one.type} {one.text}, ptr {place}, align {piece}, !nontemporal !{{i32 1}}")

    # -- lanes and calls ---------------------------------------------------------------------------------------------

    def splat(self, scalar: Word, lanes: int) -> Word:
        """The scalar in every lane."""
        target = kind(scalar.type.element, lanes)
        if scalar.constant is not None:
            return target(scalar.constant)
        one = self.pure(f"insertelement {target} poison, {scalar.type} {scalar.text}, i64 0", target)
        return self.pure(f"shufflevector {target} {one.text}, {target} poison, <{lanes} x i32> zeroinitializer", target)

    def any(self, mask: Word) -> Word:
        """Whether a lane of the mask holds."""
        bits = self.pure(f"bitcast {mask.type} {mask.text} to i{mask.type.lanes}", mask.type)
        return self.pure(f"icmp ne i{mask.type.lanes} {bits.text}, 0", kind("i1"))

    def extract(self, vector: Word, lane: int) -> Word:
        return self.pure(f"extractelement {vector.type} {vector.text}, i64 {lane}", kind(vector.type.element))

    def insert(self, vector: Word, scalar: Word, lane: int) -> Word:
        return self.pure(
            f"insertelement {vector.type} {vector.text}, {scalar.type} {scalar.text}, i64 {lane}", vector.type
        )

    def intrinsic(self, name: str, values: Sequence[Word]) -> Word:
        """LLVM's function of that name, without effects, in its version for the first value's type."""
        result = values[0].type
        if name == "llvm.fma" and not self.fused:  # a call of the C library then
            return self.fadd(self.fmul(values[0], values[1]), values[2])
        return self.pure(self._call(f"{name}.{result.suffix}", values, result), result)

    def native(self, name: str, values: Sequence[Word], result: Kind) -> Word:
        """An instruction of the processor, without effects, by LLVM's name for it."""
        return self.pure(self._call(name, values, result), result)

    def call(self, name: str, values: Sequence[Word], result: Kind) -> Word:
        """A function of the module or of the C library."""
        return self.new(self._call(name, values, result), result)

    def _call(self, name: str, values: Sequence[Word], result: Kind) -> str:
        if name not in self.module.globals:
            ir.Function(self.module, ir.FunctionType(result.llvm, [v.type.llvm for v in values]), name)
        return f"call {result} {function_name(name)}({', '.join(f'{v.type} {v.text}' for v in values)})"

    def libm(self, name: str, values: Sequence[Word]) -> Word:
        """The C function, lane by lane, in a function of its own: correct, and slow."""
        symbol = name + ("f" if values[0].type.element == "float" else "")
        return self.apart(f"libm.{name}", values, lambda body, words: by_lanes(body, symbol, words))

    def apart(self, name: str, values: Sequence[Word], define: Callable[[Assembly, list[Word]], Word]) -> Word:
        """``define`` on the values, in a function of its own that is written once for each type and called here."""
        result = values[0].type
        helper = f"graphad.{name}.{result.suffix}"
        if helper not in self.module.globals:
            function = Function(self.module, ir.FunctionType(result.llvm, [result.llvm] * len(values)), helper)
            body = Assembly(self.module, "v", "entry", self.fused)
            words = [Word(result, f"%x{k}") for k in range(len(values))]
            out = define(body, words)
            parameters = ", ".join(f"{w.type} {w.text}" for w in words)
            head = f"define internal {result} {function_name(helper)}({parameters}) noinline {{"
            function.definition = "\n".join((head, "entry:", *body.lines, f" ret {result} {out.text}", "}\n"))
        return self.pure(self._call(helper, values, result), result)

    def rarely(self, mask: Word, usual: Word, other: Callable[[], Word]) -> Word:
        """``other`` where the mask holds, else ``usual``; other is run only if the mask holds somewhere.

        ``other`` writes no instruction that is used elsewhere: what it writes does not always run.
        """
        test = self.any(mask)
        number = self.fresh()[1:]
        rare, join, before = f"{number}.rare", f"{number}.join", self.label
        self.write(f' br i1 {test.text}, label %{rare}, label %{join}, !prof !{{!"branch_weights", i32 1, i32 9999}}')
        kept, self._known = self._known, {}
        self.begin(rare)
        chosen = self.select(mask, other(), usual)
        self.write(f" br label %{join}")
        after, self._known = self.label, kept
        self.begin(join)
        return self.new(f"phi {usual.type} [ {usual.text}, %{before} ], [ {chosen.text}, %{after} ]", usual.type)


def by_lanes(body: Assembly, symbol: str, words: Sequence[Word]) -> Word:
    """A function of scalars, of the C library or of the module, in every lane."""
    result = words[0].type
    out = Word(result, "poison")
    for lane in range(result.lanes):
        scalars = [body.extract(word, lane) for word in words]
        out = body.insert(out, body.call(symbol, scalars, kind(result.element)), lane)
    return out
