"""Vectors of memory in code that runs in all lanes at once: rows, rows apart, elements one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from graphad.runtime.assembly import Function, Kind, Word, function_name, kind
from graphad.runtime.expressions import BYTES
from graphad.runtime.ir import ir
from graphad.runtime.spmd_places import Access, Places
from graphad.runtime.squares import joined, picked
from graphad.runtime.streams import memory

Operand: TypeAlias = tuple[object, object] | Word
"""A type and a text."""


class Moves(Places):
    """Loads and stores of vectors, where ``mask`` holds. ``written`` are the buffers that are stored to."""

    written: frozenset[str]
    mask: Word | None = None

    # -- rows ----------------------------------------------------------------------------------------------------------

    def row(self, name: str, dtype: str, base: dict[tuple[str, ...], int], offset: int, stride: int) -> Word:
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
        return parts[0] if stride == 1 else picked(self.text, joined(self.text, parts), chosen)

    def apart(self, name: str, dtype: str, found: Access) -> Word:
        """A vector for each pixel, joined."""
        of, parts = kind(memory(dtype).element, self.group), []
        for p in range(self.lanes // self.group):
            address = self.address_of(name, dtype, found.base, found.offset + p * found.across)
            parts.append(self._load_row(name, of, address, BYTES[dtype], self.mask_of_pixel(p)))
        return joined(self.text, parts)

    def store_row(self, word: Word, address: str, align: int, mask: Word | None) -> None:
        if mask is None:
            self.text.store(word, address, align)
            return
        self.text.write(f" {self._moving('store', word.type, 'void', [word, ('ptr', address), ('i32', align), mask])}")

    def _mask_of(self, lane: Sequence[int], wanted: Sequence[bool] | None) -> Word | None:
        """Of the elements that belong to these lanes those that are wanted, where a lane runs; None for all."""
        write, of = self.text, kind("i1", self.lanes)
        mask = None
        if self.mask is not None:
            mask = self.mask if list(lane) == list(range(self.lanes)) else picked(write, self.mask, lane)
        if wanted is not None:
            some = Word(of, f"<{', '.join(f'i1 {str(w).lower()}' for w in wanted)}>")
            mask = some if mask is None else write.and_(mask, some)
        return mask

    def _load_row(self, name: str, of: Kind, address: str, align: int, mask: Word | None) -> Word:
        if mask is None:
            return self.read(name, f"load {of}, ptr {address}, align {align}", of)
        operands: list[Operand] = [("ptr", address), ("i32", align), mask, (of, "zeroinitializer")]
        return self.read(name, self._moving("load", of, of.text, operands), of)

    def mask_of_pixel(self, pixel: int) -> Word | None:
        if self.mask is None:
            return None
        return picked(self.text, self.mask, range(pixel * self.group, (pixel + 1) * self.group))

    def read(self, name: str, instruction: str, of: Any) -> Word:
        """A load that was made before is not made again, unless its buffer was written since."""
        if name not in self.written:
            return self.text.pure(instruction, of)
        return self.text.new(instruction, of)

    # -- elements one by one -------------------------------------------------------------------------------------------

    def _pointers(self, name: str, dtype: str, places: Word) -> str:
        element = memory(dtype)
        pointer = self.arguments[name].ir.text
        return self.text.pure(f"getelementptr {element}, ptr {pointer}, {places.type} {places.text}", element).text

    def gather(self, name: str, dtype: str, places: Word) -> Word:
        of = kind(memory(dtype).element, self.lanes)
        operands = [*self._elements(name, dtype, places), (of, "zeroinitializer")]
        return self.read(name, self._moving("gather", of, of.text, operands), of)

    def scatter(self, name: str, dtype: str, places: Word, word: Word) -> None:
        operands = [word, *self._elements(name, dtype, places)]
        self.text.write(f" {self._moving('scatter', word.type, 'void', operands)}")

    def _elements(self, name: str, dtype: str, places: Word) -> list[Operand]:
        """Their addresses, how they are aligned, and where lanes want them."""
        at = f"<{self.lanes} x ptr>", self._pointers(name, dtype, places)
        return [at, ("i32", BYTES[dtype]), self.mask or kind("i1", self.lanes)(True)]

    def _moving(self, what: str, of: Kind, result: str, operands: Sequence[Operand]) -> str:
        """The call of an intrinsic that moves vectors of a type, where a mask holds."""
        name = f"llvm.masked.{what}.{of.suffix}.{f'v{of.lanes}' if what in ('gather', 'scatter') else ''}p0"
        self._declare(name, f"{result} ({', '.join(str(o[0]) for o in operands)})")
        return f"call {result} {function_name(name)}({', '.join(f'{o[0]} {o[1]}' for o in operands)})"

    def _declare(self, name: str, type_: str) -> None:
        """An intrinsic of LLVM on pointers, which llvmlite has no types for."""
        if name not in self.text.module.globals:
            declared = Function(self.text.module, ir.FunctionType(ir.VoidType(), []), name)
            result, _, arguments = type_.partition(" (")
            declared.definition = f"declare {result} {function_name(name)}({arguments}\n"
