"""Elementary functions on vectors against mpmath: a table of ranges, and what IEEE 754 says of special values."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from graphad.runtime import target
from tests.runtime.programs import vectors_of

# name -> mpmath's, and where arguments are drawn from: uniform between pairs, and magnitudes 2**low .. 2**high
FUNCTIONS: dict[str, tuple[Callable[..., mpmath.mpf], list[tuple[float, float]], tuple[int, int]]] = {
    "sin": (mpmath.sin, [(-4, 4), (-1e4, 1e4)], (-140, 15)),
    "cos": (mpmath.cos, [(-4, 4), (-1e4, 1e4)], (-140, 15)),
    "tan": (mpmath.tan, [(-4, 4), (-1e4, 1e4)], (-120, 15)),
    "exp": (mpmath.exp, [(-1, 1), (-86, 88)], (-140, 4)),
    "exp2": (lambda x: mpmath.power(2, x), [(-1, 1), (-125, 127)], (-140, 4)),
    "expm1": (mpmath.expm1, [(-1, 1), (-86, 88)], (-120, 4)),
    "log": (mpmath.log, [(0.5, 2), (0.99, 1.01), (0, 1e6)], (-149, 127)),
    "log2": (lambda x: mpmath.log(x) / mpmath.log(2), [(0.5, 2), (0.99, 1.01)], (-149, 127)),
    "log10": (lambda x: mpmath.log(x) / mpmath.log(10), [(0.5, 2), (0.99, 1.01)], (-149, 127)),
    "log1p": (mpmath.log1p, [(-0.9, 2), (-0.01, 0.01)], (-120, 127)),
    "tanh": (mpmath.tanh, [(-1, 1), (-22, 22)], (-120, 4)),
    "sinh": (mpmath.sinh, [(-1, 1), (-88, 88)], (-120, 4)),
    "cosh": (mpmath.cosh, [(-1, 1), (-88, 88)], (-120, 4)),
    "atan": (mpmath.atan, [(-1, 1), (-10, 10)], (-120, 127)),
    "asin": (mpmath.asin, [(-1, 1)], (-120, -1)),
    "acos": (mpmath.acos, [(-1, 1)], (-120, -1)),
}
ULPS = {
    "expm1": 1.75,
    "cosh": 1.5,
    "tan": 2.8,
    "sin": 1.4,
    "cos": 1.4,
    "sinh": 2.0,
    "asin": 2.0,
    "acos": 1.1,
    "tanh": 2.4,
}  # others 1
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0]
ODD = ("sin", "tan", "expm1", "log1p", "tanh", "sinh", "atan", "asin")


def drawn(name: str, dtype: str, count: int) -> np.ndarray:
    _, pairs, (low, high) = FUNCTIONS[name]
    rng = np.random.default_rng(0)
    parts = [rng.uniform(a, b, count) for a, b in pairs]
    parts.append(2.0 ** rng.uniform(low, high, count) * rng.choice([-1, 1], count))
    if dtype == "float64" and name in ("log", "log2", "log10"):
        parts.append(2.0 ** rng.uniform(-1074, 1023, count))
    x = np.concatenate(parts).astype(dtype)
    return np.abs(x) if name.startswith("log") and name != "log1p" else x[x > -1] if name == "log1p" else x


def ulps(computed: np.ndarray, exact: list[mpmath.mpf]) -> np.ndarray:
    """Distance in units in the last place of the exact number."""
    limits = np.finfo(computed.dtype)
    found = []
    for c, e in zip(computed, exact, strict=True):
        power = max(mpmath.frexp(e)[1], limits.minexp + 1) if e else limits.minexp + 1
        found.append(float(abs(mpmath.mpf(float(c)) - e) / mpmath.mpf(2) ** (power - 1 - limits.nmant)))
    return np.array(found)


def worst(computed: np.ndarray, exact: Callable[..., mpmath.mpf], *x: np.ndarray) -> tuple[float, list[float]]:
    with mpmath.workprec(200):
        found = ulps(computed, [exact(*(mpmath.mpf(float(v)) for v in vs)) for vs in zip(*x, strict=True)])
    k = int(np.argmax(found))
    return found[k], [float(v[k]) for v in x]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_functions_are_within_their_ulps(dtype: str) -> None:
    inputs = {name: drawn(name, dtype, 200) for name in FUNCTIONS}
    for name, got in vectors_of(inputs).items():
        error, at = worst(got, FUNCTIONS[name][0], inputs[name])
        assert error <= ULPS.get(name, 1.0), (name, error, at)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_values(dtype: str) -> None:
    x = np.array(SPECIAL, dtype)
    extremes = np.array([1e4, -1e4, np.finfo(dtype).tiny / 4, -np.finfo(dtype).tiny / 4, np.finfo(dtype).max], dtype)
    x = np.concatenate([x, extremes])
    for name, got in vectors_of(dict.fromkeys(FUNCTIONS, x)).items():
        with np.errstate(all="ignore"):
            numpys = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}.get(name, name)
            expected = getattr(np, numpys)(x)
        np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(dtype).eps, atol=0, err_msg=name)
        zeros = expected == 0
        np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(expected[zeros]), err_msg=name)


def test_subnormal_results_and_the_ends_of_the_range() -> None:
    x = np.array([-708.5, -720.3, -744.4, -745.2, -746.0, 709.78, 709.79, 710.4, 710.5])
    for name, got in vectors_of({"exp": x, "sinh": x, "cosh": x, "expm1": x}).items():
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(got, getattr(np, name)(x), rtol=4e-16, atol=5e-324, err_msg=name)
    small = np.array([5e-324, 2e-310, -3e-320])
    for name, got in vectors_of(dict.fromkeys(ODD, small)).items():
        np.testing.assert_array_equal(got, small, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sine_and_cosine_of_large_arguments(dtype: str) -> None:
    """Beyond the reduction's range the C library answers, for those lanes alone."""
    rng = np.random.default_rng(1)
    x = (rng.choice([-1, 1], 200) * 2.0 ** rng.uniform(10, 100, 200)).astype(dtype)
    x[::3] = rng.uniform(-1, 1, len(x[::3]))
    for name, got in vectors_of({"sin": x, "cos": x, "tan": x}).items():
        error, at = worst(got, FUNCTIONS[name][0], x)
        assert error <= 2.0, (name, error, at)
    near = (np.arange(1, 200) * (np.pi / 2)).astype(dtype)  # where the reduction cancels
    for name, got in vectors_of({"sin": near, "cos": near}).items():
        assert worst(got, FUNCTIONS[name][0], near)[0] <= 1.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_power(dtype: str) -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(0, 3, 300), 2.0 ** rng.uniform(-100, 100, 300)]).astype(dtype)
    y = np.concatenate([rng.uniform(-20, 20, 300), rng.uniform(-1.2, 1.2, 300)]).astype(dtype)
    got = vectors_of({"pow": x}, y)["pow"]
    assert worst(got, mpmath.power, x, y)[0] <= 1.1
    x, y = (np.array(v, dtype).ravel() for v in np.meshgrid([*SPECIAL, 3.0, 0.5, 1e-30], [*SPECIAL, 3.0, 0.5, 1e30]))
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    np.testing.assert_allclose(vectors_of({"pow": x}, y)["pow"], expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_angles_of_points(dtype: str) -> None:
    rng = np.random.default_rng(3)
    y, x = rng.normal(size=(2, 400)).astype(dtype)
    x[:200] *= (2.0 ** rng.uniform(-60, 60, 200)).astype(dtype)
    assert worst(vectors_of({"atan2": y}, x)["atan2"], mpmath.atan2, y, x)[0] <= 1.5
    y, x = (np.array(v, dtype).ravel() for v in np.meshgrid(SPECIAL, SPECIAL))
    got, expected = vectors_of({"atan2": y}, x)["atan2"], np.arctan2(y, x)
    np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(np.signbit(got[expected == 0]), np.signbit(expected[expected == 0]))


def test_without_fused_operations_and_on_narrow_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "fused", lambda: False)
    monkeypatch.setattr(target, "vector_bytes", lambda: 16)
    for dtype in ("float32", "float64"):
        inputs = {name: drawn(name, dtype, 60) for name in FUNCTIONS}
        for name, got in vectors_of(inputs).items():
            error, at = worst(got, FUNCTIONS[name][0], inputs[name])
            assert error <= 3.0, (name, error, at)
