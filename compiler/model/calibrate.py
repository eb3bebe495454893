"""A short benchmark that measures this machine's rates.

Micro-graphs go the way of every graph: ``build``, ``runtime.load``, run. Their kernels are timed in turn, and the rates
are those that explain the times best in the units that the model itself counts for these kernels. So whatever becomes
faster in the compiler, the next calibration finds.
"""

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from graphad import runtime
from graphad.compiler.build import Built, build
from graphad.compiler.model.machine import LIBRARY, TYPICAL, Machine
from graphad.compiler.model.probes import Probes, chain, probes, stream
from graphad.compiler.model.store import save
from graphad.compiler.options import Options
from graphad.compiler.predict import predict

ROUNDS = 200
_CHAIN = 16
_TRUST = 0.02  # of the typical rates, as against the measured times
_LEAST = 0.02  # of its typical value that a rate has at the least


def calibrate() -> Machine:
    """Measure this machine's rates and keep them: about two seconds.

    Later predictions, in this process and in others, use them. The file lies in the cache's folder, and is for this
    processor and these versions only.
    """
    caches = runtime.host().caches or TYPICAL.caches
    found = Machine(TYPICAL.rates, caches, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    launches = _launches(found)
    found = Machine({**found.rates, **launches}, caches, found.calibrated)
    kernels, streams = _timed(probes(), found), _streams(found)
    features, seconds = [*kernels[0], *streams[0]], [*kernels[1], *streams[1]]
    rates = fit(features, seconds, found.rates, fixed=frozenset(launches))
    found = Machine(_extended(rates, found.rates, features), caches, found.calibrated)
    save(found)
    return found


def fit(
    features: Sequence[Mapping[str, float]],
    seconds: Sequence[float],
    typical: Mapping[str, float],
    fixed: frozenset[str] = frozenset(),
) -> dict[str, float]:
    """The rates that explain the seconds best, relative errors counting, without going far from typical ones idly.

    Least squares in q = rate / typical: |sum(units * rate) / seconds - 1|^2 + trust * |q - 1|^2, q not negative.

    >>> round(fit([{"a": 2.0}, {"a": 4.0}], [6.0, 12.0], {"a": 3.1})["a"], 2)
    3.0
    """
    names = [n for n in sorted({n for f in features for n in f}) if n not in fixed]
    known = np.array([sum(typical[n] * u for n, u in f.items() if n in fixed) for f in features])
    wanted = np.array(seconds)
    matrix = np.array([[f.get(n, 0.0) * typical[n] for n in names] for f in features]) / wanted[:, None]
    goal = np.maximum(1.0 - known / wanted, 0.0)
    q = _bounded(matrix, goal)
    return {n: float(typical[n] * x) for n, x in zip(names, q, strict=True)}


def _bounded(matrix: NDArray[np.float64], goal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Regularised least squares; what falls below the least stays there, one after another."""
    count = matrix.shape[1]
    q = np.ones(count)
    free = np.ones(count, bool)
    while free.any():
        rest = goal - matrix[:, ~free] @ q[~free]
        rows = np.vstack([matrix[:, free], np.sqrt(_TRUST) * np.eye(int(free.sum()))])
        q[free] = np.linalg.lstsq(rows, np.append(rest, np.sqrt(_TRUST) * np.ones(int(free.sum()))), rcond=None)[0]
        low = free & (q < _LEAST)
        if not low.any():
            break
        q[low] = _LEAST
        free &= ~low
    return q


def _timed(timed: Probes, machine: Machine) -> tuple[list[Mapping[str, float]], list[float]]:
    """Each kernel's units and seconds."""
    built = build(timed.graph(), Options(), "calibrate")
    instance, results = _instance(built, {})
    rounds = [instance.profile(timed.values, results, 1) for _ in range(ROUNDS)]
    spent = np.min(rounds, axis=0)  # the best: others may use this machine
    kernels = built.lowered.graph.kernels or ()
    home = {n: i for i, kernel in enumerate(kernels) for n in kernel.nodes}
    seconds = [0.0] * len(kernels)
    for launch, each in zip(built.lowered.launches, spent, strict=True):
        seconds[home[launch.nodes[-1]]] += float(each)
    return [dict(k.features) for k in predict(built.lowered.graph, {}, machine).by_kernel], seconds


def _launches(machine: Machine) -> dict[str, float]:
    """What a call and a kernel cost by themselves: a program of one tiny kernel against one of many alike."""
    runs = {}
    for count in (1, _CHAIN):
        instance, results = _instance(build(chain(count), Options(), "calibrate"), {})
        runs[count] = partial(instance.run, [np.ones(2, np.float32)], results)
    spent = _best(runs)
    launch = max((spent[_CHAIN] - spent[1]) / (_CHAIN - 1), 1e-9)
    return {"call": max(spent[1] - launch, 1e-8), "launch": launch}


def _streams(machine: Machine) -> tuple[list[Mapping[str, float]], list[float]]:
    """x + 1 over lengths that lie in one cache after the other, and in memory."""
    built = build(stream(), Options(), "calibrate")
    *near, last = machine.caches
    lengths = [c // 16 for c in near] + [last // 64, last // 4]  # half of what is near, an eighth of what is shared
    runs = {}
    for n in lengths:
        instance, results = _instance(built, {"N": n})
        runs[n] = partial(instance.run, [np.ones(n, np.float32)], results)
    found = [predict(built.lowered.graph, built.own_sizes({"N": n}), machine) for n in lengths]
    spent = _best(runs)
    return [{"call": 1.0, **f.by_kernel[0].features} for f in found], list(spent.values())


def _best(runs: Mapping[int, Callable[[], object]]) -> dict[int, float]:
    timed = runtime.measure({str(n): run for n, run in runs.items()}, rounds=25, min_time=0.0003)
    return {n: timed[str(n)].best for n in runs}


def _extended(
    rates: Mapping[str, float], typical: Mapping[str, float], features: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    """Rates that nothing measured: as typical ones, times what was found for float32, or for scalar code at large."""
    measured = {n for f in features for n in f}
    scalar = [n for n in measured if n.endswith(".scalar") and LIBRARY & {*n.split(".")}]
    library = math.exp(sum(math.log(rates[n] / typical[n]) for n in scalar) / max(len(scalar), 1))
    found = {**typical, **rates}
    for name in typical.keys() - measured:
        dtype, _, rest = name.partition(".")
        twin = f"{'float32' if dtype == 'float64' else 'float64'}.{rest}"
        if twin in measured:
            found[name] = typical[name] * rates[twin] / typical[twin]
        elif LIBRARY & {*name.split(".")}:
            found[name] = typical[name] * library
    return found


def _instance(built: Built, sizes: Mapping[str, int]) -> "tuple[runtime.Instance, list[NDArray[np.generic]]]":
    layout = built.layout(sizes, 1)
    results = [
        np.empty(shape, y.type.dtype) for shape, y in zip(layout.outputs, built.lowered.graph.outputs, strict=True)
    ]
    return runtime.load(built.program).instantiate(layout, ()), results
