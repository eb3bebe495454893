"""What ``help`` says of a record: it reads as the function that it is called as."""

import inspect
from collections.abc import Sequence
from types import FunctionType
from typing import Any, Final

import numpy as np

from graphad.compiler.ir.scalar import Apply, Arg, Cast, Const, Scalar

INFIX: Final = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "and": "&", "or": "|", "xor": "^",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
}  # fmt: skip
TAKES: Final = {
    "float": "float32 or float64",
    "number": "numbers of any dtype",
    "bool": "bool",
    "any": "any dtype",
}


class Described:
    """A class's docstring, and another one for each of its instances, ``self.describe()``."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __get__(self, instance: Any, owner: type) -> str:
        return self.text if instance is None else str(instance.describe())


class Signed:
    """The signature of an instance, ``self.signature()``; a class has its own."""

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        if instance is None:
            raise AttributeError("__signature__")
        found: inspect.Signature = instance.signature()
        return found


def names_of(function: FunctionType) -> tuple[str, ...]:
    """What a function calls its operands; read off its code, since a signature takes 20 us for each of many ops.

    >>> names_of(lambda x, y, dtype="bool": x)
    ('x', 'y')
    """
    code = function.__code__
    return code.co_varnames[: code.co_argcount - len(function.__defaults__ or ())]


def positional(names: Sequence[str], result: Any) -> inspect.Signature:
    """The signature of a function of operands that have no other names.

    >>> positional(["x", "y"], float)
    <Signature (x, y, /) -> float>
    """
    return inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names], return_annotation=result
    )


def expression(value: Scalar, names: Sequence[str] = "xyz") -> str:
    """A scalar expression as it is written."""
    match value:
        case Arg(index):
            return names[index]
        case Const(number):
            return f"{number:.6g}" if isinstance(number, float) else str(number)
        case Cast(dtype, arg):
            return f"{dtype}({expression(arg, names)})"
        case Apply(primitive, args):
            texts = [expression(a, names) for a in args]
            if primitive in INFIX:
                return f"({texts[0]} {INFIX[primitive]} {texts[1]})"
            return f"{primitive}({', '.join(texts)})"
        case _:
            raise AssertionError(value)


def elementwise_text(scalar: Scalar, names: Sequence[str], reference: Any, takes: str, derivative: bool) -> str:
    """What an elementwise op computes, takes and derives."""
    numpys = f", as ``np.{reference.__name__}``" if isinstance(reference, np.ufunc) else ""
    operands = f"{', '.join(names)}: tensors, arrays or numbers of one shape, or of shapes that broadcast"
    one = f"{names[0]}: a tensor, an array or a number"
    return (
        f"``{expression(scalar, names)}``, element by element{numpys}.\n\n"
        f"{one if len(names) == 1 else operands}; takes {TAKES[takes]}.\n"
        f"{'Derivatives of every order exist.' if derivative else 'It has no derivative.'}"
    )


def folding_text(what: str, monoid: str, derivative: bool) -> str:
    """What a reduction or a scan does."""
    return (
        f"{what} by ``{monoid}``.\n\n{'Derivatives of every order exist.' if derivative else 'It has no derivative.'}"
    )
