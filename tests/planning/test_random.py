"""Random programs through every mode."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphad as ga
from tests.planning.test_modes_agree import by_plain_sweeps

Step = Callable[[Any, ga.Tensor, ga.Tensor], ga.Tensor]


def constant(shape: Any, seed: int = 3) -> ga.Tensor:
    return ga.constant(np.random.default_rng(seed).uniform(-1, 1, shape))


def axis(data: Any, x: ga.Tensor) -> int:
    return int(data.draw(st.integers(0, x.ndim - 1)))


def same_shape(a: ga.Tensor, b: ga.Tensor) -> ga.Tensor:
    """``b`` made to fit ``a`` by summing and repeating."""
    return b if a.shape == b.shape else ga.broadcast_to(ga.mean(b), a.shape)


STEPS: dict[str, Step] = {
    "tanh": lambda d, a, b: ga.tanh(a),
    "square": lambda d, a, b: a * a,
    "scale": lambda d, a, b: a * -0.5,
    "negative": lambda d, a, b: -a,
    "add": lambda d, a, b: a + same_shape(a, b),
    "subtract": lambda d, a, b: same_shape(a, b) - a,
    "multiply": lambda d, a, b: a * same_shape(a, b),
    "divide": lambda d, a, b: a / (2 + same_shape(a, b) ** 2),
    "where": lambda d, a, b: ga.where(a > 0.1, a, same_shape(a, b)),
    "relu": lambda d, a, b: ga.maximum(a, 0.0),
    "sum": lambda d, a, b: ga.sum(a, axis(d, a), keepdims=True) if a.ndim else a,
    "drop": lambda d, a, b: ga.sum(a, axis(d, a)) if a.ndim else a,
    "max": lambda d, a, b: ga.max(a, axis(d, a), keepdims=True) if a.ndim else a,
    "flip": lambda d, a, b: ga.flip(a),
    "transpose": lambda d, a, b: ga.permute_dims(a, range(a.ndim)[::-1]),
    "flatten": lambda d, a, b: ga.reshape(a, (-1,)),
    "expand": lambda d, a, b: ga.expand_dims(a, 0) if a.ndim < 3 else a,
    "repeat": lambda d, a, b: ga.broadcast_to(a, (2, *a.shape)) if a.ndim < 2 else a,
    "slice": lambda d, a, b: a[..., 1:] if a.ndim and a.shape[-1] > 1 else a,  # type: ignore[operator]
    "take": lambda d, a, b: ga.take(a, ga.constant([0, -1, 0]), axis(d, a)) if a.ndim else a,
    "pad": lambda d, a, b: ga.pad(a, 1) if a.ndim and a.ndim < 3 and a.size <= 12 else a,  # type: ignore[operator]
    "scan": lambda d, a, b: ga.cumulative_sum(a, axis(d, a)) if a.ndim else a,
    "dense": lambda d, a, b: ga.tensordot(a, constant((a.shape[-1], 2)), 1) if a.ndim else a,
    "outer": lambda d, a, b: ga.tensordot(a, constant((2,)), 0) if a.ndim < 2 else a,
    "product": lambda d, a, b: ga.tensordot(a, same_shape(a, b), ([0], [0])) if a.ndim in (1, 2) else a,
    "stack": lambda d, a, b: ga.stack([a, same_shape(a, b)], 0) if a.ndim < 2 else a,
    "concat": lambda d, a, b: ga.concat([a, same_shape(a, b)], axis(d, a)) if a.ndim else a,
}


@pytest.mark.parametrize("mode", ["forward", "reverse", "chain", "eliminate"])
@given(data=st.data())
def test_random_programs(mode: Any, data: Any) -> None:
    shape = data.draw(st.sampled_from([(), (3,), (2, 3), (2, 1, 3)]))
    x = ga.input("x", shape, "float64")
    known = [ga.sin(x) if data.draw(st.booleans()) else x]
    for _ in range(data.draw(st.integers(1, 7))):
        name = data.draw(st.sampled_from(sorted(STEPS)))
        new = STEPS[name](data, data.draw(st.sampled_from(known[-3:])), data.draw(st.sampled_from(known)))
        known.append(new if new.size <= 24 else ga.mean(new, axis=0))  # type: ignore[operator]
    case = ([known[-1]], [x], {x: np.random.default_rng(0).uniform(-1, 1, shape)})
    ((expected,),) = by_plain_sweeps(case)
    found = ga.evaluate(ga.jacobian(known[-1], x, mode), case[2])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
