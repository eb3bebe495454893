"""Reverse mode within a memory limit: what a smaller limit costs.

    python -m benchmarks.recompute [--rounds 7]

For each graph a table: the limit, how it is kept, the planned peak, the arena of the compiled gradient (parameters not
counted), forward stages and flops that run again, and the time of a call against plain reverse mode, in turn.
"""

import argparse
import statistics
import time
from collections.abc import Sequence

import numpy as np

import graphad as ga
from graphad import nn
from graphad.recompute import extra_steps, plan

Graph = tuple[ga.Tensor, list[ga.Tensor], list[ga.Tensor], list[np.ndarray]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    print(f"equal steps by revolve: t(10,3) = {extra_steps(10, 3)}, t(100,5) = {extra_steps(100, 5)}")
    for title, graph, parts in (
        ("a recurrence of 100 steps", recurrence(99), (1.0, 0.5, 0.25, 0.12)),
        ("24 dense layers", layers(24), (1.0, 0.7, 0.5, 0.3)),
        ("12 convolutions", images(), (1.0, 0.85, 0.7)),
    ):
        print(f"\n{title}\n{table(graph, parts, options.rounds)}")
    print(f"\nrevolve alone on the recurrence, by snapshots\n{snapshots(recurrence(99))}")


def recurrence(steps: int, size: int = 64, batch: int = 64) -> Graph:
    rng = np.random.default_rng(0)
    x = ga.input("x", (steps, batch, size))
    weights = [ga.parameter(n, rng.normal(size=(size, size)).astype("f") / size**0.5) for n in "uw"]
    h = ga.zeros((batch, size))
    for t in range(steps):
        h = ga.tanh(h @ weights[0] + x[t] @ weights[1])
    return ga.mean(h * h), list(weights), [x], [rng.normal(size=x.shape).astype("f")]


def layers(depth: int, size: int = 128, batch: int = 512) -> Graph:
    x = ga.input("x", (batch, size))
    model = nn.Sequential(*(m for _ in range(depth) for m in (nn.Linear(size, size), nn.Tanh())))
    value = np.random.default_rng(0).normal(size=(batch, size)).astype("f")
    return ga.mean(model(x) ** 2), list(model.parameters()), [x], [value]


def images(channels: int = 16, batch: int = 8) -> Graph:
    x = ga.input("x", (batch, 3, 32, 32))
    t = ga.input("t", (batch,), dtype="int64")
    first, *rest = (nn.Conv2d(3 if i == 0 else channels, channels, 3, padding=1) for i in range(12))
    blocks = [m for conv in (first, *rest) for m in (conv, nn.ReLU())]
    model = nn.Sequential(*blocks, nn.MaxPool2d(8), nn.Flatten(), nn.Linear(channels * 16, 10))
    value = np.random.default_rng(0).normal(size=(batch, 3, 32, 32)).astype("f")
    loss = nn.functional.cross_entropy(model(x), t)
    return loss, list(model.parameters()), [x, t], [value, np.arange(batch) % 10]


def table(graph: Graph, parts: Sequence[float], rounds: int) -> str:
    """A line for each limit, as a part of what storing everything takes; the last is the least possible."""
    y, wrt, inputs, values = graph
    whole = plan(y, wrt)
    limits = [max(int(whole.peak_of_storing * part), whole.least) for part in parts]
    functions = [ga.compile(inputs, ga.grad(y, wrt, memory_limit=m), threads=1) for m in limits]
    seconds = in_turn(functions, values, rounds)
    parameters = sum(w.value.nbytes for w in wrt)  # type: ignore[attr-defined]
    lines = [
        f"{'limit':>12} {'method':<8} {'peak':>12} {'arena':>12} {'stages':>6} {'again':>6} {'flops':>6} {'time':>6}"
    ]
    for limit, f, s in zip(limits, functions, seconds, strict=True):
        found = plan(y, wrt, memory_limit=limit)
        steps = "" if found.extra_steps is None else found.extra_steps
        lines.append(
            f"{limit:>12,} {found.method:<8} {found.peak:>12,} {f.cost.peak_memory - parameters:>12,} "
            f"{found.stages:>6} {steps:>6} {found.extra_flops / found.flops:>6.0%} {s / seconds[0]:>5.2f}x"
        )
    return "\n".join([*lines, f"least possible {whole.least:,}"])


def snapshots(graph: Graph) -> str:
    """The extra steps of revolve for limits that hold 3, 5 and 10 states, and what the best plan does with as much."""
    y, wrt, *_ = graph
    least = plan(y, wrt).least
    state = 64 * 64 * 4
    lines = [f"{'snapshots':>9} {'limit':>10} {'revolve':>8} {'best':>6}"]
    for count in (3, 5, 10):
        limit = least + (count - 1) * state
        found = [plan(y, wrt, memory_limit=limit, method=m) for m in ("revolve", "auto")]  # type: ignore[arg-type]
        lines.append(f"{count:>9} {limit:>10,} {found[0].extra_steps:>8} {found[1].extra_steps:>6}")
    return "\n".join(lines)


def in_turn(functions: Sequence[ga.Function], values: Sequence[np.ndarray], rounds: int) -> list[float]:
    """Each function's median seconds a call, called one after the other in every round."""
    times: list[list[float]] = [[] for _ in functions]
    for f in functions:
        f(*values)
    for _ in range(rounds):
        for f, own in zip(functions, times, strict=True):
            started = time.perf_counter()
            f(*values)
            own.append(time.perf_counter() - started)
    return [statistics.median(own) for own in times]


if __name__ == "__main__":
    main()
