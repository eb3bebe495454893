"""Memory of loops over lanes: loads and stores where the loop's variable says, and results that pass the caches by."""

from __future__ import annotations

import ast

from graphad.runtime.assembly import Assembly, Word, kind
from graphad.runtime.expressions import BYTES, Expressions, Value
from graphad.runtime.indices import Polynomial, affine, parsed
from graphad.runtime.lane_plan import LanePlan, Stream
from graphad.runtime.streams import ELEMENT, I64, Place, memory

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


class LaneMemory(Expressions):
    """Expressions of a loop's body with what they load; ``head`` is before the loop, ``text`` the body."""

    plan: LanePlan
    variable: str
    head: Assembly
    text: Assembly
    arguments: dict[str, Value]
    splats: dict[str, Word]
    place_of: dict[Stream, Place]
    passing: list[tuple[Place, int, Word]]
    flags_of_indices: tuple[str, ...]

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

    def passes(self, name: str, size: ast.expr) -> Word | None:
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

    def lead_of(self, place: Place, offset: int, passing: Word) -> Word:
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

    def even(self) -> Word:
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
