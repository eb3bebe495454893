"""``out=``: arrays in kind with the outputs, matched by key or order, each with memory of its own."""

import re
from typing import Any

import numpy as np
import pytest

import graphad as ga


@pytest.fixture(scope="module", params=["cpu", "numpy"])
def f(request: pytest.FixtureRequest) -> ga.Function:
    x = ga.input("x", (2,))
    return ga.compile([x], {"a": x + 1, "b": [x * 2, (x * 3,)]}, target=request.param)


def new() -> np.ndarray:
    return np.empty(2, np.float32)


def test_a_dict_is_matched_by_key(f: ga.Function) -> None:
    a, b, c = new(), new(), new()
    got = f([1, 2], out={"b": (b, [c]), "a": a})
    assert got["a"] is a
    assert got["b"][1][0] is c
    for array, wanted in ((a, [2, 3]), (b, [2, 4]), (c, [3, 6])):
        np.testing.assert_array_equal(array, wanted)


ONE, PAIR = new(), np.empty(3, np.float32)
WRONG: list[tuple[str, Any, str]] = [
    ("no dict", [new(), new(), new()], "out: expected a dict with the keys 'a', 'b', got list"),
    ("missing", {"a": new()}, "out: 'b' is missing; the keys are 'a', 'b'"),
    ("all missing", {}, "out: 'a', 'b' are missing; the keys are 'a', 'b'"),
    ("unknown", {"a": new(), "b": [], "c": new()}, "out: 'c' is no output; the keys are 'a', 'b'"),
    ("flat", {"a": new(), "b": [new(), new()]},
     "out: output 'b'[1]: expected a tuple of 1, one for each output, got ndarray"),
    ("short", {"a": new(), "b": [new()]}, "out: output 'b': expected 2, one for each output, got 1"),
    ("no array", {"a": new(), "b": [new(), (3.0,)]},
     "out: output 'b'[1][0] is a float, expected an array; pass np.empty((2,), 'float32')"),
    ("twice", {"a": ONE, "b": [new(), (ONE,)]},
     "out: output 'a' and output 'b'[1][0] overlap; pass an array for each"),
    ("overlap", {"a": new(), "b": [PAIR[:2], (PAIR[1:],)]},
     "out: output 'b'[0] and output 'b'[1][0] overlap; pass an array for each"),
]  # fmt: skip


@pytest.mark.parametrize(("out", "text"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_errors(f: ga.Function, out: Any, text: str) -> None:
    with pytest.raises(ga.GraphError, match=f"^{re.escape(text)}$"):
        f([1, 2], out=out)


@pytest.mark.parametrize("target", ["cpu", "numpy"])
def test_one_output_takes_one_array(target: str) -> None:
    f = ga.compile([x := ga.input("x", (2,))], x + 1, target=target)
    out = new()
    assert f([1, 2], out=out) is out
    with pytest.raises(ga.GraphError, match=r"^out: the output is a list, expected an array; pass np\.empty"):
        f([1, 2], out=[out])


@pytest.mark.parametrize("target", ["cpu", "numpy"])
def test_empty_arrays_do_not_overlap(target: str) -> None:
    f = ga.compile([x := ga.input("x", ("N",))], (x + 1, x * 2), target=target)
    out = np.empty(0, np.float32)
    assert f(np.empty(0, np.float32), out=[out, out])[1] is out
