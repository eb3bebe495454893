"""``nan_guard`` says the same on both targets, and leaves states as they were."""

from pathlib import Path

import numpy as np
import pytest

import graphad as ga

HERE = Path(__file__).name
TARGETS = pytest.mark.parametrize("target", ["cpu", "numpy"])
GUARD = ga.Options(nan_guard=True)


@TARGETS
def test_the_first_node_with_a_nan_is_named(target: str) -> None:
    x, count = ga.input("x", (5, 3)), ga.state("count", np.zeros((), np.float32))
    y = ga.log(x)
    total = ga.sum(y * 2 - ga.sqrt(x))
    f = ga.compile([x], total, updates={count: count + 1}, target=target, options=GUARD)
    values = np.ones((5, 3), np.float32)
    assert f(values) == -15
    values[2, 1] = -1
    made = rf"^the first NaN is made by log\(float32\[5,3\]\), at element 7 of float32\[5,3\] \[.*{HERE}:{y.site.line}"
    with pytest.raises(ga.NanError, match=made):
        f(values)
    assert count.value == 1


@TARGETS
def test_an_argument_comes_before_what_is_made(target: str) -> None:
    x, k = ga.input("x", ("N",)), ga.input("k", ("N",))
    f = ga.compile([x, k], ga.log(x) + k, target=target, options=GUARD)
    given = (
        rf"^the first NaN is in 'k', an argument or parameter, at element 1 of float32\[N\] \[.*{HERE}:{k.site.line}"
    )
    with pytest.raises(ga.NanError, match=given):
        f([-1, 1], [0, np.nan])


@TARGETS
def test_a_state_that_is_nan_is_named(target: str) -> None:
    w = ga.parameter("w", [1.0, np.nan])
    f = ga.compile([], w + 1, target=target, options=GUARD)
    with pytest.raises(ga.NanError, match=r"^the first NaN is in 'w', an argument or parameter, at element 1 of"):
        f()


@TARGETS
def test_a_constant_that_is_not_chosen_is_no_failure(target: str) -> None:
    x = ga.input("x", (2,))
    f = ga.compile([x], ga.where(x > 0, x, np.array([0, np.nan], np.float32)), target=target, options=GUARD)
    np.testing.assert_array_equal(f([1, 2]), [1, 2])
    with pytest.raises(ga.NanError, match=r"^the first NaN is made by where\(.*\), at element 1 of"):
        f([1, -2])


@TARGETS
def test_a_number_that_is_nan_is_met_where_it_is_spread(target: str) -> None:
    x = ga.input("x", (2,))
    f = ga.compile([x], ga.where(x > 0, x, np.nan), target=target, options=GUARD)
    with pytest.raises(
        ga.NanError, match=r"^the first NaN is made by view\(float32\[\]\), at element 0 of float32\[2\]"
    ):
        f([1, 2])
