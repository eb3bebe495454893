"""Arguments of a call: checked against the declared dtype and shape, symbolic sizes read off them."""

from typing import Any, TypeAlias

import numpy as np

from graphad.arrays import array_of, masked
from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import DTYPES
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, evaluate

Sizes: TypeAlias = dict[str, int]


def accept(x: Node, value: Any, sizes: Sizes) -> np.ndarray:
    """``value`` as an array of x's dtype and shape; sizes not known yet are entered into ``sizes``.

    Python numbers and lists convert; an array of another dtype is refused with the cast to write.
    """
    name = x.kind.name if isinstance(x.kind, Leaf) else repr(x)
    array = value if isinstance(value, np.ndarray) else _converted(name, x, value)
    if type(array) is not np.ndarray and masked(array):
        raise DTypeError(f"argument {name!r}: a mask would be lost; write {name}.filled(value) [declared {x.site}]")
    if array.dtype != np.dtype(x.type.dtype):  # not by name: a byte-swapped float32 has the name, too
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
    if isinstance(value, np.generic) and not isinstance(value, float):  # float64 is a Python number, too
        return np.asarray(value)
    try:
        array = array_of(value)
        if x.type.dtype == "bool" and array.dtype != bool and not np.isin(array, (0, 1)).all():
            raise ValueError("a bool is True or False (or 1 or 0); write array != 0")
        if array.dtype.kind == "f" and x.type.dtype[0] != "f":
            raise ValueError("would lose the fraction")
        return _fitting(array, x.type.dtype)
    except ShapeError as error:
        raise ShapeError(f"argument {name!r}: {error}; {x.type} is needed [declared {x.site}]") from error
    except (ValueError, TypeError, DTypeError) as error:
        raise DTypeError(
            f"argument {name!r}: {type(value).__name__} does not convert to {x.type}: {error} [declared {x.site}]"
        ) from error


def _fitting(array: np.ndarray, dtype: str) -> np.ndarray:
    if array.size and dtype[0] == "i" and (array.min() < np.iinfo(dtype).min or array.max() > np.iinfo(dtype).max):
        raise ValueError(f"{dtype} cannot hold {array.min()}..{array.max()}")
    return array.astype(dtype)


def _match(name: str, x: Node, shape: tuple[int, ...], sizes: Sizes) -> None:
    wanted = x.type.shape
    if len(shape) != len(wanted):
        raise ShapeError(
            f"argument {name!r}: expected {len(wanted)} dimensions, {x.type}, got {len(shape)}, {list(shape)} "
            f"[declared {x.site}]"
        )
    for axis, (have, want) in enumerate(zip(shape, wanted, strict=True)):
        expected = _expected(want, have, sizes)
        if isinstance(expected, Size):
            need = _needed(expected, have)
            if need is not None:
                raise ShapeError(
                    f"argument {name!r}: axis {axis} is {want}, which needs {need}, got {have}: {x.type}, "
                    f"got {list(shape)} [declared {x.site}]"
                )
            raise ShapeError(
                f"argument {name!r}: axis {axis} is {want}, which does not follow from its {have} elements; "
                f"pass an argument with an axis {' or '.join(sorted(expected.names()))} before [declared {x.site}]"
            )
        if have != expected:
            also = f" ({want} is {expected} by the arguments before)" if isinstance(want, Size) else ""
            raise ShapeError(
                f"argument {name!r}: axis {axis} has {have} elements, expected {expected}{also}: {x.type}, "
                f"got {list(shape)} [declared {x.site}]"
            )


def _expected(want: Dim, have: int, sizes: Sizes) -> Dim:
    """The size that axis has to have; the one name that is not known yet takes what makes it so, as in 2*N+1."""
    known = evaluate(want, sizes)
    if isinstance(known, int):
        return known
    line = _line(known)
    if line is not None:
        name, slope, start = line
        value, rest = divmod(have - start, slope)
        if rest == 0 and value >= 0:
            sizes[name] = value
    return evaluate(want, sizes)


def _line(size: Size) -> tuple[str, int, int] | None:
    """The name, the slope and the start of a size that is a straight line in one name: 2*N+1 is ("N", 2, 1)."""
    names = (*size.names(),)
    if len(names) != 1 or any(atoms not in {(), names} for atoms, _ in size.terms):
        return None
    terms = dict(size.terms)
    return names[0], terms[names], terms.get((), 0)


def _needed(size: Size, have: int) -> str | None:
    """What keeps such a size from being ``have``, in words."""
    line = _line(size)
    if line is None or line[1] < -1:
        return None
    _, slope, start = line
    if slope == -1:
        return f"at most {start}"
    if have < start:
        return f"at least {start}"
    shift = f" {'plus' if start > 0 else 'minus'} {abs(start)}" if start else ""
    return f"a multiple of {slope}{shift}"
