"""What the comparison with torch leaves open: the edges."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import graphad as ga
from graphad.nn import functional as F  # noqa: N812 (the name everybody knows)

WIDE = np.array([-1e4, -700.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0, 1e4])


def value_and_slope(function: Callable[[Any], Any], at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = ga.input("x", at.shape, at.dtype)
    y = function(x)
    value, slope = ga.evaluate([y, ga.grad(ga.sum(y), x)], {x: at})
    return value, slope


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "function", [F.relu, F.sigmoid, F.tanh, F.softplus, F.logsigmoid, F.gelu, F.silu, F.elu, F.leaky_relu]
)
def test_nothing_overflows(function: Callable[[Any], Any], dtype: str) -> None:
    for part in value_and_slope(function, WIDE.astype(dtype)):
        assert np.isfinite(part).all()
        assert part.dtype == dtype


def test_gelu_keeps_its_digits_far_below_zero() -> None:
    x = np.array([-20.0, -10.0, -3.0, 2.0])
    np.testing.assert_allclose(ga.evaluate(F.gelu(x)), x * stats.norm.cdf(x), rtol=1e-12)


def test_softmax_is_scipys_for_any_size() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)) * 1e3
    np.testing.assert_allclose(ga.evaluate(F.softmax(x, -1)), special.softmax(x, -1), rtol=1e-12)
    np.testing.assert_allclose(ga.evaluate(F.log_softmax(x, 0)), special.log_softmax(x, 0), rtol=1e-12)


def test_softmax_differentiates_twice() -> None:
    """d2 s_0 / dx2 by the formula: with s = softmax, ds_0/dx_j = s_0 (d_0j - s_j)."""
    value = np.array([0.3, -0.2, 1.1])
    x = ga.input("x", (3,), "float64")
    found = ga.evaluate(ga.hessian(F.softmax(x, 0)[0], x), {x: value})
    s, e = special.softmax(value), np.eye(3)
    expected = s[0] * np.outer(e[0] - s, e[0] - s) - s[0] * (np.diag(s) - np.outer(s, s))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_kinks_are_torchs() -> None:
    zero = np.array([0.0])
    slopes = {f.__name__: value_and_slope(f, zero)[1].item() for f in (F.elu, F.leaky_relu)}
    assert slopes == {"elu": 1.0, "leaky_relu": 0.01}
    assert value_and_slope(F.relu, zero)[1].item() == 0


def test_what_is_refused() -> None:
    with pytest.raises(ga.GraphError, match="approximate is one of 'none', 'tanh', got 'erf'"):
        F.gelu(np.ones(2), approximate="erf")  # type: ignore[arg-type]
    with pytest.raises(ga.ShapeError, match=r"softmax\(float64\[2\]\): axis 1 does not exist"):
        F.softmax(np.ones(2), 1)
    with pytest.raises(ga.DTypeError, match=r"gelu\(int64\[2\]\): takes float32 or float64, got int64"):
        F.gelu(np.ones(2, np.int64))
