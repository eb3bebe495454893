"""Numbers in a graph's text: constants, axes, affine maps, types. Read within bounds, never executed."""

import math
import re
from typing import Any, Final

from graphad.compiler.errors import ParseError
from graphad.compiler.ir.dtypes import DTYPES
from graphad.compiler.ir.size import Dim, parse_dim
from graphad.compiler.ir.types import Shape, TensorType
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.runtime import FormatError, schema

MOST_AXES: Final = 64
_AXIS: Final = schema.integer(0, MOST_AXES - 1)
_WORDS: Final = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN", "True": "true", "False": "false"}


def tensor_type(dtype: str, text: str) -> TensorType:
    """Errors: ParseError for a dtype that is none, and for more bytes than there are addresses."""
    shape = tuple(parse_dim(part) for part in text.split(",") if part)
    if dtype not in DTYPES:
        raise ParseError(f"no dtype is named {dtype!r}; there are {', '.join(DTYPES)}")
    numbers = [d for d in shape if isinstance(d, int)]
    if len(shape) > MOST_AXES or any(d < 0 for d in numbers) or math.prod(numbers) > schema.LARGEST // 8:
        raise ParseError(f"no array has the shape [{text[:100]}]")
    return TensorType(dtype, shape)


def literal(text: str) -> Any:
    """A number, or lists of numbers: what ``repr`` of them writes, and nothing else."""
    try:
        return schema.parse_json(re.sub(r"-?[a-zA-Z]{3,}", lambda word: _WORDS.get(word[0], "?"), text), _numbers)
    except FormatError as error:
        raise ParseError(f"expected a number, or lists of numbers; {error}") from None


def _numbers(value: object, place: str) -> Any:
    if isinstance(value, list) and len(place) < MOST_AXES:
        return [_numbers(each, f"{place}[") for each in value]
    if not isinstance(value, int | float):
        raise ParseError("expected numbers, or lists of numbers")
    return value


def axis_of(text: str) -> int:
    return schema.parse_json(_value(text, "axis"), _AXIS)


def axes_of(text: str) -> tuple[int, ...]:
    return tuple(schema.parse_json(_value(text, "axes"), schema.array(_AXIS)))


def _value(text: str, name: str) -> str:
    match = re.fullmatch(rf"{name}=(\[[^\]]*\]|\d+)(?: reverse)?", text)
    if match is None:
        raise ParseError(f"expected {name}=...")
    return match[1]


_TERM = re.compile(r"([+-]?)(?:(\d+)\*)?i(\d+)")


def affine(text: str, shape: Shape) -> Affine:
    body, _, fill = text.partition("]")
    axes = tuple(_axis(part.strip()) for part in body.lstrip("[").split(",") if part.strip())
    return Affine(shape, axes, float(fill.split("=")[1]) if "=" in fill else 0.0)


def _axis(text: str) -> AxisMap:
    guarded = text.endswith("?")
    text = text.rstrip("?")
    divisor = 1
    if quotient := re.fullmatch(r"\((.*)\)/(\d+)", text):
        text, divisor = quotient[1], _whole(quotient[2], 1)
    text, _, size = text.partition("{")
    found = [(_whole(i, 0), _whole(c or "1", 0), sign) for sign, c, i in _TERM.findall(text)]
    terms = tuple((i, -c if sign == "-" else c) for i, c, sign in found)
    rest = _TERM.sub("", text).lstrip("+")
    offset: Dim = parse_dim(size.rstrip("}") or rest) if size or rest else 0
    return AxisMap(offset, terms, divisor, guarded)


def _whole(text: str, least: int) -> int:
    return schema.parse_json(text, schema.integer(least))
