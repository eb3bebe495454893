"""Small programs that the tests of this folder share; equal text is compiled once a cache folder."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import numpy as np

from graphad.runtime import ArraySpec, Layout, Program, native
from graphad.runtime.instance import Instance

HEAD = "from graphad.runtime.kernel import *\n\n\n"
PATIENCE = 600  # seconds until a process hangs, on a machine that others use as well
RUN = "\n\n@entry\ndef run(table, sizes, part, parts, sync, clock, status):\n"


def vector(name: str, dtype: str = "float64") -> ArraySpec:
    return ArraySpec(name, dtype, 1)


# y = state + x * constant through a local; two kernels, a barrier between them; x[0] < 0 fails with its index.
AXPY = Program(
    name="axpy",
    source=HEAD
    + """@kernel
def k0_scale(x, c, t, status, lo, hi):
    for i in range(lo, hi):
        t[i] = x[i] * c[0]
        if x[i] < 0.0:
            fail(status, 7, i)


@kernel
def k1_reverse_add(t, s, y, n, lo, hi):
    for i in range(lo, hi):
        y[i] = s[i] + t[n - 1 - i]
"""
    + RUN
    + """    n = sizes[0]
    lo = n * part // parts
    hi = n * (part + 1) // parts
    t = float64_at(table, 4)
    stamp(clock, part, 0)
    k0_scale(float64_at(table, 0), float64_at(table, 3), t, status, lo, hi)
    barrier(sync, part, parts)
    stamp(clock, part, 1)
    k1_reverse_add(t, float64_at(table, 2), float64_at(table, 1), n, lo, hi)
    barrier(sync, part, parts)
    stamp(clock, part, 2)
""",
    inputs=(vector("x"),),
    outputs=(vector("y"),),
    states=(vector("s"),),
    constants=(np.array([3.0]),),
    locals=1,
    kernels=("k0_scale", "k1_reverse_add"),
)


def axpy_layout(n: int, threads: int = 1) -> Layout:
    return Layout(sizes=(n,), offsets=(0,), nbytes=8 * n, outputs=((n,),), threads=threads)


# y = x * x on arrays without dimensions
SQUARE = Program(
    name="square",
    source=HEAD
    + "@kernel\ndef k0_square(x, y):\n    y[0] = x[0] * x[0]\n"
    + RUN
    + "    if part == 0:\n        k0_square(float64_at(table, 0), float64_at(table, 1))\n",
    inputs=(ArraySpec("x", "float64", 0),),
    outputs=(ArraySpec("y", "float64", 0),),
    states=(),
    constants=(),
    locals=0,
    kernels=("k0_square",),
)
SCALAR_LAYOUT = Layout(sizes=(), offsets=(), nbytes=0, outputs=((),), threads=1)


def start_python(text: str) -> subprocess.Popen[str]:
    """A new process that runs the text; its environment is this one's."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", text],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["."] + [p for p in sys.path if p])},
    )


def run_python(text: str) -> str:
    process = start_python(text)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    return output


RUN_AXPY = """
import numpy as np
from graphad.runtime import load, stats
from tests.runtime import programs
executable = load(programs.AXPY)
y = np.zeros(5)
executable.instantiate(programs.axpy_layout(5, threads=THREADS), [np.ones(5)]).run([np.arange(5.0)], [y])
assert y.tolist() == [13.0, 10.0, 7.0, 4.0, 1.0], y
print(stats.compiles, stats.cache_hits)
"""


def run_axpy(threads: int = 1) -> str:
    return RUN_AXPY.replace("THREADS", str(threads))


def pointwise(dtype: str, body: str, outputs: str = "z") -> Program:
    """A kernel with inputs x and y and the body given, in lanes over this part's share of n."""
    names = ["x", "y", outputs]
    source = (
        f"{HEAD}import math\n\n\n@kernel\ndef k(x, y, {outputs}, n, part, parts):\n{body}{RUN}"
        f"    k({', '.join(f'{dtype}_at(table, {i})' for i in range(3))}, sizes[0], part, parts)\n"
    )
    specs = [vector(name, dtype) for name in names]
    return Program("pointwise", source, tuple(specs[:2]), tuple(specs[2:]), (), (), 0, ("k",))


class Run(Protocol):
    """Answers z for x, y and the size of z."""

    def __call__(
        self, x: np.ndarray, y: np.ndarray, size: int, threads: int = 1, out: np.ndarray | None = None
    ) -> np.ndarray: ...


def compiled(made: Program, numba: bool = False) -> Run:
    """The program, compiled now, by way of the translator or of Numba; n is the inputs' length."""
    code = native.through_numba(made, "numba_program", "<numba_program>") if numba else native.translated(made)
    linked = code.linked()

    def run(x: np.ndarray, y: np.ndarray, size: int, threads: int = 1, out: np.ndarray | None = None) -> np.ndarray:
        out = np.zeros(size, x.dtype) if out is None else out
        Instance(made, linked, Layout((len(x),), (), 0, ((size,),), threads), (), ()).run([x, y], [out])
        return out

    return run


LANES = "    for i in lanes(share(n, part, parts, 64), share(n, part + 1, parts, 64)):\n"


PAIRED = ("atan2", "hypot", "fmod", "mod", "floordiv")


def _value(name: str, at: str) -> str:
    if name == "pow":
        return f"x[{at}] ** y[{at}]"
    home = "" if name in ("mod", "floordiv") else "math."
    return f"{home}{name}(x[{at}]{f', y[{at}]' * (name in PAIRED)})"


def vectors_of(inputs: dict[str, np.ndarray], second: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """name(x) in vectors for every name, of its own inputs, all in one program; ``PAIRED`` ones take the second."""
    lengths = {name: len(x) for name, x in inputs.items()}
    n = max(lengths.values())
    x = np.concatenate([np.pad(v, (0, n - len(v))) for v in inputs.values()])
    y = np.resize(x if second is None else second, x.shape)
    count = len(lengths)
    body = f"    for i in lanes(0, n // {count}):\n"
    for k, name in enumerate(lengths):
        at = f"{k} * (n // {count}) + i"
        body += f"        z[{at}] = {_value(name, at)}\n"
    dtype = str(x.dtype)
    z = compiled(pointwise(dtype, body))(x, y, len(x))
    return {name: z[k * n : k * n + length] for k, (name, length) in enumerate(lengths.items())}
