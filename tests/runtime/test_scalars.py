"""The functions that generated code may call, against NumPy, for every dtype they take."""

import numpy as np
import pytest

from graphad.runtime import Layout, Program, load
from tests.runtime.programs import HEAD, RUN, vector

NAN, INF = float("nan"), float("inf")
REAL = [0.0, -0.0, 0.4, 0.5, 1.5, 2.5, -0.5, -2.5, 3.0, -3.0, 7.25, -7.25, INF, -INF, NAN]
WHOLE = [0, 1, -1, 2, -2, 7, -7, 100, -100, "min", "max"]
UNARY = ("sign", "fabs", "floor", "ceil", "trunc")
REAL_ONLY = ("rint", "sqrt", "cbrt")
BINARY = ("maximum", "minimum", "floordiv", "mod")
DTYPES = ("float32", "float64", "int32", "int64")
NUMPY = {"fabs": "abs", "floordiv": "floor_divide"}


def names(dtype: str) -> tuple[str, ...]:
    return (*UNARY, *BINARY, *((*REAL_ONLY, "copysign") if dtype.startswith("float") else ()))


def source() -> str:
    """One program for all dtypes: every function is one kernel that writes its own row of the dtype's output."""
    kernels, calls = "", ""
    for k, dtype in enumerate(DTYPES):
        rows = "".join(
            f"        z[{row} * n + i] = {name}({'x[i]' if name in UNARY + REAL_ONLY else 'x[i], y[i]'})\n"
            for row, name in enumerate(names(dtype))
        )
        kernels += f"@kernel(contract=False)\ndef {dtype}_all(x, y, z, n):\n    for i in range(n):\n{rows}\n\n"
        calls += (
            f"    {dtype}_all({', '.join(f'{dtype}_at(table, {j})' for j in (2 * k, 2 * k + 1, 8 + k))}, sizes[{k}])\n"
        )
    return HEAD + kernels + RUN + calls


def samples(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    if dtype.startswith("float"):
        values = np.array(REAL, dtype)
    else:
        limits = {"min": np.iinfo(dtype).min, "max": np.iinfo(dtype).max}
        values = np.array([limits.get(v, v) for v in WHOLE], dtype)
    return tuple(np.ascontiguousarray(g.ravel()) for g in np.meshgrid(values, values))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def results(shared_cache):
    program = Program(
        "scalars",
        source(),
        tuple(vector(f"{axis}_{dtype}", dtype) for dtype in DTYPES for axis in "xy"),
        tuple(vector(f"z_{dtype}", dtype) for dtype in DTYPES),
        (), (), 0, tuple(f"{dtype}_all" for dtype in DTYPES),
    )  # fmt: skip
    inputs = [array for dtype in DTYPES for array in samples(dtype)]
    sizes = tuple(len(samples(dtype)[0]) for dtype in DTYPES)
    outputs = [np.zeros(n * len(names(d)), d) for d, n in zip(DTYPES, sizes, strict=True)]
    layout = Layout(sizes, (), 0, tuple(z.shape for z in outputs), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHAD_CACHE_DIR", str(shared_cache))
        load(program).instantiate(layout, []).run(inputs, outputs)
    return {
        (dtype, name): row
        for dtype, z, n in zip(DTYPES, outputs, sizes, strict=True)
        for name, row in zip(names(dtype), z.reshape(-1, n), strict=True)
    }


@pytest.mark.parametrize(("dtype", "name"), [(d, name) for d in DTYPES for name in names(d)])
def test_agrees_with_numpy_in_value_and_sign_of_zero(results, dtype, name):
    x, y = samples(dtype)
    function = getattr(np, NUMPY.get(name, name))
    with np.errstate(all="ignore"):
        wanted = (function(x) if name in UNARY + REAL_ONLY else function(x, y)).astype(dtype)
    got = results[dtype, name]
    if name == "cbrt":  # the C library's and NumPy's may round differently
        np.testing.assert_array_max_ulp(got[np.isfinite(wanted)], wanted[np.isfinite(wanted)], 1)
        return
    np.testing.assert_array_equal(got, wanted)
    if dtype.startswith("float") and name not in {"maximum", "minimum"}:  # either zero is a right maximum of both
        zeros = wanted == 0
        np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(wanted[zeros]))


def test_select_and_fma_keep_the_type():
    program = Program(
        "small",
        HEAD
        + """@kernel
def k(x, y, b, z):
    for i in range(3):
        b[i] = x[i] > y[i]
        z[i] = select(b[i], x[i], y[i])
    z[3] = fma(x[0], x[1], -x[0] * x[1])
"""
        + RUN
        + "    k(float32_at(table, 0), float32_at(table, 1), bool_at(table, 2), offset(float32_at(table, 3), 1))\n",
        (vector("x", "float32"), vector("y", "float32")),
        (vector("b", "bool"), vector("z", "float32")),
        (), (), 0, ("k",),
    )  # fmt: skip
    x, y = np.array([1.1, 2.0, NAN], np.float32), np.array([1.0, 3.0, 5.0], np.float32)
    b, z = np.zeros(3, bool), np.full(5, -9, np.float32)
    load(program).instantiate(Layout((), (), 0, ((3,), (5,)), 1), []).run([x, y], [b, z])
    assert b.tolist() == [True, False, False]
    assert z[:4].tolist() == [-9.0, x[0], 3.0, 5.0]
