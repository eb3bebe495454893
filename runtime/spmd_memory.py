"""Memory of code that runs in all lanes at once: neighbours are one vector, other elements are gathered one by one."""

from __future__ import annotations

import ast

from graphad.runtime.expressions import BYTES, UnsupportedError, Value
from graphad.runtime.spmd_moves import Moves
from graphad.runtime.squares import picked
from graphad.runtime.streams import memory

NEAR = 4  # a stride up to which vectors are loaded and lanes take their elements: of longer ones, each by itself


class Memory(Moves):
    """What kernels' text loads and stores."""

    def load(self, name: str, index: ast.expr) -> Value:
        dtype = self.buffer(name)
        element = memory(dtype)
        found = self.split(index)
        if found is None:
            places = self.spread(self.cast(self.value(index), "int64")).ir
            word = self.gather(name, dtype, places)
        elif found.stride == found.across == 0:
            address = self.address_of(name, dtype, found.base, found.offset)
            word = self.read(name, f"load {element}, ptr {address}, align {BYTES[dtype]}", element)
        elif self.regular(found) and 1 <= found.stride <= NEAR:
            word = self.row(name, dtype, found.base, found.offset, found.stride)
        elif found.stride == 1:
            word = self.apart(name, dtype, found)
        else:
            word = self.gather(name, dtype, self.strided(found))
        if dtype == "bool":
            word = self.text.trunc(word, word.type.of("i1"))
        return Value(word, dtype)

    def prefetch(self, name: str, index: ast.expr) -> None:
        """One element for all lanes, and the line around it."""
        dtype, found = self.buffer(name), self.split(index)
        if found is None or found.stride != 0 or found.across != 0:
            raise UnsupportedError(f"lanes have different elements of {name} fetched")
        self.text.prefetch(self.address_of(name, dtype, found.base, found.offset))

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
            self.scatter(name, dtype, self.spread(self.cast(self.value(index), "int64")).ir, wide)
        elif found.stride != 1:
            self.scatter(name, dtype, self.strided(found), wide)
        elif self.regular(found):
            address = self.address_of(name, dtype, found.base, found.offset)
            self.store_row(wide, address, BYTES[dtype], self.mask)
        else:
            for p in range(self.lanes // self.group):
                address = self.address_of(name, dtype, found.base, found.offset + p * found.across)
                part = range(p * self.group, (p + 1) * self.group)
                own = picked(self.text, wide, part)
                self.store_row(own, address, BYTES[dtype], self.mask_of_pixel(p))
