"""Loops whose points are known and fill whole vectors: the same numbers, bit by bit, as loops that end anywhere."""

import numpy as np
import pytest

from graphad.runtime import lane_memory, target
from graphad.runtime.ir import ir
from graphad.runtime.units import Units
from tests.runtime.programs import compiled, pointwise
from tests.runtime.test_lanes import BODIES, SETUP

POINTS = 64  # whole vectors of any kind


def both(dtype: str, body: str, outputs: str = "z") -> list:  # type: ignore[type-arg]
    """With the number of points known, and not."""
    return [compiled(pointwise(dtype, body.replace("POINTS", count), outputs)) for count in (str(POINTS), "n")]


@pytest.mark.parametrize("name", BODIES)
def test_every_body(name: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, POINTS), np.floor(rng.uniform(0.1, POINTS, POINTS))
    known, open_ = (
        run(x, y, 700 * POINTS + 20)
        for run in both("float64", SETUP + "    for i in lanes(0, POINTS):\n" + BODIES[name])
    )
    np.testing.assert_array_equal(known, open_)


@pytest.mark.parametrize(("count", "whole"), [(str(POINTS), True), ("63", False), ("n", False)])
def test_which_loops_have_no_rest(count: str, whole: bool) -> None:
    made = pointwise("float64", f"    for i in lanes(0, {count}):\n        z[i] = math.exp(x[i]) + y[i]\n")
    units = Units(made.source)
    units.declared(ir.Module("caller"), "k", [*["float64*"] * 3, *["int64"] * 3])
    assert any(".whole" in unit.text for unit in units.take()) == whole


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("long", [False, True], ids=["several ways", "one way"])
def test_folds(dtype: str, long: bool) -> None:
    body = (
        f"    a = {dtype}(2.0)\n    b = {dtype}(-math.inf)\n    c = {dtype}(math.inf)\n"
        "    for i in lanes(0, POINTS):\n"
        f"        v = {'math.exp(math.sin(x[i]))' if long else 'x[i]'}\n"
        "        a = (a + v)\n        b = maximum(b, v)\n        c = minimum(c, v)\n"
        "    z[0] = a\n    z[1] = b\n    z[2] = c\n"
    )
    rng = np.random.default_rng(1)
    runs = both(dtype, body)
    for special in (0.0, np.nan, np.inf):
        x = rng.normal(size=POINTS).astype(dtype)
        x[37] += special
        known, open_ = (run(x, x, 3) for run in runs)
        np.testing.assert_array_equal(known, open_)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("other", [320, 323])
def test_results_that_pass_the_caches_by_begin_anywhere(
    dtype: str, other: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a line on, they go the short way; from elsewhere, the long one. What is small goes either way."""
    monkeypatch.setattr(lane_memory, "STREAMED", 1 << 8)
    body = (
        "    for j in range(4):\n        for i in lanes(0, POINTS):\n"
        "            stream(z, i + POINTS * j, math.exp(x[i]) * y[i], n)\n"
        f"            stream(z, i + POINTS * j + {other}, x[i] - y[i], 4096)\n"
    ).replace("POINTS", str(POINTS))
    run = compiled(pointwise(dtype, body))
    x, y = np.random.default_rng(2).normal(size=(2, POINTS)).astype(dtype)
    size, step = 4 * POINTS, target.vector_bytes() // np.dtype(dtype).itemsize
    room = np.empty(other + size + 3 * step, dtype)
    first = -(room.ctypes.data // room.itemsize) % step
    for start in (0, 1, 5, step, step + 1):
        room[:] = 7.0
        at = first + start
        run(x, y, other + size, out=room[at : at + other + size])
        ends = [at, at + size, at + other, at + other + size]
        parts = np.split(room, ends)
        np.testing.assert_allclose(parts[1], np.tile(np.exp(x) * y, 4), rtol=1e-6 if dtype == "float32" else 1e-14)
        np.testing.assert_array_equal(parts[3], np.tile(x - y, 4))
        assert all((part == 7.0).all() for part in parts[::2])
