"""Scalar expressions of kernels' text, as LLVM instructions with their dtypes."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphad.runtime import emitters
from graphad.runtime.assembly import Word
from graphad.runtime.ir import ir
from graphad.runtime.powers import whole_power

I1, I8, I32, I64 = (ir.IntType(n) for n in (1, 8, 32, 64))
F32, F64 = ir.FloatType(), ir.DoubleType()
SCALAR = {"bool": I1, "int32": I32, "int64": I64, "float32": F32, "float64": F64}
_MEMORY = {**SCALAR, "bool": I8}
BYTES = {"bool": 1, "int32": 4, "int64": 8, "float32": 4, "float64": 8}
_RANK = {name: rank for rank, name in enumerate(SCALAR)}


class UnsupportedError(Exception):
    """Not in the part of Python that kernels are written in; ``kernel`` is the one that has it, once that is known."""

    def __init__(self, message: str, kernel: str = "") -> None:
        super().__init__(message)
        self.kernel = kernel


@dataclass(frozen=True)
class Value:
    """An LLVM value and its dtype; ``float32*`` and so on are buffers."""

    ir: Any
    dtype: str

    @property
    def number(self) -> Any:
        """The number, if it is constant."""
        return self.ir.constant if isinstance(self.ir, ir.Constant | Word) else None

    @property
    def is_float(self) -> bool:
        return self.dtype.startswith("float")


def llvm_type(dtype: str) -> Any:
    """The LLVM type of a scalar or buffer argument."""
    return _MEMORY[dtype[:-1]].as_pointer() if dtype.endswith("*") else SCALAR[dtype]


class Expressions:
    """Emits expressions at ``builder``. ``arguments`` are values with names, ``variables`` the addresses of scalars."""

    def __init__(self, builder: Any, flags: tuple[str, ...], kinds: Mapping[str, Any] = SCALAR) -> None:
        self.builder, self.flags, self.kinds = builder, flags, kinds
        self.arguments: dict[str, Value] = {}
        self.variables: dict[str, Value] = {}

    def index(self, tree: ast.expr) -> Any:
        """An index: int64, never large enough to overflow, and divided only where it is not negative."""
        builder = self.builder
        match tree:
            case ast.Constant(value=int(number)):
                return I64(number)
            case ast.BinOp(left=a, op=ast.Add(), right=b):
                return builder.add(self.index(a), self.index(b), flags=("nsw",))
            case ast.BinOp(left=a, op=ast.Sub(), right=b):
                return builder.sub(self.index(a), self.index(b), flags=("nsw",))
            case ast.BinOp(left=a, op=ast.Mult(), right=b):
                return builder.mul(self.index(a), self.index(b), flags=("nsw",))
            case ast.BinOp(left=a, op=ast.FloorDiv(), right=b):
                return builder.sdiv(self.index(a), self.index(b))
            case ast.UnaryOp(op=ast.USub(), operand=a):
                return builder.sub(I64(0), self.index(a), flags=("nsw",))
            case _:
                return self.cast(self.value(tree), "int64").ir

    def value(self, tree: ast.expr) -> Value:
        match tree:
            case ast.Constant(value=bool(flag)):
                return self.constant(int(flag), "bool")
            case ast.Constant(value=int(number)):
                return self.constant(number, "int64")
            case ast.Constant(value=float(number)):
                return self.constant(number, "float64")
            case ast.Name(id=name):
                return self._name(name)
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                return self.load(name, index)
            case ast.BinOp(left=a, op=op, right=b):
                return self.binary(op, self.value(a), self.value(b))
            case ast.Compare(left=a, ops=[op], comparators=[b]):
                return self.compare(op, self.value(a), self.value(b))
            case ast.UnaryOp(op=ast.Not(), operand=a):
                return Value(self.builder.not_(self.truth(self.value(a))), "bool")
            case ast.UnaryOp(op=ast.USub(), operand=a):
                return self.negative(self.value(a))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.function_call(name, arguments)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="math"), attr=name), args=arguments):
                return self.mathematics(name, [self.value(a) for a in arguments])
            case ast.Attribute(value=ast.Name(id="math"), attr=name):
                return self.constant(getattr(math, name), "float64")
            case _:
                raise UnsupportedError(ast.unparse(tree))

    def _name(self, name: str) -> Value:
        if name in self.arguments:
            return self.arguments[name]
        if name not in self.variables:
            raise UnsupportedError(f"{name} is read before it is set")
        target = self.variables[name]
        return Value(self.builder.load(target.ir), target.dtype)

    def buffer(self, name: str) -> str:
        if name not in self.arguments or not self.arguments[name].dtype.endswith("*"):
            raise UnsupportedError(f"{name} is no buffer")
        return self.arguments[name].dtype[:-1]

    def address(self, name: str, index: Any) -> Any:
        return self.builder.gep(self.arguments[name].ir, [index], inbounds=True)

    def load(self, name: str, index: ast.expr) -> Value:
        dtype = self.buffer(name)
        loaded = self.builder.load(self.address(name, self.index(index)), align=BYTES[dtype])
        return Value(self.builder.trunc(loaded, I1) if dtype == "bool" else loaded, dtype)

    def constant(self, number: Any, dtype: str) -> Value:
        """A number as a value. Integers that do not hold it become the least one: what processors make of it."""
        if dtype.startswith("float"):
            return Value(self.kinds[dtype](float(number)), dtype)
        limit = 1 << (8 * BYTES[dtype] - 1)
        if dtype != "bool" and not -limit <= number < limit:
            number = -limit
        return Value(self.kinds[dtype](int(number)), dtype)

    def cast(self, value: Value, dtype: str) -> Value:
        if value.dtype == dtype:
            return value
        if (number := value.number) is not None:
            return self.constant(number, dtype)
        b, source, target = self.builder, value.ir, self.kinds[dtype]
        if dtype == "bool":
            return Value(self.truth(value), "bool")
        if value.is_float:
            if dtype.startswith("float"):
                return Value((b.fpext if dtype == "float64" else b.fptrunc)(source, target), dtype)
            return Value(b.fptosi(source, target), dtype)
        if dtype.startswith("float"):
            return Value((b.uitofp if value.dtype == "bool" else b.sitofp)(source, target), dtype)
        if value.dtype == "bool":
            return Value(b.zext(source, target), dtype)
        return Value((b.sext if dtype == "int64" else b.trunc)(source, target), dtype)

    def truth(self, value: Value) -> Any:
        if value.dtype == "bool":
            return value.ir
        zero = value.ir.type(0.0 if value.is_float else 0)
        if value.is_float:
            return self.builder.fcmp_unordered("!=", value.ir, zero)
        return self.builder.icmp_signed("!=", value.ir, zero)

    def _common(self, values: Sequence[Value]) -> tuple[str, list[Any]]:
        dtype = max((v.dtype for v in values), key=_RANK.__getitem__)
        if "float32" in {v.dtype for v in values} and "int64" in {v.dtype for v in values}:
            dtype = "float64"  # as Numba, which runs the same text
        return dtype, [self.cast(v, dtype).ir for v in values]

    def binary(self, op: ast.operator, a: Value, b: Value) -> Value:
        dtype, (x, y) = self._common([a, b])
        build = self.builder
        if isinstance(op, ast.BitAnd | ast.BitOr | ast.BitXor):
            logic = {ast.BitAnd: build.and_, ast.BitOr: build.or_, ast.BitXor: build.xor}[type(op)]
            return Value(logic(x, y), dtype)
        if isinstance(op, ast.Pow):
            return Value(self.power(b, x, y) if dtype.startswith("float") else self._whole_power(dtype, b, x, y), dtype)
        if isinstance(op, ast.FloorDiv):
            return Value(self._divmod(dtype, x, y)[0], dtype)
        if dtype.startswith("float"):
            real = {ast.Add: build.fadd, ast.Sub: build.fsub, ast.Mult: build.fmul, ast.Div: build.fdiv}
            if type(op) not in real:
                raise UnsupportedError(type(op).__name__)
            return Value(real[type(op)](x, y, flags=self.flags), dtype)
        if dtype == "bool" and isinstance(op, ast.Add):
            return Value(build.or_(x, y), dtype)
        whole = {ast.Add: build.add, ast.Sub: build.sub, ast.Mult: build.mul}
        if type(op) not in whole or dtype == "bool":
            raise UnsupportedError(f"{type(op).__name__} of {dtype}")
        return Value(whole[type(op)](x, y), dtype)

    def _divmod(self, dtype: str, x: Any, y: Any) -> tuple[Any, Any]:
        if not dtype.startswith("float"):
            return emitters.whole_divmod(self.builder, x, y)
        return emitters.rounded_down(self.builder, x, y, self.library("fmod", [x, y]))

    def power(self, exponent: Value, x: Any, y: Any) -> Any:
        """x ** y of floats; ``exponent``: y as it was written. Of one rounding or, unless all is as written, two."""
        if exponent.number == 2 or ("contract" in self.flags and exponent.number in emitters.PRODUCTS):
            return emitters.product(self.builder, x, int(exponent.number))
        return self.general_power(x, y)

    def general_power(self, x: Any, y: Any) -> Any:
        return emitters.llvm("llvm.pow")(self.builder, x, y)

    def _whole_power(self, dtype: str, exponent: Value, x: Any, y: Any) -> Any:
        if dtype == "bool":
            raise UnsupportedError("a power of bool")
        return self.builder.mul(x, x) if exponent.number == 2 else whole_power(self.builder, x, y)

    def compare(self, op: ast.cmpop, a: Value, b: Value) -> Value:
        dtype, (x, y) = self._common([a, b])
        signs = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
        if type(op) not in signs:
            raise UnsupportedError(type(op).__name__)
        sign = signs[type(op)]
        if dtype.startswith("float"):
            test = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
            return Value(test(sign, x, y), "bool")
        test = self.builder.icmp_unsigned if dtype == "bool" else self.builder.icmp_signed
        return Value(test(sign, x, y), "bool")

    def negative(self, value: Value) -> Value:
        if (number := value.number) is not None:
            return self.constant(-number, value.dtype)
        if value.is_float:
            return Value(self.builder.fneg(value.ir), value.dtype)
        return Value(self.builder.neg(value.ir), value.dtype)

    def function_call(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        if name == "share":
            return Value(emitters.share(self.builder, *(self.index(a) for a in arguments)), "int64")
        values = [self.value(a) for a in arguments]
        if name in SCALAR:
            return self.cast(values[0], name)
        if name == "select":
            dtype, (x, y) = self._common(values[1:])
            return Value(self.builder.select(self.truth(values[0]), x, y), dtype)
        if name == "abs":
            name = "fabs"
        if name in _DIVISIONS:
            dtype, operands = self._common(values)
            return Value(self._divmod(dtype, *operands)[_DIVISIONS.index(name)], dtype)
        if name in CALLED:
            return self.mathematics(name, values)
        if name not in FUNCTIONS:
            raise UnsupportedError(f"function {name}")
        real, whole = FUNCTIONS[name]
        dtype, operands = self._common(values)
        if not dtype.startswith("float") and whole is None:
            dtype = "float64"
            operands = [self.cast(v, dtype).ir for v in values]
        emit = real if dtype.startswith("float") or whole is None else whole
        return Value(emit(self.builder, *operands), dtype)

    def mathematics(self, name: str, values: Sequence[Value]) -> Value:
        """A function of the C library, or LLVM's where it vectorises."""
        dtype, operands = self._common(values)
        if not dtype.startswith("float"):
            dtype = "float64"
            operands = [self.cast(v, dtype).ir for v in values]
        if name in ("fabs", "sqrt"):
            return Value(emitters.llvm(f"llvm.{name}")(self.builder, *operands), dtype)
        if name not in LIBM:
            raise UnsupportedError(f"math.{name}")
        return Value(self.library(name, operands), dtype)

    def library(self, name: str, operands: Sequence[Any]) -> Any:
        """A function of the C library."""
        return emitters.libm(name)(self.builder, *operands)


LIBM = frozenset(
    (
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "cbrt", "fmod", "hypot", "erf", "erfc"),
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    )
)
_DIVISIONS = ("floordiv", "mod")
CALLED = frozenset((*_DIVISIONS, "fmod", "cbrt"))
"""Elementary functions that kernels' text calls by name alone."""
FUNCTIONS: dict[str, tuple[emitters.Emit, emitters.Emit | None]] = {
    "maximum": (emitters.larger, emitters.whole_larger),
    "minimum": (emitters.smaller, emitters.whole_smaller),
    "sign": (emitters.sign, emitters.whole_sign),
    "fabs": (emitters.llvm("llvm.fabs"), emitters.whole_abs),
    "floor": (emitters.llvm("llvm.floor"), emitters.same),
    "ceil": (emitters.llvm("llvm.ceil"), emitters.same),
    "trunc": (emitters.llvm("llvm.trunc"), emitters.same),
    "rint": (emitters.llvm("llvm.rint"), emitters.same),
    "sqrt": (emitters.llvm("llvm.sqrt"), None),
    "copysign": (emitters.llvm("llvm.copysign"), None),
    "fma": (emitters.llvm("llvm.fma"), None),
}
