"""Parameters that a loss depends on and nobody updates, and those that it does not depend on."""

import warnings

import numpy as np
import pytest

import graphad as ga
from graphad import optim


def leaves(count: int) -> list[ga.Parameter]:
    return [ga.parameter(f"p{i}", [float(i + 1)]) for i in range(count)]


def test_parameters_of_a_loss_come_in_order_of_creation() -> None:
    a, b, c, other = leaves(4)
    loss = ga.sum(c * ga.exp(a) + ga.stop_gradient(b)) + ga.state("s", 1.0)
    assert ga.parameters(loss) == [a, b, c]
    assert ga.parameters({"x": [c * 1], "y": (other, a)}) == [a, c, other]
    assert ga.parameters(ga.grad(loss, c)) == [a]
    assert ga.parameters(ga.input("x", ())) == []
    with pytest.raises(ga.GraphError, match="expected a tensor"):
        ga.parameters(3)


def test_minimize_warns_of_what_it_is_not_given() -> None:
    a, b, c = leaves(3)
    loss = ga.sum(a * b * c)
    with pytest.warns(ga.UntrainedWarning) as caught:
        updates = optim.SGD(lr=1.0).minimize(loss, [b])
    assert list(updates) == [b]
    text = str(caught[0].message)
    assert text.startswith("SGD: the loss depends on parameters that are not updated: 'p0' (")
    assert "'p2' (" in text
    assert text.endswith("as ga.parameters(loss) does, or write ga.stop_gradient around what is meant to stay")
    assert caught[0].filename == __file__


def test_a_long_warning_is_cut() -> None:
    first, *others = leaves(12)
    with pytest.warns(ga.UntrainedWarning, match=r"'p5' \([^)]*\) and 6 more; add them"):
        optim.SGD(lr=1.0).minimize(ga.sum(sum(others, first)), [first])


def test_what_is_meant_to_stay_or_given_is_no_reason_to_warn() -> None:
    a, b = leaves(2)
    whole = ga.parameter("n", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optim.SGD(lr=1.0).minimize(ga.sum(a * ga.stop_gradient(b) * whole), [a])
        loss = ga.sum(a * b)
        optim.SGD(lr=1.0).minimize(loss, ga.parameters(loss))
        optim.SGD(lr=1.0).updates({a: ga.grad(loss, a)})


@pytest.mark.parametrize("optimizer", [optim.SGD(lr=0.5, momentum=0.5), optim.Adam(lr=0.5)])
def test_a_parameter_out_of_the_losss_reach_has_gradient_zero(optimizer: optim.Optimizer) -> None:
    a, b = leaves(2)
    loss = ga.sum(a * a)
    step = ga.compile([], loss, updates=optimizer.minimize(loss, [a, b]), target="numpy")
    step()
    step()
    np.testing.assert_array_equal(b.value, [2.0])
    assert a.value < 1


def test_a_parameter_out_of_reach_decays_as_with_a_gradient_of_zero() -> None:
    a, b = leaves(2)
    updates = optim.SGD(lr=0.5, weight_decay=0.5).minimize(ga.sum(a), [b, a])
    assert ga.evaluate(updates[b]) == 2 - 0.5 * 0.5 * 2


def test_what_has_no_derivative_is_still_refused() -> None:
    a, b = leaves(2)
    with pytest.raises(ga.DTypeError, match="which has no derivative"):
        optim.SGD(lr=1.0).minimize(ga.sum(a * ga.argmax(b)), [a, b])
    with pytest.raises(ga.DTypeError, match="derivatives exist for float32 and float64 only"):
        optim.SGD(lr=1.0).minimize(ga.sum(a), [a, ga.parameter("n", 1)])
