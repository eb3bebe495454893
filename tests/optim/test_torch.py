"""Each optimiser's steps are torch's, in float64."""

import numpy as np
import pytest

import graphad as ga
from graphad import optim
from tests.optim.trajectories import CASES, RECORD, loss, starts


@pytest.fixture(scope="module")
def record() -> dict[str, np.ndarray]:
    with np.load(RECORD) as file:
        return dict(file)


@pytest.mark.parametrize("name", CASES)
def test_ten_steps_are_torchs(name: str, record: dict[str, np.ndarray]) -> None:
    kind, settings = CASES[name]
    u, v = (ga.parameter(n, a) for n, a in zip("uv", starts(), strict=True))
    updates = getattr(optim, kind)(**settings).minimize(loss(ga, u, v), [u, v])
    step = ga.compile([], loss(ga, u, v), updates=updates, target="numpy")
    for expected in record[name]:
        step()
        found = np.concatenate([u.value.ravel(), v.value.ravel()])
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
