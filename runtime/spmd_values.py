"""Values of code that runs in all lanes at once: uniform ones are scalars, varying ones vectors.

A uniform value is the same in every lane. Where it meets a varying one it is put into all lanes.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import Any

from graphad.runtime.assembly import Assembly, Word, kind
from graphad.runtime.elementary.functions import elementary
from graphad.runtime.expressions import Expressions, UnsupportedError, Value
from graphad.runtime.streams import ELEMENT

I64 = kind("i64")
_SCALARS = {d: kind(e) for d, e in ELEMENT.items()}


class Values(Expressions):
    """Expressions over uniform and varying values; ``constants`` are the variables of unrolled loops."""

    def __init__(
        self, text: Assembly, lane: tuple[str, int], pixel: tuple[str, int] | None, flags: tuple[str, ...]
    ) -> None:
        """``lane``: a variable and how many values it has; ``pixel``: another one, that changes more slowly."""
        super().__init__(text, flags, _SCALARS)
        self.lane_name, self.group = lane
        self.pixel_name, pixels = pixel or ("", 1)
        self.text, self.lanes = text, pixels * self.group
        lanes = self.lanes
        self.vectors = {d: kind(e, lanes) for d, e in ELEMENT.items()}
        self.constants: dict[str, int] = {}
        self.elements: dict[tuple[str, tuple[int, ...]], Value] = {}
        self.arrays: set[str] = set()
        self.lane, self.pixel = (
            Word(self.vectors["int64"], f"<{', '.join(f'i64 {n}' for n in numbers)}>")
            for numbers in zip(*(divmod(k, self.group)[::-1] for k in range(lanes)), strict=True)
        )

    # -- uniform and varying -------------------------------------------------------------------------------------------

    def varies(self, value: Value) -> bool:
        return bool(value.ir.type.lanes)

    def spread(self, value: Value) -> Value:
        """The value in every lane."""
        return value if self.varies(value) else Value(self.text.splat(value.ir, self.lanes), value.dtype)

    def _alike(self, values: Sequence[Value]) -> list[Value]:
        """All of them scalars, or all vectors."""
        return [self.spread(v) for v in values] if any(map(self.varies, values)) else list(values)

    def _common(self, values: Sequence[Value]) -> tuple[str, list[Any]]:
        return super()._common(self._alike(values))

    def cast(self, value: Value, dtype: str) -> Value:
        kinds, self.kinds = self.kinds, self.vectors if self.varies(value) else _SCALARS
        try:
            return super().cast(value, dtype)
        finally:
            self.kinds = kinds

    # -- expressions ---------------------------------------------------------------------------------------------------

    def value(self, tree: ast.expr) -> Value:
        match tree:
            case ast.Subscript(value=ast.Name(id=name), slice=index) if name in self.arrays:
                return self.elements[name, self.place(index)]
            case _:
                return super().value(tree)

    def place(self, index: ast.expr) -> tuple[int, ...]:
        """The indices of a register, known now that loops are unrolled."""
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        return tuple(self.number(p) for p in parts)

    def number(self, tree: ast.expr) -> int:
        """An integer that follows from the variables of unrolled loops."""
        match tree:
            case ast.Constant(value=int(number)):
                return int(number)
            case ast.Name(id=name) if name in self.constants:
                return self.constants[name]
            case ast.UnaryOp(op=ast.USub(), operand=a):
                return -self.number(a)
            case ast.BinOp(left=a, op=op, right=b):
                return _ARITHMETIC[type(op)](self.number(a), self.number(b))
            case ast.Call(func=ast.Name(id="min" | "max" as name), args=arguments):
                return (min if name == "min" else max)(self.number(a) for a in arguments)
            case _:
                raise UnsupportedError(f"{ast.unparse(tree)} is not known while loops are unrolled")

    def _name(self, name: str) -> Value:
        if name in self.constants:
            return Value(I64(self.constants[name]), "int64")
        if name not in self.arguments:
            raise UnsupportedError(f"{name} is read before it is set")
        return self.arguments[name]

    def index(self, tree: ast.expr) -> Any:
        return self.cast(self.value(tree), "int64").ir

    def function_call(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        if name == "select":
            mask, *rest = (self.value(a) for a in arguments)
            dtype, _ = super()._common(rest)
            test = Value(self.truth(mask), "bool")
            test, x, y = self._alike([test, *(self.cast(v, dtype) for v in rest)])
            return Value(self.text.select(test.ir, x.ir, y.ir), dtype)
        if name == "sum_lanes":
            value = self.spread(self.value(arguments[0]))
            return Value(self._folded(value.ir), value.dtype)
        return super().function_call(name, arguments)

    def _folded(self, vector: Word) -> Word:
        """The sum of the lanes: halves added to halves."""
        lanes = self.lanes
        while lanes > 1:
            lanes //= 2
            order = ", ".join(f"i32 {(i + lanes) % self.lanes}" for i in range(self.lanes))
            moved = self.text.pure(
                f"shufflevector {vector.type} {vector.text}, {vector.type} poison, <{self.lanes} x i32> <{order}>",
                vector.type,
            )
            add = self.text.fadd if vector.type.element in ("float", "double") else self.text.add
            vector = add(vector, moved)
        return self.text.extract(vector, 0)

    def truth(self, value: Value) -> Any:
        if value.dtype == "bool":
            return value.ir
        zero = value.ir.type(0.0 if value.is_float else 0)
        return (self.text.fcmp_unordered if value.is_float else self.text.icmp_signed)("!=", value.ir, zero)

    def general_power(self, x: Any, y: Any) -> Any:
        return self.library("pow", [x, y])

    def library(self, name: str, operands: Sequence[Any]) -> Any:
        if operands[0].type.lanes:
            return self._in_lanes(name, operands)
        return self.text.extract(self._in_lanes(name, [self.text.splat(x, self.lanes) for x in operands]), 0)

    def _in_lanes(self, name: str, operands: Sequence[Any]) -> Word:
        """By the C library where every operation is as written: there nothing is contracted."""
        return elementary(self.text, name, operands) if "contract" in self.flags else self.text.libm(name, operands)


_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
