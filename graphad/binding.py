"""Arguments of a call: checked against the declared dtype and shape, symbolic sizes read off them."""

from typing import Any, TypeAlias

import numpy as np

from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import DTYPES
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size

Sizes: TypeAlias = dict[str, int]


def accept(x: Node, value: Any, sizes: Sizes) -> np.ndarray:
    """``value`` as an array of x's dtype and shape; sizes not known yet are entered into ``sizes``.

    Python numbers and lists convert; an array of another dtype is refused with the cast to write.
    """
    name = x.kind.name if isinstance(x.kind, Leaf) else repr(x)
    array = value if isinstance(value, np.ndarray) else _converted(name, x, value)
    if array.dtype.name != x.type.dtype:
        known = array.dtype.name in DTYPES
        raise DTypeError(
            f"argument {name!r}: expected {x.type.dtype}, got {array.dtype}; "
            + (f"write {name}.astype({x.type.dtype!r})" if known else f"one of {', '.join(DTYPES)} is possible")
            + f" [declared {x.site}]"
        )
    _match(name, x, array.shape, sizes)
    return array


def _converted(name: str, x: Node, value: Any) -> np.ndarray:
    if isinstance(value, Node):
        raise GraphError(f"argument {name!r}: expected numbers, got the tensor {value!r}; call with arrays")
    if isinstance(value, np.generic):
        return np.asarray(value)
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"cannot hold {array.dtype}")
        if array.dtype.kind == "f" and x.type.dtype[0] != "f":
            raise ValueError("would lose the fraction")
        return array.astype(x.type.dtype)
    except (ValueError, TypeError) as error:
        raise DTypeError(
            f"argument {name!r}: {type(value).__name__} does not convert to {x.type}: {error} [declared {x.site}]"
        ) from error


def _match(name: str, x: Node, shape: tuple[int, ...], sizes: Sizes) -> None:
    wanted = x.type.shape
    if len(shape) != len(wanted):
        raise ShapeError(
            f"argument {name!r}: expected {len(wanted)} dimensions, {x.type}, got {len(shape)}, {list(shape)} "
            f"[declared {x.site}]"
        )
    for axis, (have, want) in enumerate(zip(shape, wanted, strict=True)):
        expected = _expected(want, have, sizes)
        if have != expected:
            also = f" ({want} is {expected} in an argument before)" if isinstance(want, Size) else ""
            raise ShapeError(
                f"argument {name!r}: axis {axis} has {have} elements, expected {expected}{also}: {x.type}, "
                f"got {list(shape)} [declared {x.site}]"
            )


def _expected(want: Dim, have: int, sizes: Sizes) -> Dim:
    """The size that axis has to have; a name met for the first time takes what comes."""
    if isinstance(want, int):
        return want
    if len(want.terms) == 1 and len(want.terms[0][0]) == 1 and want.terms[0][1] == 1:
        (atom,) = want.terms[0][0]
        if isinstance(atom, str) and atom not in sizes:
            sizes[atom] = have
    return want.at(sizes)
