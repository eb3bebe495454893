"""Memory of code that runs in all lanes at once: neighbours are one vector, other elements are gathered one by one."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, NamedTuple

from graphad.runtime.assembly import Function, Kind, Word, function_name, kind
from graphad.runtime.expressions import BYTES, UnsupportedError, Value
from graphad.runtime.ir import ir
from graphad.runtime.spmd_values import I64, Values
from graphad.runtime.streams import memory

_EXACT = ("nsw",)
NEAR = 4  # a stride up to which vectors are loaded and lanes take their elements: of longer ones, each by itself


class Access(NamedTuple):
    """An index: ``stride`` from lane to lane, ``across`` from pixel to pixel, terms that all share, and a number."""

    stride: int
    across: int
    base: dict[tuple[str, ...], int]
    offset: int


class Memory(Values):
    """Loads and stores. ``written`` are the buffers that are stored to."""

    written: frozenset[str]
    mask: Word | None = None

    def load(self, name: str, index: ast.expr) -> Value:
        dtype = self.buffer(name)
        element = memory(dtype)
        found = self.split(index)
        if found is None:
            places = self.spread(self.cast(self.value(index), "int64")).ir
            word = self._gather(name, dtype, places)
        elif found.stride == found.across == 0:
            address = self.address_of(name, dtype, found.base, found.offset)
            word = self._read(name, f"load {element}, ptr {address}, align {BYTES[dtype]}", element)
        elif self._regular(found) and 1 <= found.stride <= NEAR:
            word = self._row(name, dtype, found.base, found.offset, found.stride)
        elif found.stride == 1:
            word = self._apart(name, dtype, found)
        else:
            word = self._gather(name, dtype, self._strided(found))
        if dtype == "bool":
            word = self.text.trunc(word, word.type.of("i1"))
        return Value(word, dtype)

    def _regular(self, found: Access) -> bool:
        """Whether all lanes are a stride apart, those of different pixels, too."""
        return self.group == self.lanes or found.across == found.stride * self.group

    def _apart(self, name: str, dtype: str, found: Access) -> Word:
        """A vector for each pixel, joined."""
        of, parts = kind(memory(dtype).element, self.group), []
        for p in range(self.lanes // self.group):
            address = self.address_of(name, dtype, found.base, found.offset + p * found.across)
            parts.append(self._load_row(name, of, address, BYTES[dtype], self._mask_of_pixel(p)))
        return self._whole(parts)

    def _mask_of_pixel(self, pixel: int) -> Word | None:
        if self.mask is None:
            return None
        return self._picked(self.mask, kind("i1", self.group), range(pixel * self.group, (pixel + 1) * self.group))

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
        return parts[0] if stride == 1 else self._picked(self._whole(parts), of, chosen)

    def _whole(self, parts: list[Word]) -> Word:
        """One vector of all; behind an odd number of them some are there twice."""
        while len(parts) > 1:
            whole = [self._joined(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
            parts = whole + ([self._joined(parts[-1], parts[-1])] if len(parts) % 2 else [])
        return parts[0]

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
        if found is not None and found.stride == found.across == 0:
            if word.type.lanes:
                raise UnsupportedError(f"{name} is the same element for lanes that differ")
            if self.mask is not None:
                raise UnsupportedError(f"{name} is the same element for all lanes, of which not all store")
            self.text.store(word, self.address_of(name, dtype, found.base, found.offset), BYTES[dtype])
            return
        wide = self.spread(Value(word, dtype)).ir
        if found is None:
            self._scatter(name, dtype, self.spread(self.cast(self.value(index), "int64")).ir, wide)
        elif found.stride != 1:
            self._scatter(name, dtype, self._strided(found), wide)
        elif self._regular(found):
            address = self.address_of(name, dtype, found.base, found.offset)
            self._store_row(wide, address, BYTES[dtype], self.mask)
        else:
            for p in range(self.lanes // self.group):
                address = self.address_of(name, dtype, found.base, found.offset + p * found.across)
                part = range(p * self.group, (p + 1) * self.group)
                own = self._picked(wide, kind(wide.type.element, self.group), part)
                self._store_row(own, address, BYTES[dtype], self._mask_of_pixel(p))

    def _store_row(self, word: Word, address: str, align: int, mask: Word | None) -> None:
        if mask is None:
            self.text.store(word, address, align)
            return
        suffix = f"{word.type.suffix}.p0"
        self._declare(f"llvm.masked.store.{suffix}", f"void ({word.type}, ptr, i32, {mask.type})")
        name = function_name(f"llvm.masked.store.{suffix}")
        self.text.write(
            f" call void {name}({word.type} {word.text}, ptr {address}, i32 {align}, {mask.type} {mask.text})"
        )

    # -- addresses -----------------------------------------------------------------------------------------------------

    def split(self, tree: ast.expr) -> Access | None:
        """An index that changes evenly from lane to lane, and from pixel to pixel; None for others."""
        terms = self._terms(tree)
        if terms is None:
            return None
        stride, across = (terms.pop((name,), 0) for name in (self.lane_name, self.pixel_name))
        if any(name in names for names in terms for name in (self.lane_name, self.pixel_name)):
            return None
        offset = terms.pop((), 0)
        return Access(stride, across, terms, offset)

    def _terms(self, tree: ast.expr) -> dict[tuple[str, ...], int] | None:
        match tree:
            case ast.Constant(value=int(number)):
                return {(): int(number)}
            case ast.Name(id=name):
                if name in self.constants:
                    return {(): self.constants[name]}
                known = self.arguments.get(name)
                own = name in (self.lane_name, self.pixel_name)
                if own or (known is not None and known.dtype == "int64" and not self.varies(known)):
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

    def _strided(self, found: Access) -> Word:
        write = self.text
        start = write.add(self.base(found.base), I64(found.offset), _EXACT)
        steps = write.mul(self.lane, self.lane.type(found.stride), _EXACT)
        if found.across:
            steps = write.add(steps, write.mul(self.pixel, self.lane.type(found.across), _EXACT), _EXACT)
        return write.add(write.splat(start, self.lanes), steps, _EXACT)

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
