"""Specialisation ahead of the first call."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.runtime import stats


def test_specialize_compiles_before_the_call_and_answers_the_function(dense: ga.Function) -> None:
    assert dense.specialize(N=2) is dense
    before = stats.compiles + stats.cache_hits
    dense(np.ones((2, 4), np.float32))
    assert stats.compiles + stats.cache_hits == before


def test_another_batch_needs_no_other_program(dense: ga.Function) -> None:
    dense.specialize(N=2)
    before = stats.compiles + stats.cache_hits
    for n in (1, 7, 0):
        assert dense(np.ones((n, 4), np.float32)).shape == (n,)
    assert stats.compiles + stats.cache_hits == before


WRONG = [
    ({"M": 3}, "specialize: 'M' is no size of this function; its sizes are N"),
    ({}, r"specialize: needs N; write \.specialize\(N=64\)"),
    ({"N": 2.5}, r"specialize\(\): N is an integer >= 0, got 2.5"),
    ({"N": -1}, r"specialize\(\): N is an integer >= 0, got -1"),
    ({"N": True}, r"specialize\(\): N is an integer >= 0, got True"),
]


@pytest.mark.parametrize(("sizes", "text"), WRONG)
def test_errors(dense: ga.Function, sizes: dict[str, Any], text: str) -> None:
    with pytest.raises(ga.GraphError, match=text):
        dense.specialize(**sizes)


def test_a_function_without_symbolic_sizes_takes_none() -> None:
    f = ga.compile([x := ga.input("x", (3,))], x + 1, target="numpy")
    assert f.specialize() is f
    with pytest.raises(ga.GraphError, match="'N' is no size of this function; it has no symbolic sizes"):
        f.specialize(N=1)
