"""Emits loop IR as Numba source text."""

import math
from collections.abc import Sequence
from typing import Final

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.ir import (
    Assign,
    At,
    Bound,
    Call,
    Element,
    Expr,
    Fail,
    For,
    If,
    Kernel,
    Let,
    Lit,
    Load,
    Note,
    Prefetch,
    Prim,
    Put,
    Ref,
    Registers,
    Stmt,
    Store,
    ToDtype,
    Together,
)
from graphad.compiler.loops.shares import GRAIN, SHORT, in_blocks, trips, unshared

_MATH: Final = frozenset(
    (
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "erf", "erfc", "hypot", "sin", "cos", "tan"),
        *("asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    )
)
_OURS: Final = {
    "fma": "fma",
    "abs": "fabs", "sign": "sign", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "round": "rint", "sqrt": "sqrt",
    "cbrt": "cbrt", "min": "minimum", "max": "maximum", "floordiv": "floordiv", "mod": "mod", "select": "select",
    "sum_lanes": "sum_lanes",
}  # fmt: skip
_INFIX: Final = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==",
    "ne": "!=", "and": "&", "or": "|", "xor": "^", "pow": "**",
}  # fmt: skip


def kernel_text(kernel: Kernel, name: str, called: bool = False, body: str | None = None) -> str:
    """The kernel as a function called ``name``: buffers, then sizes, then this part of how many, then the status.

    ``called``: by kernels, not by ``run``, so without the last three. ``body``: its ``body_text``, if that is at hand.
    """
    chosen = {
        "contract=False": kernel.strict,
        "reassociate=True": kernel.reassociate and not kernel.strict,
        "scheduled=True": kernel.scheduled,
    }
    options = ", ".join(option for option, holds in chosen.items() if holds)
    flags = f"({options})" if options else ""
    parameters = [p.name for p in kernel.buffers] + kernel.scalars
    if not called:
        parameters += ["part", "parts", "status"]
    return f"@kernel{flags}\ndef {name}({', '.join(parameters)}):\n{body_text(kernel) if body is None else body}"


def body_text(kernel: Kernel) -> str:
    """What the kernel does, without its head."""
    shared = kernel.body if kernel.parallel else unshared(kernel.body)
    body = in_blocks(shared) if kernel.reassociate and not kernel.strict else shared
    return "\n".join(_block(body, 1) or ["    pass"]) + "\n"


def _block(statements: Sequence[Stmt], depth: int) -> list[str]:
    return [line for s in statements for line in _statement(s, depth)]


def _statement(statement: Stmt, depth: int) -> list[str]:
    pad = "    " * depth
    match statement:
        case Let(name, value) | Assign(name, value):
            return [f"{pad}{name} = {expression(value)}"]
        case Store(buffer, index, value, stream) if stream != 0:
            return [f"{pad}stream({buffer}, {index}, {expression(value)}, {stream})"]
        case Store(buffer, index, value):
            return [f"{pad}{buffer}[{index}] = {expression(value)}"]
        case Registers(name, extents, value):
            return [f"{pad}{name} = registers({', '.join(map(str, extents))}, {literal(value)})"]
        case Put(name, index, value):
            return [f"{pad}{name}[{', '.join(map(str, index))}] = {expression(value)}"]
        case For():
            return [f"{pad}for {statement.var} in {_range(statement)}:", *_inner(statement.body, depth)]
        case Together(var, lanes, body):
            return [f"{pad}for {var} in lanes({lanes}):", *_inner(body, depth)]
        case If(condition, body):
            return [f"{pad}if {expression(condition)}:", *_inner(body, depth)]
        case Call(function, arguments):
            return [f"{pad}{function}({', '.join(map(_argument, arguments))})"]
        case Fail(code, detail):
            return [f"{pad}fail(status, {code}, int64({expression(detail)}))"]
        case Prefetch(buffer, index):
            return [f"{pad}prefetch({buffer}, {index})"]
        case Note(text):
            return [f"{pad}# {text}"]


def _inner(body: Sequence[Stmt], depth: int) -> list[str]:
    found = _block(body, depth + 1)
    return found or ["    " * (depth + 1) + "pass"]


def _range(loop: For) -> str:
    kind = "lanes" if loop.lanes else "unrolled" if loop.mark == "unrolled" else "range"
    if loop.mark == "parallel":
        assert loop.start == 0
        assert loop.step == 1
        inside = trips(loop.body)
        grain = loop.grain or (GRAIN if inside is not None and inside <= SHORT else 1)
        first, last = (f"share({loop.stop}, {part}, parts, {grain})" for part in ("part", "part + 1"))
        return f"{kind}({first}, {last})"
    if loop.lanes:
        return f"lanes({loop.start}, {loop.stop})"
    start, stop = str(loop.start), str(loop.stop)
    if loop.within is not None:
        start, stop = f"max({loop.within[0]}, {start})", f"min({loop.within[1]}, {stop})"
    if loop.step != 1:
        return f"{kind}({start}, {stop}, {loop.step})"
    return f"{kind}({stop})" if start == "0" else f"{kind}({start}, {stop})"


def _group(dim: Dim) -> str:
    text = str(dim)
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def _argument(argument: tuple[str, Dim] | Dim) -> str:
    if isinstance(argument, tuple):
        name, place = argument
        return name if place == 0 else f"offset({name}, {place})"
    return str(argument)


def expression(value: Expr) -> str:
    """An expression as Python text that keeps its dtype in Numba."""
    match value:
        case Lit():
            return literal(value)
        case Ref(name):
            return name
        case At(index):
            return _group(index)
        case Bound(extent, end):
            return f"share({extent}, {'part + 1' if end else 'part'}, parts, 1)"
        case Load(buffer, index):
            return f"{buffer}[{index}]"
        case Element(name, places):
            return f"{name}[{', '.join(map(str, places))}]"
        case ToDtype(arg, dtype):
            return _cast(arg, dtype)
        case Prim(primitive, args, dtype):
            return _primitive(primitive, args, dtype)


def literal(value: Lit) -> str:
    """A constant of its dtype: Numba would take a bare 0.5 for a float64."""
    if value.dtype == "bool":
        return str(bool(value.value))
    if value.dtype == "int64":
        return str(int(value.value))
    if value.dtype == "int32":
        return f"int32({int(value.value)})"
    number = float(value.value)
    if math.isnan(number):
        return f"{value.dtype}(math.nan)"
    if math.isinf(number):
        return f"{value.dtype}({'-' if number < 0 else ''}math.inf)"
    return f"{value.dtype}({number!r})"


def _cast(arg: Expr, dtype: str) -> str:
    text = expression(arg)
    if dtype == "bool":
        zero = literal(Lit(0, arg.dtype))
        return f"({text} != {zero})"
    if arg.dtype == "bool":
        one, none = literal(Lit(1, dtype)), literal(Lit(0, dtype))
        return f"select({text}, {one}, {none})"
    return f"{dtype}({text})"


def _primitive(primitive: str, args: Sequence[Expr], dtype: str) -> str:
    texts = [expression(a) for a in args]
    first = args[1].dtype if primitive == "select" else args[0].dtype
    if primitive in _INFIX:
        return f"({texts[0]} {_INFIX[primitive]} {texts[1]})"
    if primitive == "neg":
        return f"(-{texts[0]})"
    if primitive == "not":
        return f"(not {texts[0]})"
    if primitive == "isnan":
        return f"({texts[0]} != {texts[0]})" if is_float(first) else "False"
    if primitive in ("isinf", "isfinite"):
        limit = f"{first}(math.inf)"
        return f"(fabs({texts[0]}) {'==' if primitive == 'isinf' else '<'} {limit})"
    if primitive == "abs" and not is_float(first):
        return f"abs({texts[0]})"
    if primitive in _MATH:
        return f"math.{primitive}({', '.join(texts)})"
    return f"{_OURS[primitive]}({', '.join(texts)})"
