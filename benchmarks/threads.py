"""What threads do to LeNet-5's training step: bits, time, forks, several callers, foreign load.

python -m benchmarks.threads
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

import graphad as ga
from graphad import nn, optim

BATCH = 64


def training_step(threads: int) -> tuple[Callable[[], Any], Callable[[], str]]:
    """A step on fixed data, and a digest of the weights."""
    x, t = ga.input("x", ("N", 1, 28, 28)), ga.input("t", ("N",), dtype="int64")
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    loss = nn.functional.cross_entropy(model(x), t)
    updates = optim.SGD(lr=0.05, momentum=0.9).minimize(loss, model.parameters())
    step = ga.compile([x, t], loss, updates=updates, threads=threads)
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(BATCH, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, BATCH)

    def digest() -> str:
        found = hashlib.sha256(b"".join(p.value.tobytes() for p in model.parameters()))
        return found.hexdigest()[:12]

    return lambda: step(images, labels), digest


def seconds(call: Callable[[], Any], repeats: int = 200) -> float:
    """The median of single calls."""
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return median(found)


def trained(threads: int, steps: int = 5) -> str:
    """The digest after some steps."""
    step, digest = training_step(threads)
    for _ in range(steps):
        step()
    return digest()


def bits() -> None:
    print("weights after 5 steps:", {n: trained(n) for n in (1, 2, 3)})


def hand_over() -> None:
    """What a fork and a join cost: a call that has nothing to do."""
    x = ga.input("x", (8,))
    one, two = (ga.compile([x], x + 1, threads=n) for n in (1, 2))
    data = np.zeros(8, np.float32)
    costs = [seconds(lambda f=f: f(data), 5000) for f in (one, two)]  # type: ignore[misc]
    print(f"a call with next to no work: {costs[0] * 1e6:.1f} us on 1 thread, {costs[1] * 1e6:.1f} us on 2")


def forked() -> None:
    """A child made while the parent has threads."""
    step, digest = training_step(2)
    step()
    before = digest()
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()

    def child() -> None:
        for _ in range(3):
            step()
        queue.put(digest())

    process = context.Process(target=child)
    process.start()
    process.join(60)
    for _ in range(3):
        step()
    print(
        f"a forked child: {'ends' if process.exitcode == 0 else 'HANGS'}, 3 steps from {before}:", queue.get(), digest()
    )


def callers(count: int = 8, calls: int = 50) -> None:
    """Several threads, each with a function of its own on two threads."""
    steps = [training_step(2)[0] for _ in range(count)]
    for step in steps:
        step()
    alone = seconds(steps[0])

    def work(step: Callable[[], Any]) -> None:
        for _ in range(calls):
            step()

    threads = [threading.Thread(target=work, args=(s,)) for s in steps]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    each = (time.perf_counter() - start) / (count * calls)
    print(f"a step: {alone * 1e6:.0f} us alone, {each * 1e6:.0f} us when {count} threads call at once")


def foreign_load() -> None:
    """Every core taken by another process."""
    cores = os.cpu_count() or 1
    steps = {n: training_step(n)[0] for n in (1, 2)}
    for step in steps.values():
        step()
    quiet = {n: seconds(step) for n, step in steps.items()}
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_burn, daemon=True) for _ in range(cores)]
    for other in others:
        other.start()
    time.sleep(2)
    loaded = {n: _mean(step) for n, step in steps.items()}
    for other in others:
        other.terminate()
    for n in steps:
        ratio = loaded[n] / quiet[n]
        beside = f"beside {cores} busy processes {loaded[n] * 1e6:.0f} us ({ratio:.1f}x)"
        print(f"{n} threads: {quiet[n] * 1e6:.0f} us, {beside}")


def _mean(call: Callable[[], Any], lasting: float = 2.0) -> float:
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < lasting:
        call()
        count += 1
    return (time.perf_counter() - start) / count


def _burn() -> None:
    while True:
        pass


def main() -> None:
    """All of it, one line each."""
    for n in (1, 2):
        step, _ = training_step(n)
        step()
        print(f"LeNet-5 training step, batch {BATCH}, {n} threads: {seconds(step) * 1e6:.0f} us")
    for part in (bits, hand_over, forked, callers, foreign_load):
        part()


if __name__ == "__main__":
    main()
