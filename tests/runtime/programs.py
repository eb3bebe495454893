"""Small programs that the tests of this folder share; equal text is compiled once a cache folder."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from graphad.runtime import ArraySpec, Layout, Program

HEAD = "from graphad.runtime.kernel import *\n\n\n"
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
    output, _ = process.communicate(timeout=100)
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
