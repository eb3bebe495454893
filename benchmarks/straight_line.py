"""Straight-line scalar code over points: seconds from Python to machine code, and to the same numbers as NumPy's.

python -m benchmarks.straight_line --operations 100,1000,10000

A random graph of n scalar operations (sums, differences, products, sines, cosines, hyperbolic tangents) of 8 inputs,
evaluated at N points: a function (N, 8) -> (N, 6). Every operation reaches some result. Nothing is taken from a cache.
"""

import argparse
import os
import random
import tempfile
import time

import numpy as np
from rich.console import Console
from rich.table import Table

import graphad as ga
from graphad import runtime
from graphad.compiler.build import build
from graphad.compiler.emit import module_text
from graphad.compiler.ir.graph import Graph
from graphad.plain import plain_graph

INPUTS, RESULTS = 8, 6
LIMIT = 4.0  # bound of a value, beyond which its sine goes on


def scalar_code(x: ga.Tensor, operations: int, seed: int = 0) -> ga.Tensor:
    """``operations`` random operations of the columns of ``x``, and the last ones joined: (N, RESULTS)."""
    draw = random.Random(seed)
    values = [(x[:, i], 1.0) for i in range(INPUTS)]
    unused = dict.fromkeys(range(INPUTS))
    count = 0

    def add(value: ga.Tensor, bound: float, *operands: int) -> None:
        nonlocal count
        for i in operands:
            unused.pop(i, None)
        unused[len(values)] = None
        values.append((value, bound))
        count += 1

    while count + len(unused) - RESULTS < operations:
        i, j = (draw.randrange(max(0, len(values) - 200), len(values)) for _ in range(2))
        (a, low), (b, high) = values[i], values[j]
        match draw.choice(("add", "subtract", "multiply", "multiply", "sine", "cosine", "tanh")):
            case "add" if low + high < LIMIT:
                add(a + b, low + high, i, j)
            case "subtract" if low + high < LIMIT:
                add(a - b, low + high, i, j)
            case "multiply" if low * high < LIMIT:
                add(a * b, low * high, i, j)
            case "sine":
                add(ga.sin(a), 1.0, i)
            case "tanh":
                add(ga.tanh(a), 1.0, i)
            case _:
                add(ga.cos(a), 1.0, i)
    while len(unused) > RESULTS:
        i, j = list(unused)[:2]
        add(values[i][0] + values[j][0], values[i][1] + values[j][1], i, j)
    return ga.stack([values[i][0] for i in unused], 1)


def row(operations: int, points: int, seed: int) -> list[str]:
    """Seconds from Python to machine code by stage, and of one evaluation; its numbers are NumPy's."""
    start = time.perf_counter()
    x = ga.input("x", ("N", INPUTS), dtype="float64")
    y = scalar_code(x, operations, seed)
    written = time.perf_counter() - start
    graph, _ = plain_graph(Graph((x,), (y,)))
    built = build(graph, ga.Options())
    start = time.perf_counter()
    module_text(built.lowered, built.sizes)
    emitted = time.perf_counter() - start
    seconds = {stage.name: stage.seconds for stage in built.stages}
    start = time.perf_counter()
    runtime.load(built.program)
    compiled = time.perf_counter() - start
    data = np.random.default_rng(seed).uniform(-1, 1, (points, INPUTS))
    f = ga.compile([x], y, threads=1)
    np.testing.assert_allclose(f(data), ga.evaluate(y, {x: data}), rtol=1e-6, atol=1e-9)
    call = runtime.measure({"f": lambda: f(data)}, rounds=5)["f"].median
    passes = sum(taken for name, taken in seconds.items() if name not in ("fuse", "lower"))
    parts = (passes, seconds["fuse"], seconds["lower"] - emitted, emitted, compiled)
    shown = (*(f"{part:.3f}" for part in (written, *parts, sum(parts))), f"{call / points / operations * 1e9:.2f}")
    return [f"{operations:,}", str(len(built.lowered.launches)), *shown]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", default="100,1000,10000")
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    columns = (
        "written",
        "passes",
        "fuse",
        "lower",
        "emit",
        "machine code",
        "to machine code",
        "ns a point and operation",
    )
    table = Table("operations", "kernels", *columns)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRAPHAD_CACHE_DIR"] = folder
        row(10, 10, 1_000)  # what is loaded or compiled once a process
        for operations in options.operations.split(","):
            table.add_row(*row(int(operations), options.points, options.seed))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
