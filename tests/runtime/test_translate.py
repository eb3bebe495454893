"""One text, two compilers: what the translator makes of a kernel is what Numba makes of it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from graphad.runtime import Layout, Program, native
from graphad.runtime.instance import Instance
from tests.runtime.programs import HEAD, RUN, run_python, vector

FLOATS = [
    "x[i] + y[i] * x[i]", "x[i] - y[i]", "x[i] / y[i]", "-x[i]", "x[i] ** y[i]", "fabs(x[i])", "sign(x[i])",
    "maximum(x[i], y[i])", "minimum(x[i], y[i])", "floordiv(x[i], y[i])", "mod(x[i], y[i])", "floor(x[i])",
    "ceil(x[i])", "trunc(x[i])", "rint(x[i])", "sqrt(x[i])", "cbrt(x[i])", "select(x[i] < y[i], x[i], y[i])",
    "select((x[i] <= y[i]) & (not (x[i] == y[i])), D(1.5), D(math.inf))", "select(x[i] != x[i], D(0.0), x[i])",
    "select((x[i] >= y[i]) | (x[i] > D(-1.0)), -y[i], D(2.0))", "D(int64(x[i]))", "D(int32(x[i]) * int32(2))",
    "copysign(x[i], y[i])", "fmod(x[i], y[i])", "fma(x[i], y[i], x[i])", "math.atan2(x[i], y[i])",
    "math.hypot(x[i], y[i])", "math.log1p(fabs(x[i]))", "math.erf(x[i])", "math.exp(x[i])", "math.tanh(x[i])",
]  # fmt: skip
WHOLE = [
    "x[i] + y[i] * x[i]", "x[i] - y[i]", "-x[i]", "abs(x[i])", "sign(x[i])", "maximum(x[i], y[i])",
    "floordiv(x[i], y[i])", "mod(x[i], y[i])", "select(x[i] == y[i], D(1), D(0))", "D(float64(x[i]) * 0.5)",
    "select((x[i] > y[i]) ^ (x[i] < D(0)), x[i], y[i])", "minimum(x[i], D(3))",
]  # fmt: skip
SPECIAL = [0.0, -0.0, 1.0, -1.5, 2.5, 3.5, np.inf, -np.inf, np.nan, 1e-30, 7.25, -7.75]


def program(dtype: str, expressions: list[str], body: str = "") -> Program:
    """z[k * n + i] = expression k at element i; with ``body`` that text instead."""
    lines = "".join(f"        z[{k} * n + i] = {e.replace('D(', f'{dtype}(')}\n" for k, e in enumerate(expressions))
    source = (
        f"{HEAD}import math\n\n\n@kernel\ndef k(x, y, z, n, part, parts):\n"
        + (body or f"    for i in range(share(n, part, parts, 4), share(n, part + 1, parts, 4)):\n{lines}")
        + RUN
        + f"    k({', '.join(f'{dtype}_at(table, {i})' for i in range(3))}, sizes[0], part, parts)\n"
    )
    specs = [vector(name, dtype) for name in "xyz"]
    return Program("translate", source, tuple(specs[:2]), tuple(specs[2:]), (), (), 0, ("k",))


def outcome(code: native.Code, made: Program, inputs: list[np.ndarray], size: int) -> np.ndarray:
    out = np.zeros(size, inputs[0].dtype)
    layout = Layout((len(inputs[0]),), (), 0, ((size,),), 1)
    Instance(made, code.linked(), layout, (), ()).run(inputs, [out])
    return out


def both(made: Program, inputs: list[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    ours = outcome(native.translated(made), made, inputs, size)
    return ours, outcome(native.through_numba(made, "numbas", "<numbas>"), made, inputs, size)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats(dtype: str) -> None:
    x, y = (np.array(v, dtype).ravel() for v in np.meshgrid(SPECIAL, SPECIAL))
    ours, numbas = both(program(dtype, FLOATS), [x, y], len(FLOATS) * len(x))
    casts = [k for k, e in enumerate(FLOATS) if "int" in e and "floor" not in e]
    finite = np.isfinite(x) & (np.abs(x) < 1e9)  # beyond that a conversion to integers has no defined result
    for k, expression in enumerate(FLOATS):
        some = finite if k in casts else np.ones_like(finite)
        a, b = (r[k * len(x) : (k + 1) * len(x)][some] for r in (ours, numbas))
        np.testing.assert_allclose(a, b, rtol=4 * np.finfo(dtype).eps, err_msg=expression)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers(dtype: str) -> None:
    limits = np.iinfo(dtype)
    values = [0, 1, -1, 2, -7, 12, limits.max, limits.min]
    x, y = (np.array(v, dtype).ravel() for v in np.meshgrid(values, values))
    ours, numbas = both(program(dtype, WHOLE), [x, y], len(WHOLE) * len(x))
    np.testing.assert_array_equal(ours, numbas)


def test_loops_scalars_and_conditions() -> None:
    body = """    total = float64(0.0)
    best = 0
    for i in range(0, n, 2):
        t = x[i] * y[i]
        total = total + t
        if t > x[best] * y[best]:
            best = i
        for j in range(i):
            total = total - x[j]
    z[0] = total
    z[1] = float64(best)
    z[2] = x[(n - 1) // 2]
"""
    x, y = np.arange(7.0), np.array([3.0, 1, 4, 1, 5, 9, 2])
    ours, numbas = both(program("float64", [], body), [x, y], 3)
    np.testing.assert_array_equal(ours, numbas)
    assert ours.tolist() == [18.0, 4.0, 3.0]


def test_only_sums_change_their_order() -> None:
    """(a + b) - (a + b) stays NaN for infinities in a kernel whose sums may be reassociated."""
    body = "    total = float64(0.0)\n    for i in range(n):\n        total = total + x[i]\n    z[0] = total - total\n"
    made = program("float64", [], body)
    loose = dataclasses.replace(made, source=made.source.replace("@kernel", "@kernel(reassociate=True)"))
    x = np.array([np.inf, 1.0])
    assert np.isnan(outcome(native.translated(loose), loose, [x, x], 1)).all()


@pytest.mark.parametrize("number", ["math.inf", "-math.inf", "math.nan", "1e300"])
def test_a_constant_that_no_integer_holds_compiles(number: str) -> None:
    body = f"    z[0] = float64(int64(float64({number})))\n"
    made = program("float64", [], body)
    assert outcome(native.translated(made), made, [np.zeros(1), np.zeros(1)], 1)[0] == -(2.0**63)


def test_what_the_translator_does_not_know_goes_through_numba() -> None:
    body = "    i = 0\n    while i < n:\n        z[i] = x[i] + y[i]\n        i += 1\n"
    x = np.arange(5.0)
    made = program("float64", [], body)
    code = native.compile_program(made, "fallback", "<fallback>")
    assert code.refused.startswith("k: while i < n:")
    out = outcome(native.Code.from_bytes(code.to_bytes()), made, [x, x], 5)
    np.testing.assert_array_equal(out, 2 * x)


BY_NUMBA = """
import dataclasses
import numpy as np
from graphad.runtime import load, native, stats
from graphad.runtime.expressions import UnsupportedError
from tests.runtime import programs

def refuse(program):
    raise UnsupportedError("k0_scale: this is for Numba", "k0_scale")

native.translated = refuse
for factor in (1.0, 2.0, 3.0):
    source = programs.AXPY.source.replace("c[0]", f"{factor} * c[0]")
    executable = load(dataclasses.replace(programs.AXPY, source=source))
    y = np.zeros(5)
    executable.instantiate(programs.axpy_layout(5, threads=2), [np.ones(5)]).run([np.arange(5.0)], [y])
    assert y.tolist() == [1.0 + 3.0 * factor * k for k in (4, 3, 2, 1, 0)], y
print(stats.compiles, stats.cache_hits)
"""


def test_several_programs_through_numba_in_one_process(fresh_cache: Path) -> None:
    """Each has a barrier, whose symbols Numba's engine looks for; the second process takes them from the cache."""
    assert run_python(BY_NUMBA) == "3 0\n"
    assert run_python(BY_NUMBA) == "0 3\n"


@pytest.mark.parametrize("loop", ["range", "lanes"])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_powers_of_integers(dtype: str, loop: str) -> None:
    """As NumPy's, modulo the range; of negative exponents, which NumPy refuses, the whole part."""
    bases, exponents = [0, 1, -1, 2, -3, 10, np.iinfo(dtype).max, np.iinfo(dtype).min], [0, 1, 2, 3, 17, 31, 62, 63]
    x, y = (np.array(v, dtype).ravel() for v in np.meshgrid(bases, exponents))
    body = f"    for i in {loop}(0, n):\n        z[i] = x[i] ** y[i]\n        z[n + i] = x[i] ** 2\n"
    made = program(dtype, [], body + f"        z[2 * n + i] = x[i] ** ({dtype}(-1) - y[i])\n")
    with np.errstate(divide="ignore"):
        whole = np.where(np.abs(x.astype(object)) == 1, x ** np.mod(y + 1, 2), 0)
    wanted = np.concatenate([x**y, x * x, whole.astype(dtype)])
    np.testing.assert_array_equal(outcome(native.translated(made), made, [x, y], 3 * len(x)), wanted)


def test_nested_sums_of_products_compile() -> None:
    """In a process of its own, which LLVM 22 ends where it looks for vectors in the sums that it has unrolled."""
    text = """
import numpy as np
import graphad as ga
x, y = ga.input("x", (4, 3, 6), dtype="float64"), ga.input("y", (4, 3, 6), dtype="float64")
a = np.arange(72.0).reshape(4, 3, 6)
outputs = [ga.sum(x[:k, :, :l] * y[:k, :, :l], axis=(0, 2)) for k, l in ((3, 6), (4, 6), (4, 5))]
found = ga.compile([x, y], outputs)(a, a)
for z, (k, l) in zip(found, ((3, 6), (4, 6), (4, 5))):
    assert np.array_equal(z, (a * a)[:k, :, :l].sum((0, 2)))
"""
    assert run_python(text) == ""


def test_a_kernel_that_neither_can_compile_raises() -> None:
    body = "    for i in range(n):\n        z[i] = nonsense(x[i])\n"
    with pytest.raises(Exception, match="nonsense"):
        native.compile_program(program("float64", [], body), "nonsense", "<nonsense>")
