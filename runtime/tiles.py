"""Tiles of matrix products, held in vector registers: what ``multiply_tile`` in a kernel's text becomes.

    multiply_tile(c, a, b, height, width, depth, ldc, a_row, a_step, ldb, add, ROWS, COLUMNS)

    c[r*ldc + q] = (c[r*ldc + q] if add else 0) + sum over k < depth of a[r*a_row + k*a_step] * b[k*ldb + q]

for r < height and q < COLUMNS, where 0 <= height <= ROWS; columns of b from ``width`` on are not read and count as
zeros. ROWS and COLUMNS are literals. An element has one accumulator, which starts at zero and takes the products in the
order of k: it comes out the same in any tile.

One loop over k is written for each height that may occur. LLVM keeps no arrays in registers and vectorises no outer
loops, so the accumulators are values that go around the loop: a row of the tile is one vector of COLUMNS elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphad.runtime.numba_api import insert_function, intrinsic_of_literals, ir, signature, types

I8, I32, I64 = (ir.IntType(n) for n in (8, 32, 64))
_BYTES = {"float": 4, "double": 8, "i32": 4, "i64": 8}
_SUFFIX = {"float": "f32", "double": "f64", "i32": "i32", "i64": "i64"}
_NEAR = 3  # prefetch into all caches


@dataclass(frozen=True)
class Tile:
    """The arguments of one call, as LLVM values; ``flags``: the fast-math flags of its sums and products."""

    c: Any
    a: Any
    b: Any
    height: Any
    width: Any
    depth: Any
    ldc: Any
    a_row: Any
    a_step: Any
    ldb: Any
    add: Any
    rows: int
    columns: int
    flags: tuple[str, ...] = ()

    @property
    def vector(self) -> Any:
        return ir.VectorType(self.c.type.pointee, self.columns)

    @property
    def bytes(self) -> int:
        return _BYTES[str(self.c.type.pointee)]


def emit_tile(builder: Any, tile: Tile) -> None:
    """The loop for the height, or a switch over the heights that may be."""
    mask = None if literal(tile.width) == tile.columns else _below(builder, tile.width, tile.columns)
    known = literal(tile.height)
    if known is not None:
        _store(builder, tile, _sums(builder, tile, known, mask))
        return
    after = builder.append_basic_block("tile.end")
    switch = builder.switch(tile.height, after)
    for height in range(1, tile.rows + 1):
        block = builder.append_basic_block(f"tile.{height}")
        switch.add_case(I64(height), block)
        builder.position_at_end(block)
        _store(builder, tile, _sums(builder, tile, height, mask))
        builder.branch(after)
    builder.position_at_end(after)


def literal(value: Any) -> int | None:
    """The number that a value is, if it is known while compiling."""
    return int(value.constant) if isinstance(value, ir.Constant) else None


def _sums(builder: Any, tile: Tile, height: int, mask: Any) -> list[Any]:
    """The sums over k: a vector for each row."""
    before = builder.block
    head, body, end = (builder.append_basic_block(f"depth.{part}") for part in ("head", "body", "end"))
    rows = [_at(builder, tile.a, builder.mul(tile.a_row, I64(r), flags=("nsw",))) for r in range(height)]
    builder.branch(head)
    builder.position_at_end(head)
    k = builder.phi(I64, name="k")
    sums = [builder.phi(tile.vector) for _ in range(height)]
    for value, start in ((k, I64(0)), *((s, ir.Constant(tile.vector, None)) for s in sums)):
        value.add_incoming(start, before)
    builder.cbranch(builder.icmp_signed("<", k, tile.depth), body, end)
    builder.position_at_end(body)
    place = builder.mul(k, tile.ldb, flags=("nsw",))
    columns = _load(builder, tile, _at(builder, tile.b, place), mask)
    if mask is None:  # the columns beside these are next, and their rows are too far apart for the hardware to foresee
        _prefetch(builder, _at(builder, tile.b, builder.add(place, I64(tile.columns), flags=("nsw",))))
    along = builder.mul(k, tile.a_step, flags=("nsw",))
    for row, total in zip(rows, sums, strict=True):
        scalar = _splat(builder, builder.load(_at(builder, row, along)), tile.columns)
        total.add_incoming(_plus(builder, tile, total, _times(builder, tile, scalar, columns)), body)
    k.add_incoming(builder.add(k, I64(1), flags=("nsw",)), body)
    builder.branch(head).set_metadata("llvm.loop", _rolled(builder.module))
    builder.position_at_end(end)
    return sums


def _store(builder: Any, tile: Tile, sums: Sequence[Any]) -> None:
    places = []
    for r in range(len(sums)):
        row = _at(builder, tile.c, builder.mul(tile.ldc, I64(r), flags=("nsw",)))
        places.append(builder.bitcast(row, tile.vector.as_pointer()))
    added = literal(tile.add)
    if added is not None:
        _put(builder, tile, places, sums, bool(added))
        return
    with builder.if_else(builder.icmp_signed("!=", tile.add, I64(0))) as (more, first):
        with more:
            _put(builder, tile, places, sums, True)
        with first:
            _put(builder, tile, places, sums, False)


def _put(builder: Any, tile: Tile, places: Sequence[Any], sums: Sequence[Any], add: bool) -> None:
    for place, total in zip(places, sums, strict=True):
        old = builder.load(place, align=tile.bytes) if add else None
        builder.store(total if old is None else _plus(builder, tile, old, total), place, align=tile.bytes)


def _load(builder: Any, tile: Tile, address: Any, mask: Any) -> Any:
    pointer = builder.bitcast(address, tile.vector.as_pointer())
    if mask is None:
        return builder.load(pointer, align=tile.bytes)
    kind = ir.FunctionType(tile.vector, [pointer.type, I32, mask.type, tile.vector])
    suffix = f"v{tile.columns}{_SUFFIX[str(tile.c.type.pointee)]}"
    masked = insert_function(builder.module, kind, f"llvm.masked.load.{suffix}.p0{suffix}")
    return builder.call(masked, [pointer, I32(tile.bytes), mask, ir.Constant(tile.vector, None)])


def _prefetch(builder: Any, address: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [I8.as_pointer(), I32, I32, I32])
    function = insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    builder.call(function, [builder.bitcast(address, I8.as_pointer()), I32(0), I32(_NEAR), I32(1)])


def _below(builder: Any, width: Any, columns: int) -> Any:
    """The lanes before ``width``."""
    lanes = ir.Constant(ir.VectorType(I64, columns), list(range(columns)))
    return builder.icmp_signed("<", lanes, _splat(builder, width, columns))


def _splat(builder: Any, scalar: Any, columns: int) -> Any:
    none = ir.Constant(ir.VectorType(scalar.type, columns), ir.Undefined)
    zeros = ir.Constant(ir.VectorType(I32, columns), None)
    return builder.shuffle_vector(builder.insert_element(none, scalar, I32(0)), none, zeros)


def _at(builder: Any, buffer: Any, index: Any) -> Any:
    return builder.gep(buffer, [index], inbounds=True)


def _times(builder: Any, tile: Tile, x: Any, y: Any) -> Any:
    whole = isinstance(tile.c.type.pointee, ir.IntType)
    return builder.mul(x, y) if whole else builder.fmul(x, y, flags=tile.flags)


def _plus(builder: Any, tile: Tile, x: Any, y: Any) -> Any:
    whole = isinstance(tile.c.type.pointee, ir.IntType)
    return builder.add(x, y) if whole else builder.fadd(x, y, flags=tile.flags)


def _rolled(module: Any) -> Any:
    """Says of a loop that LLVM is not to unroll it: the addresses in copies of the body would take registers."""
    option = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = ir.values.MDValue(module, [option], name=str(len(module.metadata)))
    loop.operands = (loop, option)  # LLVM knows a loop by metadata that begin with themselves
    return loop


@intrinsic_of_literals
def multiply_tile(
    typingctx: Any, c: Any, a: Any, b: Any, height: Any, width: Any, depth: Any, ldc: Any, a_row: Any, a_step: Any,
    ldb: Any, add: Any, rows: Any, columns: Any,
) -> Any:  # fmt: skip
    """What the top of this file says, for kernels that Numba compiles."""
    numbers = (height, width, depth, ldc, a_row, a_step, ldb, add)
    tile_rows, tile_columns = rows.literal_value, columns.literal_value

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        values = [
            I64(kind.literal_value) if hasattr(kind, "literal_value") else context.cast(builder, v, kind, types.int64)
            for v, kind in zip(args[3:11], numbers, strict=True)
        ]
        emit_tile(builder, Tile(*args[:3], *values, tile_rows, tile_columns))
        return context.get_dummy_value()

    return signature(types.none, c, a, b, *numbers, rows, columns), codegen
