"""Every mode against reverse mode's plain sweeps, on functions of every structure."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.autodiff.modes import pull_back
from tests.planning.cases import CASES, Case


def by_plain_sweeps(case: Case) -> list[list[np.ndarray]]:
    """A reverse sweep for each element of each output: no structure, no order."""
    outputs, inputs, values = case
    return [_rows(y, inputs, values) for y in outputs]


def _rows(y: ga.Tensor, inputs: list[ga.Tensor], values: dict[ga.Tensor, Any]) -> list[np.ndarray]:
    hole = ga.input("hole", y.shape, y.dtype)
    back = pull_back([y], [hole], inputs)
    shape = ga.evaluate(y, values).shape
    seeds = np.eye(math.prod(shape)).reshape(-1, *shape)
    rows = [ga.evaluate(back, {**values, hole: np.asarray(seed, y.dtype)}) for seed in seeds]
    return [np.stack(parts).reshape((*shape, *parts[0].shape)) for parts in zip(*rows, strict=True)]


@pytest.mark.parametrize("mode", ["forward", "reverse", "chain", "eliminate"])
@pytest.mark.parametrize("make", CASES, ids=lambda f: f.__name__)
def test_every_mode_gives_reverse_modes_numbers(make: Callable[[], Case], mode: Any) -> None:
    case = make()
    outputs, inputs, values = case
    found = ga.evaluate(ga.jacobian(outputs, inputs, mode), values)
    for row, expected in zip(found, by_plain_sweeps(case), strict=True):
        for value, right in zip(row, expected, strict=True):
            assert value.shape == right.shape
            np.testing.assert_allclose(value, right, rtol=1e-10, atol=1e-12)
