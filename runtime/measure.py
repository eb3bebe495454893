"""Times alternatives in turn (A B A B), so that a machine whose speed drifts treats them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: median, quartiles and best over the rounds."""

    median: float
    low: float
    high: float
    best: float


def measure(
    functions: Mapping[str, Callable[[], object]], rounds: int = 15, min_time: float = 0.002
) -> dict[str, Timing]:
    """Time every function `rounds` times, in turn, repeating it until a round lasts `min_time` seconds.

    Every function is first called once untimed, which is where it may compile.
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}, must be at least 1")
    repeats = {name: _repeats(function, min_time) for name, function in functions.items()}
    samples: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            samples[name].append(_seconds(function, repeats[name]))
    return {name: _summary(seconds) for name, seconds in samples.items()}


def _repeats(function: Callable[[], object], min_time: float) -> int:
    function()
    repeats = 1
    while (seconds := _undisturbed(function, repeats, min_time) * repeats) < min_time:
        repeats = max(2 * repeats, int(repeats * min_time / max(seconds, 1e-9)) if seconds > min_time / 100 else 1)
    return repeats


def _undisturbed(function: Callable[[], object], repeats: int, min_time: float) -> float:
    """Seconds of one call: the quickest of three tries, if there is doubt that a round is long enough.

    A pause of the process (another one runs) would otherwise look like a slow call: rounds of too few calls, all cold.
    """
    seconds = _seconds(function, repeats)
    if seconds * repeats < min_time or seconds * repeats > 50 * min_time:
        return seconds
    return min(seconds, _seconds(function, repeats), _seconds(function, repeats))


def _seconds(function: Callable[[], object], repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - started) / repeats


def _summary(seconds: list[float]) -> Timing:
    low, median, high = map(float, np.percentile(seconds, (25, 50, 75)))
    return Timing(median, low, high, min(seconds))
