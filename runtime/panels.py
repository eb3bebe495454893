"""Panels of matrix products, a tile at a time in vector registers: ``multiply_panel`` of kernels' text.

    multiply_panel(c, a, b, ahead, rows, width, depth, ldc, a_row, a_step, ldb, ahead_row, add, ROWS, COLUMNS, LANES)

    c[r*ldc + q] = (c[r*ldc + q] if add else 0) + sum over k < depth of a[r*a_row + k*a_step] * b[k*ldb + q]

for r < rows and q < COLUMNS; columns of b from ``width`` on are not read and count as zeros. ROWS, rows at a time,
COLUMNS and LANES, elements of a vector at most, are literals. An element has one accumulator, which starts at zero and
takes the products in the order of k: it comes out the same in any tile. ``ahead[r*ahead_row + q]``, which may lie
anywhere, is read soon: each tile fetches its share into the second-level cache.

A program has one function for each ROWS, COLUMNS and dtype, with and without a last tile of fewer rows. LLVM keeps no
arrays in registers and vectorises no outer loops, so a tile's accumulators are values that go around the loop over k: a
row of the tile is one vector of COLUMNS elements. The last tile repeats its last row up to ROWS, which costs less than
a loop for each number of rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphad.runtime import target
from graphad.runtime.ir import insert_function, ir

I32, I64 = (ir.IntType(n) for n in (32, 64))
_BYTES = {"float": 4, "double": 8, "i32": 4, "i64": 8}
_SUFFIX = {"float": "f32", "double": "f64", "i32": "i32", "i64": "i64"}
NUMBERS = ("rows", "width", "depth", "ldc", "a_row", "a_step", "ldb", "ahead_row", "add")
_EXACT = ("nsw",)
LINE = 64  # bytes


def emit_panel(
    builder: Any,
    buffers: Sequence[Any],
    numbers: Sequence[Any],
    rows: int,
    columns: int,
    lanes: int,
    flags: tuple[str, ...],
) -> None:
    """Call the function, which is written into the module if it is not there."""
    width = numbers[1]
    masked = not (isinstance(width, ir.Constant) and width.constant == columns)
    element = buffers[0].type.pointee
    whole = isinstance(numbers[0], ir.Constant) and numbers[0].constant % rows == 0
    kinds = [*masked * ["masked"], *whole * ["whole"], *flags]
    name = ".".join(["multiply_panel", _SUFFIX[str(element)], f"{rows}x{columns}x{lanes}", *kinds])
    function = builder.module.globals.get(name)
    if function is None:
        function = _Panel(builder.module, name, element, (rows, columns, lanes), masked, whole, flags).function
    builder.call(function, [*buffers, *numbers])


class _Panel:
    """Writes the function."""

    def __init__(
        self,
        module: Any,
        name: str,
        element: Any,
        tile: tuple[int, int, int],
        masked: bool,
        whole: bool,
        flags: tuple[str, ...],
    ) -> None:
        self.rows, self.columns, lanes = tile
        self.flags = flags
        self.bytes = _BYTES[str(element)]
        self.lanes = math.gcd(self.columns, min(lanes, target.vector_bytes() // self.bytes))
        self.vector = ir.VectorType(element, self.lanes)
        self.firsts = range(0, self.columns, self.lanes)  # column of each register
        kinds = [element.as_pointer()] * 4 + [I64] * len(NUMBERS)
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
        self.function.linkage = "internal"
        self.function.attributes.add("noinline")
        for buffer in self.function.args[:3]:  # what is fetched ahead may be one of them
            buffer.add_attribute("noalias")
        self.c, self.a, self.b, self.ahead = self.function.args[:4]
        self.given = dict(zip(NUMBERS, self.function.args[4:], strict=True))
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.masks = [self._below(self.given["width"], q) if masked else None for q in self.firsts]
        self._write(whole)
        self.builder.ret_void()

    def _write(self, only: bool) -> None:
        """Whole tiles, then what is left of the rows, if anything; ``only``: nothing ever is."""
        b, rows = self.builder, self.given["rows"]
        whole = b.mul(b.sdiv(rows, I64(self.rows)), I64(self.rows), flags=_EXACT)
        before = b.block
        head, body, end = (b.append_basic_block(f"rows.{part}") for part in ("head", "body", "end"))
        b.branch(head)
        b.position_at_end(head)
        i = b.phi(I64, name="i")
        i.add_incoming(I64(0), before)
        b.cbranch(b.icmp_signed("<", i, whole), body, end)
        b.position_at_end(body)
        self._tile(i, [I64(r) for r in range(self.rows)])
        i.add_incoming(b.add(i, I64(self.rows), flags=_EXACT), b.block)
        b.branch(head).set_metadata("llvm.loop", self._rolled())
        b.position_at_end(end)
        if only:
            return
        last = b.sub(b.sub(rows, whole, flags=_EXACT), I64(1), flags=_EXACT)
        with b.if_then(b.icmp_signed(">=", last, I64(0))):
            self._tile(whole, [b.select(b.icmp_signed("<", I64(r), last), I64(r), last) for r in range(self.rows)])

    def _tile(self, first: Any, rows: Sequence[Any]) -> None:
        b, given = self.builder, self.given
        at = [b.add(first, r, flags=_EXACT) for r in rows]
        for r in at:
            self._fetch(self._at(self.ahead, b.mul(given["ahead_row"], r, flags=_EXACT)))
        sums = self._sums([self._at(self.a, b.mul(given["a_row"], r, flags=_EXACT)) for r in at])
        places = [p for r in at for p in self._registers(self._at(self.c, b.mul(given["ldc"], r, flags=_EXACT)))]
        with b.if_else(b.icmp_signed("!=", given["add"], I64(0))) as (more, fresh):
            with more:  # all rows are read before the first is written: some may be the same
                old = [b.load(place, align=self.bytes) for place in places]
                for place, before, total in zip(places, old, sums, strict=True):
                    b.store(self._plus(before, total), place, align=self.bytes)
            with fresh:
                for place, total in zip(places, sums, strict=True):
                    b.store(total, place, align=self.bytes)

    def _fetch(self, row: Any) -> None:
        """The lines of a row of the tile, into the second-level cache."""
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        prefetch = insert_function(self.function.module, kind, "llvm.prefetch.p0")
        for q in range(0, self.columns, max(1, LINE // self.bytes)):
            place = self.builder.bitcast(self._at(row, I64(q)), byte)
            self.builder.call(prefetch, [place, I32(0), I32(2), I32(1)])

    def _registers(self, row: Any) -> list[Any]:
        """Where the registers of a row of the tile lie."""
        pointer = self.vector.as_pointer()
        return [self.builder.bitcast(self._at(row, I64(q)), pointer) for q in self.firsts]

    def _sums(self, starts: Sequence[Any]) -> list[Any]:
        """The sums over k, registers for each row of a, which start there."""
        b, given = self.builder, self.given
        before = b.block
        head, body, end = (b.append_basic_block(f"depth.{part}") for part in ("head", "body", "end"))
        b.branch(head)
        b.position_at_end(head)
        k, place, along = (b.phi(I64, name=name) for name in ("k", "place", "along"))
        sums = [b.phi(self.vector) for _ in starts for _ in self.firsts]
        for value, zero in (
            (k, I64(0)),
            (place, I64(0)),
            (along, I64(0)),
            *((s, ir.Constant(self.vector, None)) for s in sums),
        ):
            value.add_incoming(zero, before)
        b.cbranch(b.icmp_signed("<", k, given["depth"]), body, end)
        b.position_at_end(body)
        columns = [
            self._load(at, mask) for at, mask in zip(self._registers(self._at(self.b, place)), self.masks, strict=True)
        ]
        totals = iter(sums)
        for start in starts:
            element = self._splat(b.load(self._at(start, along)))
            for column in columns:
                total = next(totals)
                total.add_incoming(self._plus(total, self._times(element, column)), body)
        for value, step in ((k, I64(1)), (place, given["ldb"]), (along, given["a_step"])):
            value.add_incoming(b.add(value, step, flags=_EXACT), body)
        b.branch(head).set_metadata("llvm.loop", self._rolled())
        b.position_at_end(end)
        return sums

    def _load(self, pointer: Any, mask: Any) -> Any:
        if mask is None:
            return self.builder.load(pointer, align=self.bytes)
        kind = ir.FunctionType(self.vector, [pointer.type, I32, mask.type, self.vector])
        suffix = f"v{self.lanes}{_SUFFIX[str(self.vector.element)]}"
        masked = insert_function(self.function.module, kind, f"llvm.masked.load.{suffix}.p0{suffix}")
        return self.builder.call(masked, [pointer, I32(self.bytes), mask, ir.Constant(self.vector, None)])

    def _below(self, width: Any, first: int) -> Any:
        """The lanes of a register that begins at column ``first`` that are before ``width``."""
        lanes = ir.Constant(ir.VectorType(I64, self.lanes), [first + i for i in range(self.lanes)])
        return self.builder.icmp_signed("<", lanes, self._splat(width))

    def _splat(self, scalar: Any) -> Any:
        none = ir.Constant(ir.VectorType(scalar.type, self.lanes), ir.Undefined)
        zeros = ir.Constant(ir.VectorType(I32, self.lanes), None)
        return self.builder.shuffle_vector(self.builder.insert_element(none, scalar, I32(0)), none, zeros)

    def _at(self, buffer: Any, index: Any) -> Any:
        return self.builder.gep(buffer, [index], inbounds=True)

    def _times(self, x: Any, y: Any) -> Any:
        whole = isinstance(self.vector.element, ir.IntType)
        return self.builder.mul(x, y) if whole else self.builder.fmul(x, y, flags=self.flags)

    def _plus(self, x: Any, y: Any) -> Any:
        whole = isinstance(self.vector.element, ir.IntType)
        return self.builder.add(x, y) if whole else self.builder.fadd(x, y, flags=self.flags)

    def _rolled(self) -> Any:
        """Says of a loop that LLVM is not to unroll it: addresses in copies of the body take too many registers."""
        module = self.function.module
        option = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
        loop = ir.values.MDValue(module, [option], name=str(len(module.metadata)))
        loop.operands = (loop, option)  # LLVM knows a loop by metadata that begin with themselves
        return loop
