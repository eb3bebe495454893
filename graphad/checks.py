"""What the user hands over, looked at before it is used: one check for each kind of argument, with one wording each.

A check answers the value in its plain form, or raises on the user's line: who was called, what the argument is, what
came instead. Anything may come, so nothing is asked of a value before its type is known.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeGuard, TypeVar

import numpy as np

from graphad.build import MOST, refuse
from graphad.compiler.errors import GraphadError, GraphError

T = TypeVar("T")
Error = type[GraphadError]


def shown(value: object, most: int = 60) -> str:
    """A value in a message, no longer than a line.

    >>> shown([1] * 100, 12)
    '[1, 1, 1,...'
    """
    text = repr(value) if not isinstance(value, np.ndarray) else f"an array of {value.dtype}{list(value.shape)}"
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def is_iterable(value: object) -> TypeGuard[Iterable[Any]]:
    """Whether it can be gone through; text is one thing, and an array without axes says that it can, but cannot.

    >>> is_iterable([1]), is_iterable("ab"), is_iterable(np.array(1))
    (True, False, False)
    """
    return isinstance(value, Iterable) and not isinstance(value, str | bytes) and getattr(value, "ndim", 1) != 0


def flag(who: str, what: str, value: object, error: Error = GraphError) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        refuse(error, who, (), f"{what} is True or False, got {shown(value)}")
    return bool(value)


def whole(
    who: str, what: str, value: object, least: int | None = None, most: int = MOST, error: Error = GraphError
) -> int:
    """An integer from ``least`` to ``most``; no bool, no float."""
    low = -most - 1 if least is None else least
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not low <= value <= most:
        bounds = "" if least is None else f" >= {least}" if most == MOST else f" from {least} to {most}"
        above = " (one that fits 64 bits)" if isinstance(value, int) and value > MOST else ""
        refuse(error, who, (), f"{what} is an integer{bounds}{above}, got {shown(value)}")
    return int(value)


def real(
    who: str, what: str, value: object, least: float = -math.inf, below: float = math.inf, error: Error = GraphError
) -> float:
    """A finite number from ``least`` up to and without ``below``; no bool, no NaN."""
    number = number_of(value)
    if not math.isfinite(number) or not least <= number < below:
        bounds = "a finite number" if (least, below) == (-math.inf, math.inf) else f"in [{least:g}, {below:g})"
        refuse(error, who, (), f"{what} is {bounds}, got {shown(value)}")
    return number


def number_of(value: object) -> float:
    """``value`` if it is a number, else NaN."""
    if isinstance(value, np.ndarray) and value.ndim == 0 and type(value) is np.ndarray and value.dtype.kind in "iuf":
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def text(who: str, what: str, value: object, error: Error = GraphError, empty: bool = False) -> str:
    """A name: text, not an empty one unless ``empty`` says so."""
    if not isinstance(value, str) or not (value or empty):
        refuse(error, who, (), f"{what} is a text{'' if empty else ' that is not empty'}, got {shown(value)}")
    return str(value)


def one_of(who: str, what: str, value: object, choices: Sequence[T], error: Error = GraphError) -> T:
    """One of a few texts or numbers."""
    known = isinstance(value, str | int) and not isinstance(value, bool)
    if not known or value not in choices:
        refuse(error, who, (), f"{what} is one of {', '.join(map(repr, choices))}, got {shown(value)}")
    return value  # type: ignore[return-value]


def listed(who: str, what: str, value: object, of: str, error: Error = GraphError) -> list[Any]:
    """A list or tuple, or a range or an array of one axis, which stand for one."""
    found: Any = value
    row = isinstance(value, list | tuple | range) or (type(value) is np.ndarray and value.ndim == 1)
    if not row:
        refuse(error, who, (), f"{what} is a list of {of}, got {shown(value)}")
    return list(found)


def mapped(who: str, what: str, value: object, form: str, error: Error = GraphError) -> Mapping[Any, Any]:
    """A dict. ``form``: what to write, "{parameter: gradient}"."""
    if not isinstance(value, Mapping):
        refuse(error, who, (), f"{what} is a dict, {form}, got {shown(value)}")
    return value


def function(who: str, what: str, value: object, form: str, error: Error = GraphError) -> Callable[..., Any]:
    """Something that can be called. ``form``: with what, "(shape, generator)"."""
    if not callable(value):
        refuse(error, who, (), f"{what} is a function of {form}, got {shown(value)}")
    return value
