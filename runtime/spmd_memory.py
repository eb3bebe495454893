"""Memory of code that runs in all lanes at once: neighbours are one vector, other elements are gathered one by one."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from graphad.runtime.assembly import Function, Kind, Word, function_name, kind
from graphad.runtime.expressions import BYTES, UnsupportedError, Value
from graphad.runtime.ir import ir
from graphad.runtime.spmd_values import I64, Values
from graphad.runtime.streams import memory

_EXACT = ("nsw",)
NEAR = 4  # a stride up to which vectors are loaded and lanes take their elements: of longer ones, each by itself


class Memory(Values):
    """Loads and stores. ``lane_name`` is the loop's variable; ``written`` are the buffers that are stored to."""

    lane_name: str
    written: frozenset[str]
    mask: Word | None = None

    def load(self, name: str, index: ast.expr) -> Value:
        dtype = self.buffer(name)
        element = memory(dtype)
        found = self.split(index)
        if found is None:
            places = self.spread(self.cast(self.value(index), "int64")).ir
            word = self._gather(name, dtype, places)
        else:
            stride, base, offset = found
            if stride == 0:
                address = self.address_of(name, dtype, base, offset)
                word = self._read(name, f"load {element}, ptr {address}, align {BYTES[dtype]}", element)
            elif 1 <= stride <= NEAR:
                word = self._row(name, dtype, base, offset, stride)
            else:
                word = self._gather(name, dtype, self._strided(base, offset, stride))
        if dtype == "bool":
            word = self.text.trunc(word, word.type.of("i1"))
        return Value(word, dtype)

    def _row(self, name: str, dtype: str, base: dict[tuple[str, ...], int], offset: int, stride: int) -> Word:
        """Elements at a short stride: vectors of all that lies there, of which lanes take theirs.

        What no lane asks for is not touched, as it may lie beyond the end of the buffer.
        """
        lanes = self.lanes
        of, chosen = kind(memory(dtype).element, lanes), range(0, lanes * stride, stride)
        parts = []
        for k in range(stride):
            address = self.address_of(name, dtype, base, offset + k * lanes)
            places = range(k * lanes, (k + 1) * lanes)
            last = chosen[-1] if self.mask is None else -1  # up to there, what lies between lanes' elements is there
            wanted = None if places[-1] <= last or stride == 1 else [p <= last or p in chosen for p in places]
            mask = self._mask_of([p // stride for p in places], wanted)
            parts.append(self._load_row(name, of, address, BYTES[dtype], mask))
        while len(parts) > 1:
            whole = [self._joined(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
            parts = whole + ([self._joined(parts[-1], parts[-1])] if len(parts) % 2 else [])
        return parts[0] if stride == 1 else self._picked(parts[0], of, chosen)

    def _mask_of(self, lane: Sequence[int], wanted: Sequence[bool] | None) -> Word | None:
        """Of the elements that belong to these lanes those that are wanted, where a lane runs; None for all."""
        write, of = self.text, kind("i1", self.lanes)
        mask = None
        if self.mask is not None:
            mask = self.mask if list(lane) == list(range(self.lanes)) else self._picked(self.mask, of, lane)
        if wanted is not None:
            some = Word(of, f"<{', '.join(f'i1 {str(w).lower()}' for w in wanted)}>")
            mask = some if mask is None else write.and_(mask, some)
        return mask

    def _load_row(self, name: str, of: Kind, address: str, align: int, mask: Word | None) -> Word:
        if mask is None:
            return self._read(name, f"load {of}, ptr {address}, align {align}", of)
        suffix = f"{of.suffix}.p0"
        self._declare(f"llvm.masked.load.{suffix}", f"{of} (ptr, i32, {mask.type}, {of})")
        called = function_name(f"llvm.masked.load.{suffix}")
        operands = f"ptr {address}, i32 {align}, {mask.type} {mask.text}, {of} zeroinitializer"
        return self._read(name, f"call {of} {called}({operands})", of)

    def _joined(self, a: Word, b: Word) -> Word:
        both = kind(a.type.element, 2 * a.type.lanes)
        return self._picked(a, both, range(both.lanes), b)

    def _picked(self, a: Word, of: Kind, order: Sequence[int], b: Word | None = None) -> Word:
        """Elements of a vector, or of two, in this order."""
        mask = ", ".join(f"i32 {k}" for k in order)
        other = "poison" if b is None else b.text
        return self.text.pure(f"shufflevector {a.type} {a.text}, {a.type} {other}, <{len(order)} x i32> <{mask}>", of)

    def _read(self, name: str, instruction: str, of: Any) -> Word:
        """A load that was made before is not made again, unless its buffer was written since."""
        if name not in self.written:
            return self.text.pure(instruction, of)
        return self.text.new(instruction, of)

    def store(self, name: str, index: ast.expr, value: Value) -> None:
        dtype = self.buffer(name)
        word = self.cast(value, dtype).ir
        if dtype == "bool":
            word = self.text.zext(word, word.type.of("i8"))
        found = self.split(index)
        if found is not None and found[0] == 0:
            if word.type.lanes:
                raise UnsupportedError(f"{name} is the same element for lanes that differ")
            if self.mask is not None:
                raise UnsupportedError(f"{name} is the same element for all lanes, of which not all store")
            self.text.store(word, self.address_of(name, dtype, *found[1:]), BYTES[dtype])
            return
        wide = self.spread(Value(word, dtype)).ir
        if found is not None and found[0] == 1:
            self._store_row(wide, self.address_of(name, dtype, *found[1:]), BYTES[dtype])
            return
        if found is None:
            places = self.spread(self.cast(self.value(index), "int64")).ir
        else:
            places = self._strided(found[1], found[2], found[0])
        self._scatter(name, dtype, places, wide)

    def _store_row(self, word: Word, address: str, align: int) -> None:
        if self.mask is None:
            self.text.store(word, address, align)
            return
        suffix = f"{word.type.suffix}.p0"
        mask = self.mask
        self._declare(f"llvm.masked.store.{suffix}", f"void ({word.type}, ptr, i32, {mask.type})")
        name = function_name(f"llvm.masked.store.{suffix}")
        self.text.write(
            f" call void {name}({word.type} {word.text}, ptr {address}, i32 {align}, {mask.type} {mask.text})"
        )

    # -- addresses -----------------------------------------------------------------------------------------------------

    def split(self, tree: ast.expr) -> tuple[int, dict[tuple[str, ...], int], int] | None:
        """An index as stride of the lane, terms that are the same for all lanes, and a number; None if it is not."""
        terms = self._terms(tree)
        if terms is None:
            return None
        stride = terms.pop((self.lane_name,), 0)
        if any(self.lane_name in names for names in terms):
            return None
        offset = terms.pop((), 0)
        return stride, terms, offset

    def _terms(self, tree: ast.expr) -> dict[tuple[str, ...], int] | None:
        match tree:
            case ast.Constant(value=int(number)):
                return {(): int(number)}
            case ast.Name(id=name):
                if name in self.constants:
                    return {(): self.constants[name]}
                known = self.arguments.get(name)
                if name == self.lane_name or (known is not None and known.dtype == "int64" and not self.varies(known)):
                    return {(name,): 1}
                return None
            case ast.UnaryOp(op=ast.USub(), operand=a):
                inner = self._terms(a)
                return None if inner is None else {m: -c for m, c in inner.items()}
            case ast.BinOp(left=a, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=b):
                x, y = self._terms(a), self._terms(b)
                return None if x is None or y is None else _combined(op, x, y)
            case _:
                return None

    def base(self, terms: dict[tuple[str, ...], int]) -> Word:
        """The sum of the terms; those of outer loops first, so that they need not be added again inside."""
        total = I64(0)
        order = {n: i for i, n in enumerate(self.arguments)}
        for names, factor in sorted(terms.items(), key=lambda t: max(order[n] for n in t[0])):
            product = I64(factor)
            for name in names:
                word = self.arguments[name].ir
                product = word if product.constant == 1 else self.text.mul(word, product, _EXACT)
            total = product if total.constant == 0 else self.text.add(total, product, _EXACT)
        return total

    def address_of(self, name: str, dtype: str, terms: dict[tuple[str, ...], int], offset: int) -> str:
        element = memory(dtype)
        pointer = self.arguments[name].ir.text
        base = self.base(terms)
        start = pointer if base.constant == 0 else self.text.address(element, pointer, base.text)
        return self.text.address(element, start, str(offset)) if offset else start

    def _strided(self, terms: dict[tuple[str, ...], int], offset: int, stride: int) -> Word:
        start = self.text.add(self.base(terms), I64(offset), _EXACT)
        steps = self.text.mul(self.lane, self.lane.type(stride), _EXACT)
        return self.text.add(self.text.splat(start, self.lanes), steps, _EXACT)

    # -- elements apart ------------------------------------------------------------------------------------------------

    def _pointers(self, name: str, dtype: str, places: Word) -> str:
        element = memory(dtype)
        pointer = self.arguments[name].ir.text
        return self.text.pure(f"getelementptr {element}, ptr {pointer}, {places.type} {places.text}", element).text

    def _gather(self, name: str, dtype: str, places: Word) -> Word:
        of = kind(memory(dtype).element, self.lanes)
        suffix = f"{of.suffix}.v{self.lanes}p0"
        bits = f"<{self.lanes} x i1>"
        pointers = f"<{self.lanes} x ptr>"
        self._declare(f"llvm.masked.gather.{suffix}", f"{of} ({pointers}, i32, {bits}, {of})")
        every = "splat (i1 true)" if self.mask is None else self.mask.text
        called = function_name(f"llvm.masked.gather.{suffix}")
        at = self._pointers(name, dtype, places)
        call = f"call {of} {called}({pointers} {at}, i32 {BYTES[dtype]}, {bits} {every}, {of} zeroinitializer)"
        return self._read(name, call, of)

    def _scatter(self, name: str, dtype: str, places: Word, word: Word) -> None:
        suffix = f"{word.type.suffix}.v{self.lanes}p0"
        bits = f"<{self.lanes} x i1>"
        pointers = f"<{self.lanes} x ptr>"
        self._declare(f"llvm.masked.scatter.{suffix}", f"void ({word.type}, {pointers}, i32, {bits})")
        every = "splat (i1 true)" if self.mask is None else self.mask.text
        called = function_name(f"llvm.masked.scatter.{suffix}")
        at = self._pointers(name, dtype, places)
        self.text.write(
            f" call void {called}({word.type} {word.text}, {pointers} {at}, i32 {BYTES[dtype]}, {bits} {every})"
        )

    def _declare(self, name: str, type_: str) -> None:
        """An intrinsic of LLVM on pointers, which llvmlite has no types for."""
        if name not in self.text.module.globals:
            declared = Function(self.text.module, ir.FunctionType(ir.VoidType(), []), name)
            result, _, arguments = type_.partition(" (")
            declared.definition = f"declare {result} {function_name(name)}({arguments}\n"


def _combined(op: ast.operator, x: dict[Any, int], y: dict[Any, int]) -> dict[tuple[str, ...], int]:
    total: dict[tuple[str, ...], int] = {}
    if isinstance(op, ast.Mult):
        for m, c in x.items():
            for n, d in y.items():
                key = tuple(sorted(m + n))
                total[key] = total.get(key, 0) + c * d
        return total
    total.update(x)
    for n, d in y.items():
        total[n] = total.get(n, 0) + (d if isinstance(op, ast.Add) else -d)
    return total
