"""Values and gradients of the functions are torch's, in float64."""

import numpy as np
import pytest

import graphad as ga
from graphad.nn import functional
from tests.nn.torch_cases import CASES, RECORD, arrays, ramp


@pytest.fixture(scope="module")
def record() -> dict[str, np.ndarray]:
    with np.load(RECORD) as file:
        return dict(file)


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_torchs(name: str, record: dict[str, np.ndarray]) -> None:
    first, call = CASES[name]
    values = arrays()
    x = ga.input("x", values[first].shape, "float64")
    out = call(functional, {**values, first: x})
    weighted = ga.sum(out * ramp(out.shape))
    value, gradient = ga.evaluate([out, ga.grad(weighted, x)], {x: values[first]})
    np.testing.assert_allclose(value, record[f"{name}/value"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradient, record[f"{name}/gradient"], rtol=1e-9, atol=1e-12)


def test_the_record_has_just_these_cases(record: dict[str, np.ndarray]) -> None:
    assert {name.rpartition("/")[0] for name in record} - {""} == set(CASES)
