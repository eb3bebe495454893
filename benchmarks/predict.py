"""Predicted against measured seconds of varied programs, on one thread, best of 25 rounds.

    python -m benchmarks.predict [--calibrate]

Prints the ratio predicted / measured of each, their geometric mean and spread, and how often the model puts two
functions that differ by more than 30 % in the right order.
"""

import argparse
import math
from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

import numpy as np

import graphad as ga
from graphad import nn
from graphad.compiler.build import build
from graphad.compiler.predict import predict
from graphad.runtime import load, measure

Case = tuple[list[Any], Any, list[np.ndarray]]
RNG = np.random.default_rng(0)


def array(*shape: int, dtype: str = "float32") -> np.ndarray:
    """Numbers between 0.1 and 0.9."""
    return RNG.uniform(0.1, 0.9, shape).astype(dtype)


def over(shape: tuple[int, ...], make: Callable[[Any], Any], dtype: str = "float32") -> Case:
    """A function of one array."""
    x = ga.input("x", shape, dtype=dtype)
    return [x], make(x), [array(*shape, dtype=dtype)]


def matmul(m: int, k: int, n: int, dtype: str = "float32") -> Case:
    a, b = ga.input("a", (m, k), dtype=dtype), ga.input("b", (k, n), dtype=dtype)
    return [a, b], a @ b, [array(m, k, dtype=dtype), array(k, n, dtype=dtype)]


def chain(x: Any) -> Any:
    """Twelve cheap operations."""
    y = x
    for i in range(6):
        y = y * (0.5 + 0.1 * i) + x
    return y


def scalar_code(x: Any) -> Any:
    """Some 120 operations on the columns of x, among them sines and quotients."""
    v = [x[:, i] for i in range(6)]
    for i in range(100):
        a, b = v[-1 - i % 3], v[-2 - i % 5]
        v.append(ga.sin(a) if i % 12 == 5 else a / (b + 2) if i % 12 == 9 else a * b + v[i % 6] * 0.5)
    return v[-1] + v[-2]


def lenet(batch: int, gradient: bool) -> Case:
    x, t = ga.input("x", (batch, 1, 32, 32)), ga.input("t", (batch,), dtype="int64")
    model = nn.models.lenet5()
    loss = nn.functional.cross_entropy(model(x), t)
    outputs = [loss, *ga.grad(loss, model.parameters())] if gradient else loss
    return [x, t], outputs, [array(batch, 1, 32, 32), RNG.integers(0, 10, batch)]


def bow_tie(mode: str) -> Case:
    """The Jacobian of a tanh network 400-8-400-8-400."""
    widths = (400, 8, 400, 8, 400)
    x = y = ga.input("x", (400,))
    for a, b in pairwise(widths):
        y = ga.tanh(ga.constant((array(b, a) - 0.5) / math.sqrt(a)) @ y)
    return [x], ga.jacobian(y, x, mode=mode), [array(400)]


def dense(batch: int) -> Case:
    return over((batch, 784), nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)))


def gather() -> Case:
    x, i = ga.input("x", (1000, 64)), ga.input("i", (5000,), dtype="int64")
    return [x, i], ga.take(x, i, axis=0) * 2, [array(1000, 64), RNG.integers(0, 1000, 5000)]


CASES: dict[str, Callable[[], Case]] = {
    "12 sums and products, 1,000": lambda: over((1000,), chain),
    "12 sums and products, 1,000,000": lambda: over((1_000_000,), chain),
    "exp(sin x), 100,000": lambda: over((100_000,), lambda x: ga.exp(ga.sin(x))),
    "exp(sin x), 100,000, float64": lambda: over((100_000,), lambda x: ga.exp(ga.sin(x)), "float64"),
    "tanh(x) / (1 + x^2), 10,000": lambda: over((10_000,), lambda x: ga.tanh(x) / (1 + x * x)),
    "softmax 64 x 10": lambda: over((64, 10), lambda x: nn.functional.softmax(x, 1)),
    "softmax 256 x 1000": lambda: over((256, 1000), lambda x: nn.functional.softmax(x, 1)),
    "sum over rows 1000 x 1000": lambda: over((1000, 1000), lambda x: ga.sum(x, axis=0)),
    "sum over columns 1000 x 1000": lambda: over((1000, 1000), lambda x: ga.sum(x, axis=1)),
    "max of all, 100,000": lambda: over((100_000,), ga.max),
    "transposed sum 500 x 500": lambda: over((500, 500), lambda x: x + ga.permute_dims(x, (1, 0))),
    "gather 5000 rows of 64": gather,
    "matmul 400x8 @ 8x400": lambda: matmul(400, 8, 400),
    "matmul 8x400 @ 400x8": lambda: matmul(8, 400, 8),
    "matmul 256x256 @ 256x256": lambda: matmul(256, 256, 256),
    "matmul 256x256 @ 256x256, float64": lambda: matmul(256, 256, 256, "float64"),
    "matmul 512x512 @ 512x1": lambda: matmul(512, 512, 1),
    "matmul 6x6 @ 6x6, float64": lambda: matmul(6, 6, 6, "float64"),
    "dense 784-256-10, batch 1": lambda: dense(1),
    "dense 784-256-10, batch 64": lambda: dense(64),
    "LeNet-5 loss, batch 16": lambda: lenet(16, gradient=False),
    "LeNet-5 gradient, batch 16": lambda: lenet(16, gradient=True),
    "scalar code, 1 point": lambda: over((1, 6), scalar_code, "float64"),
    "scalar code, 100,000 points": lambda: over((100_000, 6), scalar_code, "float64"),
    "400-8-400-8-400 Jacobian, forward": lambda: bow_tie("forward"),
    "400-8-400-8-400 Jacobian, reverse": lambda: bow_tie("reverse"),
}


def run(case: Case) -> tuple[float, float]:
    """Predicted and measured seconds of a call."""
    inputs, outputs, values = case
    function = ga.compile(inputs, outputs, threads=1)
    built = build(function.graph, ga.Options())
    layout = built.layout({}, 1)
    states = [v.value for v in function.variables.values()]
    instance = load(built.program).instantiate(layout, states)
    results = [np.empty(s, y.type.dtype) for s, y in zip(layout.outputs, built.lowered.graph.outputs, strict=True)]
    timing = measure({"": lambda: instance.run(values, results)}, rounds=25, min_time=0.0005)[""]
    return predict(built.lowered.graph).seconds, timing.best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibrate", action="store_true", help="measure this machine's rates first")
    if parser.parse_args().calibrate:
        ga.calibrate()
    found: dict[str, tuple[float, float]] = {}
    for name, make in CASES.items():
        found[name] = predicted, measured = run(make())
        print(f"{name:36} {predicted * 1e6:10.1f} us {measured * 1e6:10.1f} us {predicted / measured:6.2f}", flush=True)
    logs = [math.log(p / m) for p, m in found.values()]
    mean = sum(logs) / len(logs)
    spread = math.exp(math.sqrt(sum((x - mean) ** 2 for x in logs) / len(logs)))
    near = sum(abs(x) <= math.log(1.5) for x in logs)
    print(f"geometric mean {math.exp(mean):.2f}, spread x{spread:.2f}, within 1.5: {near} of {len(logs)}")
    pairs = [(a, b) for a, b in combinations(found.values(), 2) if max(a[1], b[1]) > 1.3 * min(a[1], b[1])]
    right = sum((a[0] < b[0]) == (a[1] < b[1]) for a, b in pairs)
    print(f"order of pairs that differ by more than 30 %: {right} of {len(pairs)} right")


if __name__ == "__main__":
    main()
