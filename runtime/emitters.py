"""LLVM instructions for scalar functions: each takes a builder and values of one type.

Nothing branches, so that loops over them vectorise; `whole_` marks the versions for signed integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphad.runtime.assembly import Assembly
from graphad.runtime.ir import insert_function, ir

Emit = Callable[..., Any]  # (builder, *values) -> value


def llvm(name: str) -> Emit:
    """Call the LLVM intrinsic of that name, in its version for the first value's type."""

    def emit(builder: Any, *values: Any) -> Any:
        if isinstance(builder, Assembly):
            return builder.intrinsic(name, values)
        kind = values[0].type
        suffix = "f32" if kind == ir.FloatType() else "f64"
        signature_ = ir.FunctionType(kind, [value.type for value in values])
        return builder.call(insert_function(builder.module, signature_, f"{name}.{suffix}"), values)

    return emit


def libm(name: str) -> Emit:
    """Call the C function: name for double, name + "f" for float."""

    def emit(builder: Any, *values: Any) -> Any:
        if isinstance(builder, Assembly):
            return builder.libm(name, values)
        kind = values[0].type
        symbol = name + ("f" if kind == ir.FloatType() else "")
        signature_ = ir.FunctionType(kind, [value.type for value in values])
        return builder.call(insert_function(builder.module, signature_, symbol), values)

    return emit


PRODUCTS = (2, 3, 4)
"""Exponents of powers that are products: of one or two roundings, and none that is extreme unless the power is."""


def product(builder: Any, x: Any, exponent: int) -> Any:
    """x ** exponent, one of ``PRODUCTS``."""
    square = builder.fmul(x, x)
    return {2: lambda: square, 3: lambda: builder.fmul(square, x), 4: lambda: builder.fmul(square, square)}[exponent]()


def larger(builder: Any, x: Any, y: Any) -> Any:
    """A NaN on either side wins: x if x > y or x is NaN, else y (which may be the NaN)."""
    return builder.select(builder.or_(builder.fcmp_ordered(">", x, y), builder.fcmp_unordered("uno", x, x)), x, y)


def smaller(builder: Any, x: Any, y: Any) -> Any:
    return builder.select(builder.or_(builder.fcmp_ordered("<", x, y), builder.fcmp_unordered("uno", x, x)), x, y)


def sign(builder: Any, x: Any) -> Any:
    """1, -1, 0 for both zeros, NaN for NaN."""
    one, zero = x.type(1.0), x.type(0.0)
    settled = builder.select(builder.fcmp_ordered("==", x, zero), zero, x)
    negative = builder.select(builder.fcmp_ordered("<", x, zero), x.type(-1.0), settled)
    return builder.select(builder.fcmp_ordered(">", x, zero), one, negative)


def whole_sign(builder: Any, x: Any) -> Any:
    up = builder.zext(builder.icmp_signed(">", x, x.type(0)), x.type)
    return builder.sub(up, builder.zext(builder.icmp_signed("<", x, x.type(0)), x.type))


def whole_abs(builder: Any, x: Any) -> Any:
    return builder.select(builder.icmp_signed("<", x, x.type(0)), builder.neg(x), x)


def whole_divmod(builder: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Rounded down, as in Python. As in NumPy, x // 0 = x % 0 = 0 and the smallest number over -1 is itself."""
    zero, one = x.type(0), x.type(1)
    by_zero = builder.icmp_signed("==", y, zero)
    overflow = builder.and_(
        builder.icmp_signed("==", x, x.type(-(1 << (x.type.width - 1)))), builder.icmp_signed("==", y, x.type(-1))
    )
    divisor = builder.select(builder.or_(by_zero, overflow), one, y)
    quotient, remainder = builder.sdiv(x, divisor), builder.srem(x, divisor)
    mixed = builder.icmp_signed("<", builder.xor(remainder, divisor), zero)
    down = builder.and_(mixed, builder.icmp_signed("!=", remainder, zero))
    quotient = builder.select(down, builder.sub(quotient, one), quotient)
    remainder = builder.select(down, builder.add(remainder, divisor), remainder)
    return builder.select(by_zero, zero, quotient), remainder


def real_divmod(builder: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """The quotient rounded down, and what is left, as in Python."""
    return rounded_down(builder, x, y, libm("fmod")(builder, x, y))


def rounded_down(builder: Any, x: Any, y: Any, remainder: Any) -> tuple[Any, Any]:
    """The same, given fmod(x, y): NumPy's npy_divmod, step by step. It is exact where x / y rounds to a neighbour."""
    zero, one, half = x.type(0.0), x.type(1.0), x.type(0.5)
    quotient = builder.fdiv(builder.fsub(x, remainder), y)
    mixed = builder.xor(builder.fcmp_ordered("<", y, zero), builder.fcmp_ordered("<", remainder, zero))
    down = builder.and_(mixed, builder.fcmp_unordered("!=", remainder, zero))
    quotient = builder.select(down, builder.fsub(quotient, one), quotient)
    shifted = builder.select(down, builder.fadd(remainder, y), remainder)
    signed_zero = llvm("llvm.copysign")(builder, zero, y)
    shifted = builder.select(builder.fcmp_ordered("==", shifted, zero), signed_zero, shifted)
    whole = llvm("llvm.floor")(builder, quotient)
    short = builder.fcmp_ordered(">", builder.fsub(quotient, whole), half)
    whole = builder.select(short, builder.fadd(whole, one), whole)
    plain = builder.fdiv(x, y)
    whole = builder.select(
        builder.fcmp_ordered("==", quotient, zero), llvm("llvm.copysign")(builder, zero, plain), whole
    )
    return builder.select(builder.fcmp_ordered("==", y, zero), plain, whole), shifted


def same(builder: Any, x: Any) -> Any:
    return x


def whole_larger(builder: Any, x: Any, y: Any) -> Any:
    return builder.select(builder.icmp_signed(">", x, y), x, y)


def whole_smaller(builder: Any, x: Any, y: Any) -> Any:
    return builder.select(builder.icmp_signed("<", x, y), x, y)


def share(builder: Any, extent: Any, part: Any, parts: Any, grain: Any) -> Any:
    """Where part `part` of `parts` begins among 0..extent, in multiples of the grain; part `parts` is the end."""
    flags = ("nsw",)
    even = builder.sdiv(builder.mul(extent, part, flags=flags), parts)
    start = builder.mul(builder.sdiv(even, grain), grain, flags=flags)
    return builder.select(builder.icmp_signed("==", part, parts), extent, start)
