"""Long code in pieces computes what the whole does, and long runs as tables what runs as code do."""

import numpy as np
import pytest

import graphad as ga
from graphad.runtime import lane_memory, lanes, units
from tests.runtime.programs import LANES, compiled, pointwise

POINTS = (1, 3, 16, 37, 1000, 4099)


def long_body(dtype: str, stream: bool) -> str:
    """Values that cross pieces: loaded, invariant, of functions with rare ways, masks, results in the middle."""
    lines = ["v0 = x[i]", "w0 = y[i]", f"h = {dtype}(n)", "b0 = (v0 > w0)"]
    for k in range(12):
        lines += [
            f"s{k} = math.sin(v{k} * {dtype}(99999.0))",
            f"e{k} = math.exp(minimum(w{k}, {dtype}(1.0)))",
            f"p{k} = select(b{k}, s{k}, fabs(v0) ** e{k})",
            f"v{k + 1} = (p{k} / (e{k} + h)) + w0",
            f"w{k + 1} = (v{k} - s{k}) / (e{k} + h)",
            f"b{k + 1} = (b{k} | (w{k + 1} > v{k + 1}))",
        ]
        place, value = f"{k} * n + i", f"select(b{k + 1}, v{k + 1}, w{k + 1})"
        lines += [f"stream(z, {place}, {value}, 12 * n)" if stream else f"z[{place}] = {value}"]
    return LANES + "".join(f"        {line}\n" for line in lines)


@pytest.mark.parametrize("stream", [False, True], ids=["", "past the caches"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pieces(monkeypatch: pytest.MonkeyPatch, dtype: str, stream: bool) -> None:
    monkeypatch.setattr(lane_memory, "STREAMED", 1 << 10)
    made = pointwise(dtype, long_body(dtype, stream))
    whole = compiled(made)
    monkeypatch.setattr(lanes, "STATEMENTS", 7)
    pieces = compiled(made)
    for n in POINTS:
        x, y = np.random.default_rng(n).uniform(-2, 2, (2, n)).astype(dtype)
        a, b = (f(x, y, 12 * n, threads) for f, threads in ((whole, 1), (pieces, 2)))
        np.testing.assert_allclose(a, b, rtol=1e-4 if dtype == "float32" else 1e-11)
        np.testing.assert_array_equal(b, pieces(x, y, 12 * n))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", ["n", "512"], ids=["", "whole vectors"])
def test_sums_in_pieces(monkeypatch: pytest.MonkeyPatch, dtype: str, count: str) -> None:
    lines = ["v0 = x[i]"]
    for k in range(10):
        lines += [f"v{k + 1} = (math.cos(v{k}) + y[i])", f"u{k} = (v{k + 1} * v{k})"]
    lines += ["a = (a + u9)", "b = maximum(b, u3)"]
    body = f"    a = {dtype}(2.0)\n    b = {dtype}(-math.inf)\n    for i in lanes(0, {count}):\n"
    made = pointwise(dtype, body + "".join(f"        {s}\n" for s in lines) + "    z[0] = a\n    z[1] = b\n")
    x, y = np.random.default_rng(0).uniform(-2, 2, (2, 517)).astype(dtype)
    whole = compiled(made)(x, y, 2)
    monkeypatch.setattr(lanes, "STATEMENTS", 4)
    np.testing.assert_allclose(compiled(made)(x, y, 2), whole, rtol=1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("threads", [1, 2])
def test_runs_as_tables(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    """Results, updates, the time of each kernel, and a failure after which every state is as it was."""
    monkeypatch.setattr(units, "MANY", 1)
    weight = ga.parameter("w", np.linspace(-1, 1, 35).reshape(5, 7))
    x, t = ga.input("x", ("N", 5), "float64"), ga.input("t", ("N",), "int64")
    scores = ga.tanh(x @ weight) @ ga.permute_dims(weight, (1, 0))
    loss = ga.nn.functional.cross_entropy(scores, t)
    step = ga.compile([x, t], loss, updates={weight: weight - 0.1 * ga.grad(loss, weight)}, threads=threads)
    wanted = ga.compile([x, t], [loss, weight - 0.1 * ga.grad(loss, weight)], target="numpy")
    for n in (1, 2, 5, 37):
        value, labels = np.random.default_rng(n).standard_normal((n, 5)), np.arange(n) % 5
        first, after = wanted(value, labels)
        np.testing.assert_allclose(step(value, labels), first, rtol=1e-12)
        np.testing.assert_allclose(weight.value, after, rtol=1e-12)
    assert "tanh" in str(step.profile(value, labels))
    kept = weight.value
    with pytest.raises(ga.IndexRangeError):
        step(value, labels + 1)
    np.testing.assert_array_equal(weight.value, kept)
