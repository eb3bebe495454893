"""Loops over lanes: what vectors answer is what Numba's run of the same text answers, whatever the number of points."""

import numpy as np
import pytest

from graphad.runtime import lane_memory, target
from graphad.runtime.lanes import INLINED
from tests.runtime.programs import LANES, compiled, pointwise
from tests.runtime.test_translate import FLOATS, SPECIAL, WHOLE

ELEMENTARY = ["math.exp(x[i])", "math.tanh(x[i])", "math.atan2(x[i], y[i])", "x[i] ** y[i]"]


def both(dtype: str, body: str, inputs: list[np.ndarray], size: int, outputs: str = "z") -> list[np.ndarray]:
    """Vectors' answer and Numba's."""
    made = pointwise(dtype, body, outputs)
    return [compiled(made, numba)(*inputs, size) for numba in (False, True)]


def stores(expressions: list[str], dtype: str) -> str:
    return LANES + "".join(
        f"        z[{k} * n + i] = {e.replace('D(', f'{dtype}(')}\n" for k, e in enumerate(expressions)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_expression_of_floats(dtype: str) -> None:
    x, y = (np.array(v, dtype).ravel() for v in np.meshgrid(SPECIAL, SPECIAL))
    expressions = FLOATS + ELEMENTARY
    ours, numbas = both(dtype, stores(expressions, dtype), [x, y], len(expressions) * len(x))
    casts = [k for k, e in enumerate(expressions) if "int" in e and "floor" not in e]
    finite = np.isfinite(x) & (np.abs(x) < 1e9)  # beyond that a conversion to integers has no defined result
    for k, expression in enumerate(expressions):
        some = finite if k in casts else np.ones_like(finite)
        a, b = (r[k * len(x) : (k + 1) * len(x)][some] for r in (ours, numbas))
        np.testing.assert_allclose(a, b, rtol=4 * np.finfo(dtype).eps, err_msg=expression)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_every_expression_of_integers(dtype: str) -> None:
    limits = np.iinfo(dtype)
    values = [0, 1, -1, 2, -7, 12, limits.max, limits.min]
    x, y = (np.array(v, dtype).ravel() for v in np.meshgrid(values, values))
    ours, numbas = both(dtype, stores(WHOLE, dtype), [x, y], len(WHOLE) * len(x))
    np.testing.assert_array_equal(ours, numbas)


BODIES = {
    "array of structures": "        z[i * 3 + 2] = x[i * 2] - x[i * 2 + 1]\n        z[i * 3] = y[i]\n",
    "transposed": "".join(f"        z[i * 9 + {k}] = x[i] * float64({k}.5)\n" for k in range(9)),
    "stored twice": "".join(f"        z[i * 5 + {k}] = x[i] + float64({k})\n" for k in (3, 0, 1, 2, 4, 1)),
    "a stride only known at run time": "        z[i * m + 1] = x[i] + y[n - 1]\n        z[i * m] = x[i]\n",
    "a long stride": "        z[i * 700 + 3] = x[i]\n",
    "backwards": "        z[2 * n - 1 - i] = x[n - 1 - i] / y[i]\n",
    "the point's number": "        z[i] = x[i] * float64(i) + select(i < 3, float64(1), float64(m))\n",
    "found at run time": "        j = int64(fabs(y[i]))\n        z[i] = x[j] + x[select(i < 1, i, i - 1)]\n",
    "a mask kept": "        g = x[i] > y[i]\n        h = not g\n        z[i] = select(g | h, x[i], y[i])\n",
    "mixed dtypes": "        a = float32(x[i])\n        k = int32(y[i])\n        z[i] = float64(a * float32(k)) + k\n",
    "one scalar for all": "        z[i] = t * x[i] + float64(b) * y[0] + y[m - 1]\n",
    "names used again": "        v = x[i]\n        v = v + y[i]\n        v = v * v\n        z[i] = v\n",
    "a power": "        z[i] = x[i] ** float64(2.0) - y[i] ** float64(3.0)\n",
    "far from the base": "        z[i + 210] = x[i]\n        z[i] = y[i]\n        z[i + 105] = x[i] * y[i]\n",
    "a divided start": "        z[i + (n + 1) // 2] = x[i]\n",
}
SETUP = "    m = 2\n    t = float64(0.5)\n    b = n > 3\n"


@pytest.mark.parametrize("name", BODIES)
def test_bodies_for_every_remainder(name: str) -> None:
    rng = np.random.default_rng(0)
    body = SETUP + "    for i in lanes(0, n):\n" + BODIES[name]
    made = pointwise("float64", body)
    ours, numbas = compiled(made), compiled(made, numba=True)
    for n in range(2, 2 * target.vector_bytes() // 8 + 2):
        x, y = rng.uniform(-1, 1, n), np.floor(rng.uniform(0.1, n, n))
        a, b = (run(x, y, 700 * n + 20) for run in (ours, numbas))
        np.testing.assert_allclose(a, b, rtol=1e-15, atol=1e-16, err_msg=f"n = {n}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_result_does_not_depend_on_its_place_or_the_threads(dtype: str) -> None:
    body = LANES + "        z[i] = math.sin(x[i]) * math.exp(y[i]) + math.log(fabs(x[i])) * math.tanh(y[i])\n"
    run = compiled(pointwise(dtype, body))
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 333)).astype(dtype)
    x[5] = 1e12  # in the range of the C library, beside others that are not
    whole = run(x, y, 333)
    for threads in (2, 3, 4):
        np.testing.assert_array_equal(run(x, y, 333, threads), whole)
    for n in (1, 3, 6, 7, 13):
        np.testing.assert_array_equal(run(x[:n].copy(), y[:n].copy(), n), whole[:n])
        np.testing.assert_array_equal(run(x[n:].copy(), y[n:].copy(), 333 - n), whole[n:])


def test_in_place() -> None:
    """A loop may store where it loaded the same point; nothing beyond the end is touched."""
    body = "    for i in lanes(0, n - 3):\n        x[i] = math.exp(x[i]) + y[i]\n"
    run = compiled(pointwise("float64", body + "    for i in range(n):\n        z[i] = x[i]\n"))
    for n in range(3, 22):
        x, y = np.linspace(-1, 1, n), np.arange(float(n))
        expected = np.where(np.arange(n) < n - 3, np.exp(x) + y, x)
        np.testing.assert_allclose(run(x, y, n), expected, rtol=1e-15)


@pytest.mark.parametrize(
    "body",
    [
        "        s = s + x[i]\n        z[i] = s\n",
        "        if x[i] > y[i]:\n            z[i] = x[i]\n",
        "        for j in range(i):\n            z[i] = x[j]\n",
        "        z[int64(y[i])] = x[i]\n",
        "        z[i * i] = x[i]\n",
        "        z[i] = x[i]\n        z[i + 1] = z[i] + y[i]\n",
        "        z[0] = x[i]\n",
    ],
)
def test_what_is_no_code_on_points_is_a_plain_loop(body: str) -> None:
    x, y = np.linspace(0.0, 1.0, 9), np.arange(9.0)
    ours, numbas = both("float64", f"    s = float64(0.0)\n    for i in lanes(0, n):\n{body}", [x, y], 80)
    np.testing.assert_array_equal(ours, numbas)


def test_nested_in_a_loop() -> None:
    body = "    for r in range(3):\n        for i in lanes(r, n):\n"
    body += "            z[r * n + i] = math.exp(x[i] * float64(r))\n"
    x = np.linspace(-1, 1, 11)
    ours, numbas = both("float64", body, [x, x], 33)
    np.testing.assert_allclose(ours, numbas, rtol=5e-16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_functions_are_written_once_and_called(dtype: str) -> None:
    """The same bits as in place: whether a function is called depends on how many evaluations a loop has."""
    x, y = np.random.default_rng(0).uniform(-3, 3, (2, 37)).astype(dtype)
    few = ["math.sin(x[i])", "math.exp(x[i])", "math.tanh(x[i])", "math.atan2(x[i], y[i])"]
    many = [*few, *(f"math.sin(x[i] + D({k}.0))" for k in range(INLINED))]
    found = [compiled(pointwise(dtype, stores(e, dtype)), f"n{len(e)}")(x, y, 37 * len(e)) for e in (few, many)]
    np.testing.assert_array_equal(found[0].ravel()[: 4 * 37], found[1].ravel()[: 4 * 37])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 7, 16, 33, 100])
def test_folds_and_streams(dtype: str, n: int) -> None:
    """Sums, the greatest and the least of points, with and without NaN; results that pass the caches by."""
    rng = np.random.default_rng(n)
    for special in (0.0, np.nan, np.inf):
        body = (
            f"    a = {dtype}(2.0)\n    b = {dtype}(-math.inf)\n    c = {dtype}(math.inf)\n    for i in lanes(0, n):\n"
        )
        body += "        prefetch(x, i + 4096)\n        v = x[i] / y[0]\n        stream(z, i, v, 9999999 * n)\n"
        body += "        a = (a + v)\n        b = maximum(b, v)\n        c = minimum(c, v)\n"
        body += "    z[n] = a\n    z[n + 1] = b\n    z[n + 2] = c\n"
        x, y = rng.normal(size=(2, n)).astype(dtype)
        x[n // 2] += special
        ours, numbas = both(dtype, body, [x, y], n + 3)
        np.testing.assert_allclose(ours, numbas, rtol=2e-5 if dtype == "float32" else 1e-13)
        np.testing.assert_array_equal(ours[:n], x / y[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_that_pass_the_caches_by_begin_anywhere(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_memory, "STREAMED", 1 << 10)
    body = LANES + "        stream(z, i, x[i] + y[i], n)\n"
    run = compiled(pointwise(dtype, body))
    rng = np.random.default_rng(4)
    for n in (1500, 1501, 1515, 60):
        x, y = rng.normal(size=(2, n)).astype(dtype)
        for start in range(17):
            room = np.full(n + 40, 7.0, dtype)
            run(x, y, n, out=room[start : start + n])
            np.testing.assert_array_equal(room[start : start + n], x + y)
            assert (room[:start] == 7.0).all()
            assert (room[start + n :] == 7.0).all()


def test_one_number_among_the_points() -> None:
    body = (
        "    t = int64(y[0])\n    for i in lanes(0, n):\n"
        "        z[i] = select(i == t, x[i], float32(0))\n        z[n + i] = select(t != i, x[i], float32(0))\n"
    )
    made = pointwise("float32", body)
    ours, numbas = compiled(made), compiled(made, numba=True)
    x = np.arange(1.0, 38.0, dtype=np.float32)
    for t in (-(2**40), -1, 0, 15, 16, 36, 37, 2**31, 2**33):
        y = np.full(37, t, np.float32)
        np.testing.assert_array_equal(ours(x, y, 74), numbas(x, y, 74))
        assert np.count_nonzero(ours(x, y, 74)[:37]) == (0 <= t < 37)


def test_folds_of_short_bodies_go_several_ways() -> None:
    body = (
        "    s = {0}(0)\n    m = {0}(-math.inf)\n    for i in lanes(0, n):\n        s = s + x[i]\n"
        "        m = maximum(m, x[i])\n    z[0] = s\n    z[1] = m\n"
    )
    rng = np.random.default_rng(5)
    for dtype in ("float32", "float64"):
        run = compiled(pointwise(dtype, body.format(dtype)))
        for n in (1, 15, 16, 64, 65, 130, 1000):
            x = rng.normal(size=n).astype(dtype)
            total, most = run(x, x, 2)
            np.testing.assert_allclose(total, x.sum(dtype=np.float64), rtol=1e-5 if dtype == "float32" else 1e-13)
            assert most == x.max()
            x[n // 2] = np.nan
            assert np.isnan(run(x, x, 2)).all()


@pytest.mark.parametrize(("dtype", "stride"), [("float32", 3), ("float64", 3), ("float64", 9), ("float32", 16)])
def test_rows_of_results_go_out_a_block_at_a_time(dtype: str, stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_memory, "STREAMED", 1 << 10)
    stored = "".join(
        f"        stream(z, {stride} * i + {k}, x[i] * {dtype}({k}) + y[i], {stride} * n)\n" for k in range(stride)
    )
    run = compiled(pointwise(dtype, LANES + stored))
    rng = np.random.default_rng(6)
    for n in (64, 200, 333):
        x, y = rng.normal(size=(2, n)).astype(dtype)
        wanted = x[:, None] * np.arange(stride, dtype=dtype) + y[:, None]
        for start in (0, 1, 5, 8, 16):
            room = np.full(stride * n + 100, 7.0, dtype)
            first = -room.ctypes.data // room.itemsize % 16 + start  # 0 is the start of a line
            for threads in (1, 2):
                run(x, y, stride * n, threads, room[first : first + stride * n])
                found = room[first : first + stride * n].reshape(n, stride)
                np.testing.assert_allclose(found, wanted, rtol=1e-6 if dtype == "float32" else 1e-14, atol=1e-6)
            assert (room[:first] == 7.0).all()
            assert (room[first + stride * n :] == 7.0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quotients_that_share_a_divisor_are_rounded_like_divisions(dtype: str) -> None:
    """Whatever is divided by whatever; where numbers near the subnormal ones are in it, an ulp may be missing."""
    body = (
        LANES + "        d = y[i]\n        z[i] = x[i] / d\n"
        f"        z[n + i] = {dtype}(1) / d\n        z[2 * n + i] = (-x[i]) / d\n"
    )
    run = compiled(pointwise(dtype, body))
    limits, rng = np.finfo(dtype), np.random.default_rng(7)
    extreme = [0.0, np.inf, limits.max, limits.max / 3, limits.tiny, limits.smallest_subnormal, 1.0, 3.0, 49.0]
    special = np.array([*extreme, *(-e for e in extreme), np.nan], dtype)
    some = np.ldexp(rng.normal(size=600), rng.integers(limits.minexp, limits.maxexp, 600)).astype(dtype)
    numbers = np.concatenate([special, some, rng.normal(size=600).astype(dtype)])
    x, y = (v.ravel() for v in np.meshgrid(numbers, numbers))
    with np.errstate(all="ignore"):
        wanted = np.concatenate([x / y, 1 / y, -x / y])
        found = run(x, y, 3 * len(x))
        small = limits.tiny * 2.0 ** (limits.nmant + 3)
        near = (np.abs(np.concatenate([x, np.ones_like(x), x])) < small) | (np.abs(wanted) < small)
        close = near & (np.abs(found - wanted) <= np.spacing(np.abs(wanted)))
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    assert (same | close).all(), (wanted[~(same | close)][:5], found[~(same | close)][:5])
    assert same.mean() > 0.99
