"""Integers to the power of integers, by squaring: a function of the module's own, which vectors call lane by lane."""

from __future__ import annotations

from typing import Any

from graphad.runtime.assembly import Assembly, by_lanes, kind
from graphad.runtime.ir import insert_function, ir


def whole_power(builder: Any, x: Any, y: Any) -> Any:
    """x ** y modulo the range of x's type, as NumPy; of a negative y the whole part: 0 but for x = 1 and -1."""
    if not isinstance(builder, Assembly):
        return builder.call(_function(builder.module, x.type), [x, y])
    one = kind(x.type.element)
    name = str(_function(builder.module, one.llvm).name)
    if not x.type.lanes:
        return builder.call(name, [x, y], one)
    return builder.apart("power", [x, y], lambda body, words: by_lanes(body, name, words))


def _function(module: Any, number: Any) -> Any:
    function = insert_function(module, ir.FunctionType(number, [number, number]), f"graphad.power.{number}")
    if function.is_declaration:
        function.linkage = "internal"
        _fill(function, number)
    return function


def _fill(function: Any, number: Any) -> None:
    """The base is squared for each bit of the exponent, and multiplied into the result where the bit is set."""
    x, y = function.args
    start, head, body, leave = (function.append_basic_block(name) for name in ("start", "head", "body", "leave"))
    builder = ir.IRBuilder(start)
    negative = builder.icmp_signed("<", y, number(0))
    unit = builder.or_(builder.icmp_signed("==", x, number(1)), builder.icmp_signed("==", x, number(-1)))
    first = builder.select(builder.and_(negative, builder.not_(unit)), number(0), number(1))
    bits = builder.select(negative, builder.and_(y, number(1)), y)
    builder.branch(head)

    builder.position_at_end(head)
    result, base, rest = (builder.phi(number) for _ in range(3))
    for phi, value in ((result, first), (base, x), (rest, bits)):
        phi.add_incoming(value, start)
    builder.cbranch(builder.icmp_signed("!=", rest, number(0)), body, leave)

    builder.position_at_end(body)
    factor = builder.select(builder.trunc(rest, ir.IntType(1)), base, number(1))
    result.add_incoming(builder.mul(result, factor), body)
    base.add_incoming(builder.mul(base, base), body)
    rest.add_incoming(builder.lshr(rest, number(1)), body)
    builder.branch(head)

    builder.position_at_end(leave)
    builder.ret(result)
