"""What a file may hold, checked before anything of it is used: one vocabulary for every format of ours.

A check is a function of a value and of its place; it answers the value in its proper type or raises FormatError with
the place. Checks are made of checks: ``record({"name": text(), "sizes": array(integer())})``. Numbers are bounded, so
that what is computed from them neither overflows nor takes memory that nobody has. The same value gets the same answer,
so where something is wrong, a second walk finds the place.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections.abc import Callable
from typing import Any, Final, Never, TypeAlias, TypeVar

from graphad.runtime.errors import FormatError

A = TypeVar("A")
B = TypeVar("B")
Check: TypeAlias = Callable[[object, str], A]

LARGEST: Final = 2**63 - 1
"""Of sizes, offsets and counts: what an address can be."""


def parse_json(data: bytes | str, check: Check[A]) -> A:
    """The JSON in ``data``, checked.

    Errors: FormatError, also for what is no JSON or is nested deeper than Python's stack.

    >>> parse_json("[1, 2]", row(integer(), integer(most=3)))
    (1, 2)
    """
    try:
        found = json.loads(data)
    except RecursionError:
        raise FormatError("", "its JSON is nested too deeply") from None
    except ValueError as error:
        raise FormatError("", f"it is no JSON: {error}") from None
    return check(found, "")


def integer(least: int = 0, most: int = LARGEST) -> Check[int]:
    """A whole number; True and False are none."""

    def check(value: object, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            _refuse(place, f"a whole number from {least} to {most}", value)
        return value

    return check


def number(least: float = -math.inf, most: float = math.inf, *, finite: bool = True) -> Check[float]:
    """A number as a float; without ``finite`` NaN and infinities, too."""

    def check(value: object, place: str) -> float:
        found = _as_float(value)
        if found is None or (finite and not math.isfinite(found)) or found < least or found > most:
            _refuse(place, "a finite number" if finite and math.inf in (most, -least) else "a number", value)
        return found

    return check


def _as_float(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number above 1.8e308
        return None


def text(pattern: str = "", longest: int = 1 << 20) -> Check[str]:
    """Text, all of which the regular expression matches if there is one."""

    def check(value: object, place: str) -> str:
        if not isinstance(value, str) or len(value) > longest or (pattern and not re.fullmatch(pattern, value)):
            _refuse(place, f"text of the form {pattern}" if pattern else f"text of at most {longest} characters", value)
        return value

    return check


def choice(*values: A) -> Check[A]:
    """One of these, of the same type."""

    def check(value: object, place: str) -> A:
        for known in values:
            if type(value) is type(known) and value == known:
                return known
        _refuse(place, " or ".join(map(repr, values)), value)

    return check


def optional(inner: Check[A]) -> Check[A | None]:
    """That, or null."""
    return lambda value, place: None if value is None else inner(value, place)


def either(first: Check[A], second: Check[B]) -> Check[A | B]:
    """The first that fits; the second has the last word."""

    def check(value: object, place: str) -> A | B:
        try:
            return first(value, place)
        except FormatError:
            return second(value, place)

    return check


def array(inner: Check[A], most: int = LARGEST) -> Check[list[A]]:
    """A list of any length up to ``most``."""

    def check(value: object, place: str) -> list[A]:
        if not isinstance(value, list) or len(value) > most:
            _refuse(place, "a list" if most == LARGEST else f"a list of at most {most}", value)
        try:
            return [inner(each, "") for each in value]
        except FormatError:  # places are made only where one is to be named
            return [inner(each, f"{place}[{i}]") for i, each in enumerate(value)]

    return check


def row(*columns: Check[Any]) -> Check[tuple[Any, ...]]:
    """A list with a check for each element."""

    def check(value: object, place: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(columns):
            _refuse(place, f"a list of {len(columns)}", value)
        pairs = list(zip(columns, value, strict=True))
        try:
            return tuple([column(each, "") for column, each in pairs])
        except FormatError:
            return tuple([column(each, f"{place}[{i}]") for i, (column, each) in enumerate(pairs)])

    return check


def mapping(inner: Check[A], key: Check[str] | None = None) -> Check[dict[str, A]]:
    """An object whose members are alike."""

    def check(value: object, place: str) -> dict[str, A]:
        if not isinstance(value, dict):
            _refuse(place, "an object", value)
        if key is not None:
            for name in value:
                key(name, f"{place}: a name")
        try:
            return {name: inner(each, "") for name, each in value.items()}
        except FormatError:
            return {name: inner(each, _inside(place, name)) for name, each in value.items()}

    return check


def record(fields: dict[str, Check[Any]]) -> Check[dict[str, Any]]:
    """An object with these members; what else it has is left out."""

    def check(value: object, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            _refuse(place, f"an object with {', '.join(fields)}", value)
        missing = [name for name in fields if name not in value]
        if missing:
            raise FormatError(place, f"{', '.join(map(repr, missing))} is missing")
        try:
            return {name: inner(value[name], "") for name, inner in fields.items()}
        except FormatError:
            return {name: inner(value[name], _inside(place, name)) for name, inner in fields.items()}

    return check


def _inside(place: str, name: str) -> str:
    shown = name if name.isascii() and name.isprintable() and len(name) < 100 else reprlib.repr(name)
    return f"{place}.{shown}" if place else shown


def _refuse(place: str, expected: str, value: object) -> Never:
    raise FormatError(place, f"expected {expected}, got {reprlib.repr(value)}")
