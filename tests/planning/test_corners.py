"""Corners of Jacobians: rules without an answer, ends that nothing reaches, no elements, many ends."""

from typing import Any

import numpy as np
import pytest

import graphad as ga

MODES: Any = ("forward", "reverse", "chain", "eliminate", "auto")


@pytest.mark.parametrize("mode", MODES)
def test_a_rule_that_answers_none_is_a_zero(mode: Any) -> None:
    x, z = ga.input("x", (3,), "float64"), ga.input("z", (3,), "float64")
    values = {x: [0.1, 0.2, 0.3], z: [1.0, 2.0, 3.0]}
    rounded = ga.custom_derivative(ga.floor(x) * z, [x, z], jvp=lambda s, t: 2 * s, vjp=lambda c: [2 * c, None])
    by_x, by_z = ga.evaluate(ga.jacobian(rounded * x, [x, z], mode), values)
    np.testing.assert_allclose(by_x, np.diag([0.2, 0.4, 0.6]))
    np.testing.assert_array_equal(by_z, np.zeros((3, 3)))
    silent = ga.custom_derivative(x * 2, [x], jvp=lambda t: None, vjp=lambda c: [None])  # type: ignore[arg-type, return-value]
    found = ga.evaluate(ga.jacobian(ga.tensordot(ga.constant(np.ones((2, 3))), silent, 1) + x[:2], x, mode), values)
    np.testing.assert_array_equal(found, np.eye(2, 3))


@pytest.mark.parametrize("mode", MODES)
def test_an_output_that_no_input_reaches_is_zero(mode: Any) -> None:
    x = ga.input("x", (3,), "float64")
    found = ga.evaluate(ga.jacobian([x * x, ga.constant(np.ones(2))], x, mode), {x: np.ones(3)})
    np.testing.assert_array_equal(found[0], 2 * np.eye(3))
    np.testing.assert_array_equal(found[1], np.zeros((2, 3)))


@pytest.mark.parametrize("mode", MODES)
def test_ends_without_elements(mode: Any) -> None:
    x, none = ga.input("x", (3,), "float64"), ga.input("none", (0,), "float64")
    values = {x: np.ones(3), none: np.zeros(0)}
    assert ga.evaluate(ga.jacobian(none * 2, none, mode), values).shape == (0, 0)
    assert ga.evaluate(ga.jacobian(x[0:0] * 2, x, mode), values).shape == (0, 3)
    by_none, by_x = ga.evaluate(ga.jacobian(ga.sum(ga.sin(none)) * x + x, [none, x], mode), values)
    assert by_none.shape == (3, 0)
    np.testing.assert_array_equal(by_x, np.eye(3))
