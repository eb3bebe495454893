"""Memory that a loop over lanes goes through: addresses for whole blocks and for the rest, loads, stores, copies."""

from __future__ import annotations

from collections.abc import Sequence

from graphad.runtime.assembly import Assembly, Kind, Word, kind
from graphad.runtime.expressions import BYTES
from graphad.runtime.indices import constant_of
from graphad.runtime.lane_plan import Stream
from graphad.runtime.squares import chunks, joined, squares, transposed

ELEMENT = {"bool": "i1", "int32": "i32", "int64": "i64", "float32": "float", "float64": "double"}
I64 = kind("i64")
LINE = 64  # bytes, of the processors that have vectors as long
_SCRATCH = 4096  # bytes: beyond, the elements of a stream lie closer together in the scratch array than in memory


def memory(dtype: str) -> Kind:
    return kind("i8" if dtype == "bool" else ELEMENT[dtype])


class Place:
    """A stream's addresses: %pK is where the elements of offset 0 begin, for a block in memory or on scratch."""

    def __init__(self, number: int, stream: Stream, lanes: int, head: Assembly, text: Assembly, even: bool) -> None:
        """``even``: all blocks are whole, and what passes the caches by begins with a vector's bytes."""
        self.number, self.stream, self.count, self.head, self.text = number, stream, lanes, head, text
        self.even = even
        self.element = memory(stream.dtype)
        self.vector = kind(self.element.element, lanes)
        self.align = BYTES[stream.dtype]
        self.low = min(stream.offsets)
        span = max(stream.offsets) - self.low + 1
        stride = constant_of(stream.stride)
        self.fixed = stride if stride is not None and 0 < stride * lanes * self.align <= _SCRATCH else None
        self.near = self.fixed or span  # between lanes on the scratch array
        self.room = (lanes - 1) * self.near + span
        self.waiting: dict[int, Word] = {}
        self.done: set[int] = set()
        self.chunks = chunks(sorted(stream.stored), lanes)
        self.read = chunks(sorted(stream.loaded), max(2, lanes // 2))  # of more, vectors would lie across lines
        self.there: dict[int, Word] = {}
        self.passing: Word | None = None  # whether the results of a block go out at once, past the caches

    def _offsets_of_lanes(self, offset: int) -> list[str]:
        """From %pK to each lane's element."""
        found, k, write = [], self.number, self.text
        for lane in range(self.count):
            if self.fixed is not None:
                found.append(write.address(self.element, f"%p{k}", str(lane * self.fixed + offset)))
                continue
            row = write.pure(f"mul nsw i64 %t{k}, {lane}", I64).text
            start = write.address(self.element, f"%p{k}", row)
            found.append(write.address(self.element, start, str(offset)))
        return found

    def load(self, offset: int, ahead: int = 0) -> Word:
        """``ahead``: bytes before their turn that elements are fetched into the cache."""
        write = self.text
        if self.fixed == 1:
            address = write.address(self.element, f"%p{self.number}", str(offset))
            if ahead and offset == self.low:
                write.prefetch(write.address(self.element, f"%p{self.number}", str(offset + ahead // self.align)))
            return write.load(self.vector, address, self.align)
        if offset in self.read:
            if offset not in self.there:
                self.there.update(zip(self.read[offset], self._load_chunk(self.read[offset]), strict=True))
            return self.there[offset]
        out = Word(self.vector, "poison")
        for lane, address in enumerate(self._offsets_of_lanes(offset)):
            out = write.insert(out, write.load(self.element, address, self.align), lane)
        return out

    def _load_chunk(self, row: range) -> list[Word]:
        """Neighbours at a stride: of each point as many as there are, side by side in vectors, and these transposed."""
        m, write = len(row), self.text
        part = kind(self.element.element, m)
        points = [write.load(part, address, self.align) for address in self._offsets_of_lanes(row[0])]
        return squares(write, [joined(write, points[j::m]) for j in range(m)])

    def store(self, offset: int, word: Word, passing: Word | None = None) -> None:
        """At a stride, neighbours wait until there are as many as lanes, and are transposed and stored as vectors.

        They may wait: nothing in the body reads what it stores. ``passing``: where it holds, they pass the caches by.
        At a stride all results of a block do so together, or none: lines of many points would stay open and be slower.
        """
        write = self.text
        if self.fixed == 1:
            address = write.address(self.element, f"%p{self.number}", str(offset))
            self._put([(word, address)], passing, self.count * self.align)
            return
        if passing is not None and self._dense():
            self.passing = passing
        if offset in self.done or offset not in self.chunks:
            for lane, address in enumerate(self._offsets_of_lanes(offset)):
                write.store(write.extract(word, lane), address, self.align)
            return
        self.waiting[offset] = word
        row = self.chunks[offset]
        if all(o in self.waiting for o in row):
            columns = transposed(write, [self.waiting.pop(o) for o in row])
            self.done.update(row)
            places = list(zip(columns, self._offsets_of_lanes(row[0]), strict=True))
            for column, address in places:
                write.store(column, address, self.align)

    def _dense(self) -> bool:
        """Whether a block's results are whole lines, one after the other, that nothing in the loop reads."""
        if self.fixed is None or self.stream.loaded or self.count * self.align != LINE:
            return False
        return sorted(self.stream.stored) == list(range(self.low, self.low + self.fixed))

    def _put(self, places: Sequence[tuple[Word, str]], passing: Word | None, piece: int) -> None:
        """Vectors to addresses; past the caches, if they may, in pieces of so many bytes, at multiples of that."""
        if passing is not None and not self.even:
            self.text.store_past(places, self.align, passing, piece)
            return
        for word, address in places:
            if passing is not None:
                self.text.store_pieces(word, address, piece)
            else:
                self.text.store(word, address, self.align)

    # -- addresses -----------------------------------------------------------------------------------------------------

    def prepare(self, base: Word, stride: Word) -> None:
        """The address of the base, and the stride: computed before the loop."""
        self.start = self.head.address(self.element, f"%a.{self.stream.buffer}", base.text)
        self.stride = stride.text
        if self.passing is not None:
            self._prepare_block(self.passing)

    def _prepare_block(self, passing: Word) -> None:
        """Whether blocks go out at once: where they may, and begin with a line."""
        head = self.head
        point = head.mul(Word(I64, self.stride), Word(I64, "%start"))
        first = head.address(self.element, self.start, head.add(point, I64(self.low)).text)
        number = head.pure(f"ptrtoint ptr {first} to i64", I64)
        even = head.icmp_signed("==", head.and_(number, I64(LINE - 1)), I64(0))
        self.together = even if passing.constant is True else head.and_(even, passing)

    def block(self, name: str, after: str) -> list[str]:
        """Block ``name``: the results of a block from scratch to memory, past the caches; then block ``after``."""
        assert self.fixed is not None
        k, vector = self.number, f"<{self.count} x {self.element}>"
        lines = [
            f"{name}:",
            f" br i1 {self.together.text}, label %{name}.out, label %{after}",
            f"{name}.out:",
            *self._point(f"c{k}", "%i"),
            f" %c{k}.m = getelementptr {self.element}, ptr %c{k}, i64 {self.low}",
        ]
        for n in range(self.fixed):
            lines += [
                f" %c{k}.{n}.s = getelementptr {vector}, ptr %s{k}, i64 {n}",
                f" %c{k}.{n}.m = getelementptr {vector}, ptr %c{k}.m, i64 {n}",
                f" %c{k}.{n} = load {vector}, ptr %c{k}.{n}.s, align {LINE}",
                f" store {vector} %c{k}.{n}, ptr %c{k}.{n}.m, align {LINE}, !nontemporal !{{i32 1}}",
            ]
        return [*lines, f" br label %{after}"]

    def _point(self, name: str, point: str) -> list[str]:
        return [
            f" %{name}.o = mul nsw i64 {self.stride}, {point}",
            f" %{name} = getelementptr {self.element}, ptr {self.start}, i64 %{name}.o",
        ]

    def direct(self) -> list[str]:
        k = self.number
        if self.passing is None:
            return self._point(f"d{k}", "%i")
        return [
            *self._point(f"d{k}.m", "%i"),
            f" %d{k}.s = getelementptr {self.element}, ptr %s{k}, i64 {-self.low}",
            f" %d{k} = select i1 {self.together.text}, ptr %d{k}.s, ptr %d{k}.m",
        ]

    def whole(self) -> list[str]:
        """The address of a block, where all are whole."""
        k = self.number
        return [*self._point(f"p{k}", "%i"), *([f" %t{k} = add i64 {self.stride}, 0"] if self.fixed is None else [])]

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
