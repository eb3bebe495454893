"""An evaluator of scalar expressions, written from the primitives' names alone: the second opinion on every record."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from scipy import special

from graphad.compiler.ir.scalar import BINARY, COMPARE, LOGIC, PREDICATE, UNARY, Apply, Arg, Cast, Const, Scalar

PRIMITIVES: Final[dict[str, Callable[..., Any]]] = {
    "neg": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.rint,
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": special.erf,
    "erfc": special.erfc,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "floordiv": np.floor_divide,
    "mod": np.mod,
    "pow": np.power,
    "atan2": np.arctan2,
    "hypot": np.hypot,
    "min": np.minimum,
    "max": np.maximum,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "xor": np.logical_xor,
    "not": np.logical_not,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "select": np.where,
}


def run(expression: Scalar, operands: Sequence[np.ndarray]) -> Any:
    """The expression's value; constants are weak, as Python numbers are to NumPy."""
    match expression:
        case Arg(index):
            return operands[index]
        case Const(value):
            return value
        case Cast(dtype, arg):
            return np.asarray(run(arg, operands)).astype(dtype)
        case Apply("require", (condition, value)):
            assert np.all(run(condition, operands))
            return run(value, operands)
        case Apply("select", (condition, x, y)):
            found = [run(a, operands) for a in (x, y)]
            dtype = next((v.dtype for v in found if isinstance(v, np.ndarray | np.generic)), None)
            return np.where(run(condition, operands), *(np.asarray(v, dtype) for v in found))
        case Apply(primitive, args):
            return PRIMITIVES[primitive](*(run(a, operands) for a in args))
    raise AssertionError(expression)


def test_every_primitive_is_known_here() -> None:
    assert set(PRIMITIVES) == UNARY | BINARY | COMPARE | LOGIC | PREDICATE | {"select"}
