"""Symbolic sizes as numbers of the graph: what operators make of them, and what they cannot be asked for."""

from collections.abc import Callable
from typing import Any, Final, NoReturn

import numpy as np

from graphad.build import in_dtype, is_weak, own_dtype
from graphad.compiler.errors import GraphError
from graphad.compiler.ir import size
from graphad.compiler.ir.dtypes import is_float, promote
from graphad.tensor import OPERATORS, Number, Tensor, here, operator

ARITHMETIC: Final = frozenset(
    ("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "pow", "negative", "abs")
)
"""What makes a number of numbers."""

INSTEAD: Final[dict[str, str]] = {
    "float": "write {0} * x, x / {0} or 1 / {0} as it is, or ga.constant({0}, 'float32')",
    "int": "write {0} * x or {0} // 2 as it is, or ga.constant({0})",
    "index": "write x[:{0}], x[-1] or ga.arange({0}), or, for a loop of Python's, declare the size as a number",
}
CHOICE: Final = "write ga.where(ga.constant({0}) > 3, a, b) to choose by a size, or declare the size as a number"


@operator("number")
def number(name: str, *operands: Any) -> Any:
    """The arithmetic of weak numbers, weak itself: computed in the dtype of the tensor that the result meets.

    NotImplemented where an operand is strong, or the operation is no arithmetic.
    """
    if name not in ARITHMETIC or not all(map(is_weak, operands)):
        return NotImplemented
    own = promote(*map(own_dtype, operands))
    real = name == "divide" or is_float(own)

    def at(dtype: str) -> Tensor:
        found: Tensor = OPERATORS[name](*(in_dtype(o, dtype) for o in operands))
        return found

    return Number(at, own if is_float(own) or not real else "float32")


def arithmetic(name: str, a: Any, b: Any) -> Any:
    """An operator on a size and something that is no size."""
    for x, other, swapped in ((a, b, True), (b, a, False)):
        if isinstance(x, np.integer):
            return _whole(name, int(x), other) if swapped else _whole(name, other, int(x))
    if is_weak(a) and is_weak(b):
        return number(name, a, b)
    strong = next(x for x in (a, b) if not is_weak(x))
    return OPERATORS[name](a, b) if isinstance(strong, Tensor | np.ndarray | np.generic) else NotImplemented


_PYTHON: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "floor_divide": lambda a, b: a // b,
    "remainder": lambda a, b: a % b,
    "pow": lambda a, b: a**b,
}


def _whole(name: str, a: Any, b: Any) -> Any:
    """NumPy's integers count sizes as Python's do."""
    return _PYTHON[name](a, b)


def refuse(what: str, text: str, asked: size.Size) -> NoReturn:
    """A size is asked for its number."""
    hint = INSTEAD.get(what, CHOICE).format(asked)
    raise GraphError(f"{text} is not known while the graph is written: each call brings its size; {hint}{here()}")


size.declare_front(arithmetic, refuse)
