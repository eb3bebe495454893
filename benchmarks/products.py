"""Matrix products on one thread: GFLOP/s, and the fraction of the machine's peak, against NumPy's.

python -m benchmarks.products --dtype float32,float64

The peak is that of a kernel that does nothing but multiply and add vectors. A call from Python is part of every
product, which tells in the small ones. Both contenders are timed in turn, by the processor time of the thread, which
leaves out what other processes take. NumPy's library is best left to choose its own kernels: run without
OPENBLAS_CORETYPE.
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

import graphad as ga
from graphad.runtime import ArraySpec, Layout, Program, load

Call = Callable[[], object]

SHAPES = (
    # rows, columns, depth; "t": the operand is stored transposed; what it stands for
    (128, 512, 512, "", "a dense layer"),
    (128, 512, 784, " t", "torch's dense layer, x @ w.T"),
    (784, 512, 128, "t ", "its weights' gradient, x.T @ d"),
    (512, 512, 512, "", ""),
    (1000, 1000, 1000, "", ""),
    (6, 784, 25, "", "LeNet-5's first convolution, an image"),
    (16, 100, 150, "", "its second"),
    (64, 1024, 576, "", "a 3x3 convolution of 64 to 64 channels on 32x32"),
    (64, 576, 1024, " t", "its weights' gradient, an image"),
    (400, 400, 8, "", "a Jacobian through 8 values"),
    (128, 10, 512, "", "logits"),
    (37, 53, 71, "", "odd sizes"),
    (37, 53, 71, "tt", ""),
    (101, 317, 203, "", ""),
)


def peak(dtype: str) -> float:
    """Flops a second of fused multiply-adds on vectors: a panel so small that it stays in the nearest cache."""
    rows, columns = 6, 2 * ga.runtime.host().vector_bytes // np.dtype(dtype).itemsize
    depth, times = 256, 2000
    source = f"""from graphad.runtime.kernel import *


@kernel
def fused(a, b, c):
    for i in range({times}):
        multiply_panel(c, a, b, c, {rows}, {columns}, {depth}, {columns}, 1, 0, 0, 0, i, {rows}, {columns}, 16)


@entry
def run(table, sizes, part, parts, sync, clock, status):
    fused({dtype}_at(table, 0), {dtype}_at(table, 1), {dtype}_at(table, 2))
"""
    specs = [ArraySpec(name, dtype, 1) for name in "abc"]
    program = Program("peak", source, tuple(specs[:2]), tuple(specs[2:]), (), (), 0, ("fused",))
    a, b = np.ones(rows, dtype), np.ones(columns, dtype)
    c = np.zeros(rows * columns, dtype)
    instance = load(program).instantiate(Layout((), (), 0, (c.shape,), 1), [])
    (seconds,) = best({"peak": lambda: instance.run([a, b], [c])}, 40)
    return 2 * rows * columns * depth * times / seconds


def best(functions: dict[str, Call], rounds: int) -> list[float]:
    """Processor seconds of a call of each, in turn: the lower quintile of the rounds, since disturbances only add."""
    repeats = {}
    for name, function in functions.items():
        function()
        repeats[name] = max(1, int(0.002 / max(_seconds(function, 1), 1e-7)))
    samples = [[_seconds(f, repeats[name]) for name, f in functions.items()] for _ in range(rounds)]
    return [float(np.percentile(column, 20)) for column in zip(*samples, strict=True)]


def _seconds(function: Call, repeats: int) -> float:
    start = time.thread_time()
    for _ in range(repeats):
        function()
    return (time.thread_time() - start) / repeats


def contenders(dtype: str, rows: int, columns: int, depth: int, stored: str) -> dict[str, Call]:
    """The product by graphad and by NumPy, results written to memory that is there."""
    draw = np.random.default_rng(0)
    left, right = (draw.standard_normal(s).astype(dtype) for s in ((rows, depth), (depth, columns)))
    if "t" in stored[:1]:
        left = np.ascontiguousarray(left.T)
    if "t" in stored[1:]:
        right = np.ascontiguousarray(right.T)
    x, y = ga.input("x", left.shape, dtype), ga.input("y", right.shape, dtype)
    product = ga.matmul(x.T if "t" in stored[:1] else x, y.T if "t" in stored[1:] else y)
    f = ga.compile([x, y], product, threads=1)
    a, b = left.T if "t" in stored[:1] else left, right.T if "t" in stored[1:] else right
    ours, theirs = np.empty((rows, columns), dtype), np.empty((rows, columns), dtype)
    np.testing.assert_allclose(f(left, right), a.astype("f8") @ b.astype("f8"), rtol=1e-3, atol=1e-3)
    return {"graphad": lambda: f(left, right, out=ours), "numpy": lambda: np.matmul(a, b, out=theirs)}


def table(dtype: str, rounds: int) -> Table:
    most = peak(dtype)
    shown = Table(
        "product", "graphad", "of the peak", "numpy", "of the peak", "", title=f"{dtype}, peak {most / 1e9:.1f} GFLOP/s"
    )
    for rows, columns, depth, stored, meaning in SHAPES:
        times = best(contenders(dtype, rows, columns, depth, stored), rounds)
        rates = [2 * rows * columns * depth / seconds for seconds in times]
        cells = [cell for rate in rates for cell in (f"{rate / 1e9:.1f}", f"{rate / most:.0%}")]
        name = f"{rows}x{depth}{' (T)' * (stored[:1] == 't')} @ {depth}x{columns}{' (T)' * (stored[1:] == 't')}"
        shown.add_row(name, *cells, meaning)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", default="float32,float64", help="comma-separated")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    for dtype in options.dtype.split(","):
        Console(width=140).print(table(dtype, options.rounds))


if __name__ == "__main__":
    main()
