"""Elementary functions on vectors against mpmath: a table of ranges, and what IEEE 754 says of special values."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from scipy import special

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
    "asinh": (mpmath.asinh, [(-1.5, 1.5), (-9, 9)], (-120, 127)),
    "acosh": (mpmath.acosh, [(1, 1.1), (1, 4)], (0, 127)),
    "atanh": (mpmath.atanh, [(-1, 1), (0.99, 1)], (-120, -1)),
    "erf": (mpmath.erf, [(-1.2, 1.2), (-6, 6)], (-120, 3)),
    "erfc": (mpmath.erfc, [(-1, 1.5), (-6, 9)], (-120, 3)),
    "cbrt": (lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), [(-1, 1), (-9, 9)], (-149, 127)),
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
    "atan": 1.8,
    "tanh": 2.0,
    "asinh": 2.0,
    "acosh": 2.0,
    "atanh": 1.3,
    "erf": 1.4,
    "erfc": 2.0,
}  # others 1
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0]
ODD = ("sin", "tan", "expm1", "log1p", "tanh", "sinh", "atan", "asin", "asinh", "atanh")


def drawn(name: str, dtype: str, count: int) -> np.ndarray:
    _, pairs, (low, high) = FUNCTIONS[name]
    rng = np.random.default_rng(0)
    parts = [rng.uniform(a, b, count) for a, b in pairs]
    parts.append(2.0 ** rng.uniform(low, high, count) * rng.choice([-1, 1], count))
    if dtype == "float64" and name in ("log", "log2", "log10"):
        parts.append(2.0 ** rng.uniform(-1074, 1023, count))
    if dtype == "float64" and name == "erfc":
        parts.append(rng.uniform(9, 27, count))
    x = np.concatenate(parts).astype(dtype)
    if name in ("acosh", "atanh"):
        return np.abs(x)[np.abs(x) >= 1] if name == "acosh" else x[np.abs(x) < 1]
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
    tiny, most = np.finfo(dtype).tiny, np.finfo(dtype).max
    extremes = [1e4, -1e4, tiny / 4, -tiny / 4, tiny, most, -most, np.nextafter(1, 0), np.nextafter(1, 2), 0.5, 28, -30]
    x = np.concatenate([x, np.array(extremes, dtype)])
    for name, got in vectors_of(dict.fromkeys(FUNCTIONS, x)).items():
        with np.errstate(all="ignore"):
            numpys = f"arc{name[1:]}" if name[0] == "a" else name
            expected = getattr(special if name in ("erf", "erfc") else np, numpys)(x)
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


def pairs(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Any magnitudes; next to multiples, with quotients of up to 1e5; and special values with each other."""
    rng, info = np.random.default_rng(4), np.finfo(dtype)
    x = (rng.choice([-1, 1], 500) * 2.0 ** rng.uniform(info.minexp - 20, info.maxexp - 0.1, 500)).astype(dtype)
    with np.errstate(over="ignore"):
        y = (x * 2.0 ** rng.uniform(-30, 30, 500) * rng.choice([-1, 1], 500)).astype(dtype)
    divisor = rng.uniform(0.1, 5, 500).astype(dtype)
    near = np.nextafter((np.round(rng.uniform(-1e5, 1e5, 500)) * divisor).astype(dtype), rng.choice([-9e9, 9e9], 500))
    odd = np.array([*SPECIAL, 0.5, 7.5, info.tiny, info.tiny / 8, info.max, -info.max], dtype)
    a, b = (v.ravel() for v in np.meshgrid(odd, odd))
    return np.concatenate([x, near.astype(dtype), a]), np.concatenate([y, divisor, b])


def same(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Where numbers are the same, zeros with their signs."""
    alike = (got == expected) & (np.signbit(got) == np.signbit(expected))
    found: np.ndarray = alike | (np.isnan(got) & np.isnan(expected))
    return found


def remainders_are_exact(dtype: str) -> None:
    x, y = pairs(dtype)
    for name, numpys in {"fmod": np.fmod, "mod": np.remainder, "floordiv": np.floor_divide}.items():
        with np.errstate(all="ignore"):
            expected = numpys(x, y)
        wrong = np.flatnonzero(~same(vectors_of({name: x}, y)[name], expected))
        assert not len(wrong), (name, x[wrong[0]], y[wrong[0]])


def distances_are_within_their_ulps(dtype: str) -> None:
    x, y = pairs(dtype)
    got = vectors_of({"hypot": x}, y)["hypot"]
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(np.hypot(x, y)))
        np.testing.assert_array_equal(np.isnan(got), np.isnan(np.hypot(x, y)))
    finite = np.isfinite(got)
    assert worst(got[finite], mpmath.hypot, x[finite], y[finite])[0] <= 1.25


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_remainders_and_distances(dtype: str) -> None:
    remainders_are_exact(dtype)
    distances_are_within_their_ulps(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_of_negative_numbers(dtype: str) -> None:
    rng = np.random.default_rng(5)
    x, y = -rng.uniform(0.5, 3, 300).astype(dtype), rng.integers(-30, 64, 300).astype(dtype)
    assert worst(vectors_of({"pow": x}, y)["pow"], mpmath.power, x, y)[0] <= 1.1
    bases = np.array([-1.0, -3.0, -0.5, -np.finfo(dtype).tiny / 8], dtype)
    exponents = np.array([2.5, 2.0**24 + 1, 2.0**24, -3.0, 2.0**60, -(2.0**60), np.finfo(dtype).max], dtype)
    x, y = (v.ravel() for v in np.meshgrid(bases, exponents))
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    got = vectors_of({"pow": x}, y)["pow"]
    np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(np.signbit(got[expected == 0]), np.signbit(expected[expected == 0]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_do_not_depend_on_the_length(dtype: str) -> None:
    rng = np.random.default_rng(6)
    x, y = rng.uniform(-2, 2, (2, 1000)).astype(dtype)
    x[:2], y[:2] = (np.inf, 40.0), (3.0, 1e-30)  # in blocks whose other lanes are usual
    functions = dict.fromkeys([*FUNCTIONS, "pow", "atan2", "hypot", "fmod"], x)
    whole = vectors_of(functions, y)
    for length in (1, 3, 17):
        parts = vectors_of(dict.fromkeys(functions, x[:length]), y[:length])
        for name, part in parts.items():
            np.testing.assert_array_equal(part.view("u1"), whole[name][:length].view("u1"), err_msg=name)


@pytest.mark.parametrize(("fused", "width"), [(False, 16), (True, 32)])
def test_on_narrower_vectors(monkeypatch: pytest.MonkeyPatch, fused: bool, width: int) -> None:
    monkeypatch.setattr(target, "fused", lambda: fused)
    monkeypatch.setattr(target, "vector_bytes", lambda: width)
    for dtype in ("float32", "float64"):
        inputs = {name: drawn(name, dtype, 60) for name in FUNCTIONS}
        for name, got in vectors_of(inputs).items():
            error, at = worst(got, FUNCTIONS[name][0], inputs[name])
            assert error <= max(2.0, ULPS.get(name, 1.0)), (name, error, at)
        remainders_are_exact(dtype)
        distances_are_within_their_ulps(dtype)
