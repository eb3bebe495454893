"""``Options(tune=True)``: what could be done in several ways is measured, and remembered in the cache's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np

from graphad import runtime
from graphad.compiler.build import Built
from graphad.compiler.interpret import numbers
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ways import WAYS, Way
from graphad.runtime import GraphadError
from graphad.runtime.schema import integer, mapping, number, row, text

ROUNDS: Final = 5
ENOUGH: Final = 0.01  # seconds of one way's calls in a round
GAIN: Final = 0.97  # of the seconds, from which on another way is better and not merely luckier
BATCH: Final = "batch"
"""The question whether examples go into lanes."""

REMEMBERED: Final = row(integer(0, len(WAYS) - 1), mapping(text()), mapping(mapping(number(0.0, finite=False))))
"""What the cache's folder keeps: the way's place, the answers, the seconds; see `Tuned`."""

Run: TypeAlias = Callable[[], object]
"""A call of a program on data of its own."""


@dataclass(frozen=True)
class Tuned:
    """The quickest way with its picks, and the seconds of a call with each answer to each question."""

    way: Way
    picks: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def tuned(
    ways: Sequence[Way], make: Callable[[Way, Mapping[str, str]], Built], trial: Callable[[Built], Run], about: str
) -> Tuned:
    """The quickest of ``ways``, the model's first, and of the answers to its questions; measured if it never was.

    ``make``: a program; ``trial``: a call of it. ``about``: everything else that the seconds depend on.
    """
    way, built = ways[0], make(ways[0], {})
    program = built.program
    known = runtime.recall_measured(program, about, REMEMBERED)
    if known is not None:
        return Tuned(WAYS[known[0]], known[1], known[2])
    seconds: dict[str, dict[str, float]] = {}
    first = trial(built)
    if len(ways) > 1:
        programs = {_name(w): (w, make(w, {})) for w in ways}
        runs = {name: trial(other) for name, (_, other) in programs.items()}
        seconds[BATCH] = _times(runs)
        best = _best(seconds[BATCH], _name(way))
        (way, built), first = programs[best], runs[best]
    picks: dict[str, str] = {}
    for question, answers in built.lowered.picks.offered.items():
        runs = {answers[0]: first, **{a: trial(make(way, {**picks, question: a})) for a in answers[1:]}}
        seconds[question] = _times(runs)
        picks[question] = _best(seconds[question], answers[0])
        first = runs[picks[question]]
    runtime.remember_measured(program, about, [WAYS.index(way), picks, seconds])
    return Tuned(way, picks, seconds)


def _name(way: Way) -> str:
    return "rows" if way.lanes is None else "lanes"


def _best(seconds: Mapping[str, float], own: str) -> str:
    """The quickest answer; the model's own where no other gains anything to speak of."""
    best = min(seconds, key=seconds.__getitem__)
    return best if seconds[best] < GAIN * seconds[own] else own


def _times(runs: Mapping[str, Run]) -> dict[str, float]:
    """Seconds of a call, each the least of some rounds in which all take their turn; none for those that fail."""
    best: dict[str, float] = {}
    for name, run in runs.items():
        try:
            run()
            best[name] = _seconds(run, 1)
        except GraphadError:  # this data is none that it takes
            best[name] = float("inf")
    for _ in range(ROUNDS):
        for name, run in runs.items():
            if best[name] < float("inf"):
                best[name] = min(best[name], _seconds(run, max(1, int(ENOUGH / best[name]))))
    return best


def _seconds(run: Run, repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - started) / repeats


def data_for(graph: Graph, sizes: Mapping[str, int]) -> list[np.ndarray[Any, Any]]:
    """Random numbers for a graph's inputs; zeros where they are indices or conditions."""
    rng = np.random.default_rng(0)

    def array(shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
        return rng.random(shape).astype(dtype) if dtype.startswith("float") else np.zeros(shape, dtype)

    return [array(numbers(x.type.shape, sizes), x.type.dtype) for x in graph.inputs]
