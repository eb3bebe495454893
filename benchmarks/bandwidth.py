"""Kernels that memory bounds: the fraction of the machine's copy bandwidth that they reach.

python -m benchmarks.bandwidth --threads 1,2 --megabytes 64 --json build/bandwidth.json

The least traffic of a workload (each input read once, each output written once) a second, against the bytes a second of
the faster of two copies, with plain and with non-temporal stores, timed in turn with it. 16 rows are
compared with the reference interpreter's before.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import graphad as ga
from benchmarks.memory import Copies
from graphad import nn, runtime

WIDTH = 1024
EPSILON = 1e-5
Case = tuple[list[ga.Tensor], list[ga.Tensor]]


def layer_norm(x: ga.Tensor) -> ga.Tensor:
    centred = x - ga.mean(x, axis=-1, keepdims=True)
    variance = ga.mean(centred * centred, axis=-1, keepdims=True)
    return centred / ga.sqrt(variance + EPSILON)


def chain(x: ga.Tensor) -> ga.Tensor:
    """Ten elementwise operations."""
    y = ga.abs(ga.maximum(x * 0.5 + 1.0, -1.0))
    return ga.minimum(ga.exp(-y) * x - y * y, 1.0)


def _forward(function: Callable[[ga.Tensor], ga.Tensor]) -> Callable[[int], Case]:
    def case(rows: int) -> Case:
        x = ga.input("x", (rows, WIDTH))
        return [x], [function(x)]

    return case


def _backward(function: Callable[[ga.Tensor], ga.Tensor]) -> Callable[[int], Case]:
    def case(rows: int) -> Case:
        x, d = ga.input("x", (rows, WIDTH)), ga.input("d", (rows, WIDTH))
        y = function(x)
        return [x, d], [y, ga.vjp(y, x, d)]

    return case


def _cross_entropy(gradient: bool) -> Callable[[int], Case]:
    def case(rows: int) -> Case:
        x, t = ga.input("x", (rows, WIDTH)), ga.input("t", (rows,), "int64")
        loss = nn.functional.cross_entropy(x, t)
        return [x, t], [loss, ga.grad(loss, x)] if gradient else [loss]

    return case


CASES: dict[str, Callable[[int], Case]] = {
    "softmax": _forward(lambda x: nn.functional.softmax(x, 1)),
    "log-sum-exp": _forward(lambda x: ga.logsumexp(x, axis=1)),
    "cross-entropy": _cross_entropy(gradient=False),
    "cross-entropy and gradient": _cross_entropy(gradient=True),
    "layer norm": _forward(layer_norm),
    "layer norm and gradient": _backward(layer_norm),
    "chain of 10": _forward(chain),
    "chain of 10 and gradient": _backward(chain),
}


def arrays(inputs: Sequence[ga.Tensor], rows: int) -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    return [
        draw.standard_normal((rows, WIDTH), np.float32) if x.dtype == "float32" else draw.integers(0, WIDTH, rows)
        for x in inputs
    ]


def check(case: Callable[[int], Case]) -> None:
    inputs, outputs = case(16)
    args = arrays(inputs, 16)
    wanted = ga.evaluate(outputs, dict(zip(inputs, args, strict=True)))
    for found, value in zip(ga.compile(inputs, outputs)(*args), wanted, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-5)


def measured(name: str, rows: int, threads: int, copies: Copies, rounds: int) -> dict[str, float | str]:
    """Seconds of a call, and of a copy of as many bytes; fractions of the copy's bandwidth."""
    check(CASES[name])
    inputs, outputs = CASES[name](rows)
    args = arrays(inputs, rows)
    f = ga.compile(inputs, outputs, threads=threads)
    out = f(*args)
    calls = {"fresh": lambda: f(*args), "out": lambda: f(*args, out=out), **copies.calls(threads)}
    taken = {k: t.median for k, t in runtime.measure(calls, rounds=rounds).items()}
    least = sum(a.nbytes for a in (*args, *out))
    rate = 2 * copies.lines * 64 / min(taken["plain"], taken["stream"])
    return {
        "name": name,
        "threads": threads,
        **taken,
        "copy": rate,
        "fraction": least / taken["fresh"] / rate,
        "fraction, out=": least / taken["out"] / rate,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="case", help=f"of {', '.join(CASES)}")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--megabytes", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    known = parser.parse_args()
    table = Table("workload", "threads", "ms", "ms, out=", "copy GB/s", "of it", "of it, out=")
    copies, found = Copies(known.megabytes << 20), []
    for threads in map(int, known.threads.split(",")):
        for name in known.cases:
            row = measured(name, known.megabytes * (1 << 20) // (4 * WIDTH), threads, copies, known.rounds)
            found.append(row)
            shown = (f"{1e3 * row['fresh']:.2f}", f"{1e3 * row['out']:.2f}", f"{row['copy'] / 1e9:.1f}")  # type: ignore[operator]
            table.add_row(name, str(threads), *shown, f"{row['fraction']:.0%}", f"{row['fraction, out=']:.0%}")
    Console(width=120).print(table)
    if known.json:
        known.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
