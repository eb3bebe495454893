"""Scalar expressions: what a Map computes at each point, in a closed set of primitives every target can emit.

Built by calling functions and operators on ``Scalar`` values, so an op's record writes
``lambda x: where(x > 20.0, x, log1p(exp(x)))``. Constants are weak: they take the dtype of what they meet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from graphad.compiler.ir.dtypes import promote

UNARY: Final = frozenset({
    "neg", "abs", "sign", "floor", "ceil", "trunc", "round", "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2",
    "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "erf", "erfc",
})  # fmt: skip
BINARY: Final = frozenset({"add", "sub", "mul", "div", "floordiv", "mod", "pow", "atan2", "hypot", "min", "max"})
COMPARE: Final = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
LOGIC: Final = frozenset({"and", "or", "xor", "not"})
PREDICATE: Final = frozenset({"isnan", "isinf", "isfinite"})
_BOOLEAN: Final = COMPARE | LOGIC | PREDICATE


class Scalar:
    """Base of the four expression forms; only carries the operators."""

    __slots__ = ()

    def __add__(self, other: "Operand") -> "Apply":
        return apply("add", self, other)

    def __radd__(self, other: "Operand") -> "Apply":
        return apply("add", other, self)

    def __sub__(self, other: "Operand") -> "Apply":
        return apply("sub", self, other)

    def __rsub__(self, other: "Operand") -> "Apply":
        return apply("sub", other, self)

    def __mul__(self, other: "Operand") -> "Apply":
        return apply("mul", self, other)

    def __rmul__(self, other: "Operand") -> "Apply":
        return apply("mul", other, self)

    def __truediv__(self, other: "Operand") -> "Apply":
        return apply("div", self, other)

    def __rtruediv__(self, other: "Operand") -> "Apply":
        return apply("div", other, self)

    def __neg__(self) -> "Apply":
        return apply("neg", self)

    def __lt__(self, other: "Operand") -> "Apply":
        return apply("lt", self, other)

    def __le__(self, other: "Operand") -> "Apply":
        return apply("le", self, other)

    def __gt__(self, other: "Operand") -> "Apply":
        return apply("gt", self, other)

    def __ge__(self, other: "Operand") -> "Apply":
        return apply("ge", self, other)


@dataclass(frozen=True, slots=True)
class Arg(Scalar):
    """The op's operand number ``index``."""

    index: int


@dataclass(frozen=True, slots=True)
class Const(Scalar):
    """A weak constant."""

    value: bool | int | float


@dataclass(frozen=True, slots=True)
class Apply(Scalar):
    """A primitive applied. Its hash is kept: it is a key, in cse and in the type rule, for every node of a graph."""

    primitive: str
    args: tuple[Scalar, ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.primitive, self.args)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Cast(Scalar):
    """Conversion to a dtype; float to integer truncates towards zero."""

    dtype: str
    arg: Scalar


Operand: TypeAlias = Scalar | bool | int | float


def lift(x: Operand) -> Scalar:
    """Python numbers become constants."""
    return x if isinstance(x, Scalar) else Const(x)


def apply(primitive: str, *args: Operand) -> Apply:
    """A primitive on scalars and Python numbers."""
    return Apply(primitive, tuple(lift(a) for a in args))


def where(condition: Operand, x: Operand, y: Operand) -> Apply:
    """``x`` where the condition holds, else ``y``; only the chosen one counts."""
    return apply("select", condition, x, y)


def require(condition: Operand, value: Operand) -> Apply:
    """``value``, and a run-time error unless the condition holds."""
    return apply("require", condition, value)


def build(arity: int, body: Callable[..., Operand]) -> Scalar:
    """The expression a record's lambda describes."""
    return lift(body(*(Arg(i) for i in range(arity))))


def arity(expression: Scalar) -> int:
    """One more than the greatest operand number used."""
    match expression:
        case Arg(index):
            return index + 1
        case Apply(_, args):
            return max((arity(a) for a in args), default=0)
        case Cast(_, arg):
            return arity(arg)
        case _:
            return 0


def dtype_of(expression: Scalar, operands: Sequence[str]) -> str | None:
    """The dtype of an expression over operands of these dtypes; None for a constant, which is weak.

    >>> dtype_of(apply("lt", Arg(0), 1.0), ["float32"])
    'bool'
    """
    return _dtype_of(expression, tuple(operands))


@lru_cache(maxsize=4096)
def _dtype_of(expression: Scalar, operands: tuple[str, ...]) -> str | None:
    match expression:
        case Arg(index):
            return operands[index]
        case Cast(dtype, _):
            return dtype
        case Apply(primitive, args):
            if primitive in _BOOLEAN:
                return "bool"
            values = args[1:] if primitive in {"select", "require"} else args
            found = [d for a in values if (d := _dtype_of(a, operands)) is not None]
            return promote(*found) if found else None
        case _:
            return None


@lru_cache(maxsize=4096)
def operations(expression: Scalar) -> tuple[str, ...]:
    """The primitives of one evaluation, in which equal sub-expressions are computed once.

    >>> operations(apply("exp", Arg(0)) / (apply("exp", Arg(0)) + 1))
    ('div', 'exp', 'add')
    """
    found: dict[Scalar, None] = {}
    stack = [expression]
    while stack:
        match stack.pop():
            case Apply(_, args) as node if node not in found:
                found[node] = None
                stack.extend(reversed(args))
            case Cast(_, arg):
                stack.append(arg)
            case _:
                pass
    return tuple(node.primitive for node in found if isinstance(node, Apply))


def count_flops(expression: Scalar) -> int:
    """Arithmetic operations in one evaluation; a transcendental function counts as one."""
    return len(operations(expression))
