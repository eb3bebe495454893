"""Transposes in vector registers: ``transpose_panel`` of kernels' text.

    transpose_panel(y, x, rows, y_row, x_row, COLUMNS)

    y[i*y_row + j] = x[j*x_row + i] for i < rows and j < COLUMNS

COLUMNS, a literal power of two, is the number of lanes; rows is at least that. Blocks of COLUMNS x COLUMNS are loaded,
shuffled and stored whole; the last one overlaps the one before, where they do not fit in evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphad.runtime.ir import ir

I32, I64 = ir.IntType(32), ir.IntType(64)
_BYTES = {"float": 4, "double": 8, "i8": 1, "i32": 4, "i64": 8}
_EXACT = ("nsw",)


def emit_transpose(builder: Any, buffers: Sequence[Any], numbers: Sequence[Any], columns: int) -> None:
    """Call the function, which is written into the module if it is not there."""
    element = buffers[0].type.pointee
    name = f"transpose_panel.{element}.{columns}"
    function = builder.module.globals.get(name) or _function(builder.module, name, element, columns)
    builder.call(function, [*buffers, *numbers])


def _function(module: Any, name: str, element: Any, columns: int) -> Any:
    kinds = [element.as_pointer()] * 2 + [I64] * 3
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    y, x, rows, y_row, x_row = function.args
    for buffer in (y, x):
        buffer.add_attribute("noalias")
    entry, head, body, end = (function.append_basic_block(part) for part in ("entry", "head", "body", "end"))
    b = ir.IRBuilder(entry)
    final = b.sub(rows, I64(columns), flags=_EXACT)
    b.branch(head)
    b.position_at_end(head)
    i = b.phi(I64, name="i")
    i.add_incoming(I64(0), entry)
    b.cbranch(b.icmp_signed("<", i, rows), body, end)
    b.position_at_end(body)
    at = b.select(b.icmp_signed("<", i, final), i, final)
    _block(b, b.gep(y, [b.mul(at, y_row, flags=_EXACT)]), b.gep(x, [at]), y_row, x_row, columns)
    i.add_incoming(b.add(i, I64(columns), flags=_EXACT), body)
    b.branch(head)
    b.position_at_end(end)
    b.ret_void()
    return function


def _block(b: Any, y: Any, x: Any, y_row: Any, x_row: Any, columns: int) -> None:
    """Rows i and i + COLUMNS/2 are interleaved to rows 2i and 2i + 1, log2 COLUMNS times."""
    vector = ir.VectorType(y.type.pointee, columns)
    size = _BYTES[str(y.type.pointee)]

    def row(buffer: Any, pitch: Any, r: int) -> Any:
        return b.bitcast(b.gep(buffer, [b.mul(pitch, I64(r), flags=_EXACT)]), vector.as_pointer())

    halves = [[h + n // 2 + columns * (n % 2) for n in range(columns)] for h in (0, columns // 2)]
    masks = [ir.Constant(ir.VectorType(I32, columns), half) for half in halves]
    lines = [b.load(row(x, x_row, j), align=size) for j in range(columns)]
    for _ in range(columns.bit_length() - 1):
        pairs = zip(lines[: columns // 2], lines[columns // 2 :], strict=True)
        lines = [b.shuffle_vector(low, high, mask) for low, high in pairs for mask in masks]
    for r, line in enumerate(lines):
        b.store(line, row(y, y_row, r), align=size)
