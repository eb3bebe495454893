"""Initial values: bounds and moments."""

from math import sqrt

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.nn import init

SHAPE = (64, 32, 5, 5)
FAN_IN, FAN_OUT = 32 * 25, 64 * 25


def draw(initializer: init.Initializer) -> np.ndarray:
    return initializer(SHAPE, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("initializer", "bound"),
    [
        (init.kaiming_uniform(), sqrt(6 / FAN_IN)),
        (init.kaiming_uniform(a=sqrt(5)), 1 / sqrt(FAN_IN)),
        (init.kaiming_uniform(mode="fan_out"), sqrt(6 / FAN_OUT)),
        (init.xavier_uniform(gain=2), 2 * sqrt(6 / (FAN_IN + FAN_OUT))),
        (init.uniform(-0.5, 0.5), 0.5),
    ],
)
def test_uniform_rules_fill_their_interval(initializer: init.Initializer, bound: float) -> None:
    values = draw(initializer)
    assert bound * 0.999 < np.abs(values).max() <= bound
    assert abs(values.mean()) < bound / 100


@pytest.mark.parametrize(
    ("initializer", "deviation"),
    [
        (init.kaiming_normal(), sqrt(2 / FAN_IN)),
        (init.kaiming_normal(a=1, mode="fan_out"), sqrt(1 / FAN_OUT)),
        (init.xavier_normal(), sqrt(2 / (FAN_IN + FAN_OUT))),
        (init.normal(0, 3), 3),
    ],
)
def test_normal_rules_have_their_deviation(initializer: init.Initializer, deviation: float) -> None:
    assert draw(initializer).std() == pytest.approx(deviation, rel=0.01)


def test_constants() -> None:
    assert (draw(init.zeros) == 0).all()
    assert (draw(init.constant(3.5)) == 3.5).all()


def test_layers_start_within_torchs_bounds() -> None:
    for name, value in nn.models.lenet5().state_dict().items():
        fan_in = {"0": 25, "3": 150, "7": 400, "9": 120, "11": 84}[name.partition(".")[0]]
        assert np.abs(value).max() <= 1 / sqrt(fan_in)
        assert np.abs(value).max() > 0.7 / sqrt(fan_in)


def test_an_initializer_of_ones_own() -> None:
    layer = nn.Linear(3, 2, initializer=init.constant(2.0))
    np.testing.assert_array_equal(layer.weight.value, np.full((2, 3), 2, np.float32))


def test_a_vector_has_no_fan() -> None:
    with pytest.raises(ga.ShapeError, match=r"a weight of shape \(3,\) has no fan: it takes 2 axes"):
        init.fans((3,))
