"""Every mode on one graph: multiplications, predicted and measured time, memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.elimination import solve
from graphad.modes.jacobians import Call, Evaluation, evaluation, scalar_dag
from graphad.modes.problem import BenchmarkGraph
from graphad.planning.pricing import predicted
from graphad.runtime import Timing, measure
from graphad.tensor import Tensor

DENSE: Final = ("forward", "reverse", "chain", "eliminate", "sparse")
LARGEST: Final = 2**31
"""Bytes of intermediates and result above which a mode is not run."""
LONGEST: Final = 10.0
"""Predicted seconds of a call above which a mode is not run."""
ROUND: Final = 5e-4
"""Seconds that a round of timing lasts at least."""
ENOUGH: Final = 1.0
"""Seconds of timing for a graph, if that gives 9 to 200 rounds."""


@dataclass(frozen=True)
class ModeResult:
    """One mode on one graph; what is None was not found out, ``reason`` says why.

    Attributes:
        multiplications: of local partials at one point, those with +1 and -1 being free.
        plain: for scalar code, also those with +1 and -1, as published counts are.
        published: the literature's count.
        predicted, measured: seconds of a call for all points, on one thread. Measured is the quickest round, which
            foreign load disturbs least; median is that of all rounds.
        memory: predicted bytes of intermediates.
        compile_seconds: from the graph to the first call's end.
    """

    mode: str
    multiplications: int | None = None
    plain: int | None = None
    published: int | None = None
    predicted: float | None = None
    measured: float | None = None
    median: float | None = None
    memory: int | None = None
    compile_seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """All modes on one graph.

    Attributes:
        chosen: the mode that ``auto`` takes; why: the plan's reason.
        fewest: for scalar code, the fewest multiplications found, counted as published ones are, on the graph as it is
            written. Eliminate mode differs: equal operations are one vertex, and it looks for fewest without +1 and -1.
    """

    graph: BenchmarkGraph
    points: int
    results: tuple[ModeResult, ...]
    chosen: str
    why: str
    fewest: int | None = None

    def __getitem__(self, mode: str) -> ModeResult:
        """One mode's result; "auto" is the chosen one's."""
        wanted = self.chosen if mode == "auto" else mode
        return next(result for result in self.results if result.mode == wanted)

    @property
    def plain_ratio(self) -> float | None:
        """Measured time of auto over that of the better one of forward and reverse; None where one was not run."""
        plain = [m for mode in ("forward", "reverse") if (m := self[mode].measured) is not None]
        own = self["auto"].measured
        return own / min(plain) if plain and own is not None else None

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "graph": self.graph.name,
            "summary": self.graph.summary,
            "source": self.graph.source,
            "points": self.points,
            "chosen": self.chosen,
            "why": self.why,
            "auto_over_better_plain_mode": self.plain_ratio,
            "fewest_multiplications": self.fewest,
            "modes": [asdict(result) for result in self.results],
        }


def compare(
    graph: BenchmarkGraph,
    points: int | None = None,
    target: str = "cpu",
    rounds: int | None = None,
    log: Callable[[str], None] = lambda text: None,
    **sizes: Any,
) -> Comparison:
    """Prices, compiles and times a graph's Jacobian in every mode, in turn on one thread.

    Args:
        graph: from the registry.
        points: at which it is evaluated; only for graphs that are evaluated at many.
        target: "cpu", or "numpy" for the reference interpreter.
        rounds: of timing; 9 to 200 unless said, many where calls are short.
        log: is told what goes on.
        sizes: of the graph, instead of its defaults.

    A mode whose call would take over 10 s or 2 GiB by prediction is not run.
    """
    asked = evaluation(graph, points, **sizes)
    plan = asked.plan
    calls: dict[str, Call] = {}
    found: dict[str, ModeResult] = {}
    for mode in (m for m in DENSE if m in plan.cost or m in plan.skipped):
        log(f"{graph.name}: {mode}")
        published = graph.published.get(mode)
        if mode in plan.skipped:
            found[mode] = ModeResult(mode, published=published, reason=plan.skipped[mode])
        else:
            found[mode], call = _prepared(asked, mode, published, target)
            calls |= {} if call is None else {mode: call}
    timings = _timed(calls, rounds)
    results = tuple(
        _with(result, measured=t.best, median=t.median) if (t := timings.get(mode)) else result
        for mode, result in found.items()
    )
    return Comparison(graph, asked.points, results, plan.chosen, plan.why, _fewest(asked))


def _timed(calls: Mapping[str, Call], rounds: int | None) -> dict[str, Timing]:
    """All calls in turn. Short rounds, of which one fits between two pauses of the process even on a busy machine."""
    if not calls or rounds is not None:
        return measure(calls, rounds or 1, ROUND)
    rough = measure(calls, 3, ROUND)
    total = sum(max(t.best, ROUND) for t in rough.values())
    return measure(calls, min(max(int(ENOUGH / total), 9), 200), ROUND)


def _fewest(asked: Evaluation) -> int | None:
    dag = scalar_dag(asked.graph, asked.problem)
    return None if dag is None else solve(dag.edges, dag.inputs, dag.outputs).multiplications


def _prepared(asked: Evaluation, mode: str, published: int | None, target: str) -> tuple[ModeResult, Call | None]:
    """A mode priced and, unless it takes too much, compiled."""
    cost = asked.plan.cost[mode]
    blocks = asked.blocks(mode)
    price = predicted(blocks)
    result = ModeResult(mode, cost.multiplications, cost.plain, published, price.seconds, memory=price.memory)
    size = price.memory + sum(_bytes(b) for b in blocks)
    if size > LARGEST:
        return _with(result, reason=f"not run: {size / 2**30:,.1f} GiB"), None
    if price.seconds > LONGEST:
        return _with(result, reason=f"not run: {price.seconds:,.0f} s"), None
    began = time.perf_counter()
    call = asked.compiled(mode, target)
    call()
    return _with(result, compile_seconds=time.perf_counter() - began), call


def _with(result: ModeResult, **changes: Any) -> ModeResult:
    return ModeResult(**(asdict(result) | changes))


def result_bytes(graph: BenchmarkGraph, points: int, **sizes: Any) -> int:
    """What the dense Jacobian at all points takes."""
    problem = graph.build(**sizes)
    entries = sum(map(_elements, problem.inputs)) * sum(map(_elements, graph.differentiated(problem)))
    return points * entries * ITEMSIZE[problem.y.dtype]


def _bytes(x: Tensor) -> int:
    return _elements(x) * ITEMSIZE[x.dtype]


def _elements(x: Tensor) -> int:
    return math.prod(map(int, x.shape))
