"""Checks of what files hold: what they answer, and what they say of anything else."""

from __future__ import annotations

import math
from typing import Any

import pytest

from graphad.runtime import FormatError
from graphad.runtime.schema import (
    Check,
    array,
    choice,
    either,
    integer,
    mapping,
    number,
    optional,
    parse_json,
    record,
    row,
    text,
)  # fmt: skip

POINT = record({"at": row(integer(), number()), "name": optional(text("[a-z]+"))})


@pytest.mark.parametrize(
    ("check", "data", "value"),
    [
        (integer(), "3", 3),
        (number(), "3", 3.0),
        (number(finite=False), "NaN", math.nan),
        (choice(False, 1, "a"), "1", 1),
        (either(integer(), text()), '"a"', "a"),
        (mapping(integer()), '{"a": 1}', {"a": 1}),
        (array(POINT), '[{"at": [1, 2], "name": null, "more": 1}]', [{"at": (1, 2.0), "name": None}]),
    ],
)
def test_what_passes(check: Check[Any], data: str, value: object) -> None:
    assert repr(parse_json(data, check)) == repr(value)


@pytest.mark.parametrize(
    ("check", "data", "message"),
    [
        (integer(), "true", "expected a whole number from 0 to 9223372036854775807, got True"),
        (integer(), "3.0", "got 3.0"),
        (integer(), "-1", "got -1"),
        (integer(most=5), "6", "from 0 to 5, got 6"),
        (number(), "NaN", "expected a finite number, got nan"),
        (number(), "1" + "0" * 400, "expected a finite number"),
        (number(0.0), "-1", "got -1"),
        (number(), "false", "got False"),
        (text("[a-z]+"), '"a\\n"', r"expected text of the form \[a-z\]\+"),
        (text(longest=2), '"abc"', "text of at most 2 characters, got 'abc'"),
        (choice(1, 2), "true", "expected 1 or 2, got True"),
        (choice(False, True), "0", "expected False or True, got 0"),
        (either(integer(), text()), "[]", "expected text"),
        (array(integer(), 2), "[1, 2, 3]", "a list of at most 2"),
        (array(integer()), "{}", "expected a list, got {}"),
        (row(integer(), integer()), "[1]", r"expected a list of 2, got \[1\]"),
        (mapping(integer()), "[]", "expected an object"),
        (mapping(integer(), text("[a-z]*")), '{"A": 1}', "a name: expected text"),
        (array(POINT), '[{"at": [1, "x"], "name": null}]', r"^\[0\]\.at\[1\]: expected a finite number, got 'x'"),
        (POINT, '{"at": [1, 2]}', "'name' is missing"),
        (POINT, "3", "expected an object with at, name, got 3"),
        (POINT, "[" * 100_000, "nested too deeply"),
        (POINT, "{", "it is no JSON"),
        (POINT, "9" * 5000, "it is no JSON"),
        (mapping(integer()), '{"a\\nb": "x"}', r"^'a\\nb': expected a whole number"),
    ],
)
def test_what_is_refused_and_where(check: Check[Any], data: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        parse_json(data, check)
    assert len(str(caught.value)) < 300


def test_bytes_that_are_no_text_are_no_json() -> None:
    with pytest.raises(FormatError, match="it is no JSON"):
        parse_json(b"\xff\xfe\x00", integer())
