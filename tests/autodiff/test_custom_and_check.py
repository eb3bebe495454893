"""Rules of the user's own, and the check that finds a wrong one."""

import numpy as np
import pytest

import graphad as ga
from graphad.autodiff import GradientError

X = [0.3, -0.8, 1.7]


@pytest.fixture
def x() -> ga.Tensor:
    return ga.input("x", (3,), "float64")


def test_rules_replace_what_lies_behind_and_differentiate_again(x: ga.Tensor) -> None:
    def jvp(t: ga.Tensor) -> ga.Tensor:
        return t * ga.cos(x)

    y = ga.custom_derivative(ga.sin(x), [x], jvp, lambda c: [c * ga.cos(x)])
    ga.check_grads(y * y, {x: X}, order=3)


def test_two_inputs_one_without_a_cotangent(x: ga.Tensor) -> None:
    w = ga.input("w", (), "float64")
    y = ga.custom_derivative(x * w, [x, w], lambda t, s: t * w + 0 * s, lambda c: [c * w, None])
    found = ga.evaluate(ga.grad(ga.sum(y), [x, w]), {x: X, w: 2.0})
    np.testing.assert_array_equal(found[0], [2, 2, 2])
    assert found[1] == 0
    np.testing.assert_array_equal(ga.evaluate(ga.jvp(y, x, np.ones(3)), {x: X, w: 2.0}), [2, 2, 2])


def test_rules_that_answer_nonsense(x: ga.Tensor) -> None:
    def rule(vjp: object, jvp: object = lambda t: t) -> ga.Tensor:
        return ga.custom_derivative(x * x, [x], jvp, vjp)  # type: ignore[arg-type]

    with pytest.raises(
        ga.ShapeError, match=r"custom vjp\(float64\[3\]\): the rule answered shape \[\], expected \[3\]"
    ):
        ga.grad(ga.sum(rule(lambda c: [ga.sum(c)])), x)
    with pytest.raises(ga.GraphError, match="answered 2 cotangents for 1 inputs"):
        ga.grad(ga.sum(rule(lambda c: [c, c])), x)
    with pytest.raises(ga.GraphError, match="the rule answers a list, one cotangent an input"):
        ga.grad(ga.sum(rule(lambda c: c)), x)
    with pytest.raises(ga.ShapeError, match=r"custom jvp.*shape \[3,? ?1?\]|shape \[1, 3\]"):
        ga.jvp(rule(lambda c: [c], lambda t: t[None]), x, np.ones(3))
    with pytest.raises(ga.GraphError, match="give both rules, jvp and vjp"):
        rule(None)
    with pytest.raises(ga.GraphError, match="inputs are one or more tensors"):
        ga.custom_derivative(x, [], lambda: x, lambda c: [])


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_wrong_rule_is_found_in_its_mode(mode: str, x: ga.Tensor) -> None:
    wrong, right = (lambda t: 3 * t * x, lambda t: 2 * t * x)
    rules = {"forward": (wrong, lambda c: [right(c)]), "reverse": (right, lambda c: [wrong(c)])}
    y = ga.custom_derivative(x * x, [x], *rules[mode])
    other = "reverse" if mode == "forward" else "forward"
    ga.check_grads(y, {x: X}, order=1, modes=[other])
    with pytest.raises(GradientError, match=rf"d y / d x, {mode}, at .*in direction .*expected .* by differences, got"):
        ga.check_grads(y, {x: X}, order=1)


def test_a_wrong_second_derivative_is_found(x: ga.Tensor) -> None:
    frozen = ga.stop_gradient(x)
    y = ga.custom_derivative(x * x, [x], lambda t: 2 * t * frozen, lambda c: [2 * c * frozen])
    ga.check_grads(y, {x: X}, order=1)
    with pytest.raises(GradientError, match=r"d \(d y / d x, forward\) / d x, forward"):
        ga.check_grads(y * x, {x: X}, order=2)


def test_check_of_several_outputs_and_integer_inputs(x: ga.Tensor) -> None:
    i = ga.input("i", (2,), "int64")
    ga.check_grads({"a": x * x, "b": x[i]}, {x: X, i: [0, 2]})
    single = ga.input("single", (3,))
    ga.check_grads(ga.sin(single) * single, {single: X}, order=1)
    with pytest.raises(ga.GraphError, match="modes are 'forward' and 'reverse'"):
        ga.check_grads(x * x, {x: X}, modes=["backward"])  # type: ignore[list-item]
    with pytest.raises(ga.DTypeError, match="has no derivative"):
        ga.check_grads(ga.argmax(x), {x: X})
