"""``multiply_panel`` and ``transpose_panel`` for kernels that Numba compiles."""

from __future__ import annotations

from typing import Any

from graphad.runtime.general.numba_api import intrinsic_of_literals, ir, signature, types
from graphad.runtime.panels import NUMBERS, emit_panel
from graphad.runtime.transposes import emit_transpose


@intrinsic_of_literals
def multiply_panel(
    typingctx: Any, c: Any, a: Any, b: Any, ahead: Any, rows: Any, width: Any, depth: Any, ldc: Any, a_row: Any,
    a_step: Any, ldb: Any, ahead_row: Any, add: Any, at_once: Any, columns: Any, lanes: Any,
) -> Any:  # fmt: skip
    """What the top of panels.py says."""
    whole = width.literal_value if hasattr(width, "literal_value") else None

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        numbers = list(args[4:13])
        if whole is not None:
            numbers[1] = ir.IntType(64)(whole)
        tile = at_once.literal_value, columns.literal_value, lanes.literal_value
        emit_panel(builder, args[:4], numbers, *tile, ())
        return context.get_dummy_value()

    return signature(types.none, c, a, b, ahead, *(types.int64,) * len(NUMBERS), at_once, columns, lanes), codegen


@intrinsic_of_literals
def transpose_panel(typingctx: Any, y: Any, x: Any, rows: Any, y_row: Any, x_row: Any, columns: Any) -> Any:
    """What the top of transposes.py says."""

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        emit_transpose(builder, args[:2], args[2:5], columns.literal_value)
        return context.get_dummy_value()

    return signature(types.none, y, x, *(types.int64,) * 3, columns), codegen
