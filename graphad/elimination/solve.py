"""Finds an elimination order: a portfolio of rules and searches, of which the best is taken."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from graphad.checks import mapped, number_of, shown, whole
from graphad.compiler.errors import GraphError
from graphad.elimination import large, sweeps
from graphad.elimination.counts import Count, total
from graphad.elimination.graph import Edge, Graph, Label
from graphad.elimination.greedy import markowitz, min_fill
from graphad.elimination.pieces import components
from graphad.elimination.portfolio import ANNEALED, Part, improve
from graphad.elimination.solution import Solution

_MEASURES = ("multiplications", "nontrivial")
LARGE = 4000  # vertices; above, a row of bits for each takes too long


def solve(
    edges: Iterable[Edge],
    inputs: Iterable[Label],
    outputs: Iterable[Label],
    *,
    units: Mapping[Edge, int] | None = None,
    seed: int = 0,
    time_budget: float = 0.2,
    minimize: str = "multiplications",
) -> Solution:
    """A cheap order in which to eliminate the intermediate vertices of a computational graph.

    Args:
        edges: pairs (from, to) of labels, one for each local partial; in program order, by which ties are broken,
            unless all labels are integers, which then are the program order.
        inputs: the labels to differentiate with respect to.
        outputs: the labels to differentiate.
        units: the edges whose partial is +1 or -1, with it: products with them are free in `nontrivial`.
        seed: of the annealing.
        time_budget: seconds of annealing, counted as moves at a measured rate, so that the same seed and budget give
            the same order on every machine; 0 for none.
        minimize: "multiplications", as published counts do, or "nontrivial".

    Raises:
        GraphError: the graph has a cycle, an edge from a vertex to itself or into an input; inputs or outputs are
            empty, repeated, on no edge, or both.

    >>> edges = [("x", "u"), ("u", "v"), ("v", "y"), ("v", "z")]
    >>> found = solve(edges, ["x"], ["y", "z"])
    >>> found.order, found.multiplications, found.heuristics["reverse"], found.exact
    (('u', 'v'), 3, 4, True)
    """
    if not 0 <= number_of(time_budget) < math.inf:
        raise GraphError(f"time_budget is {shown(time_budget)}: seconds of annealing, 0 or more")
    seed = whole("elimination.solve", "seed", seed, 0)
    given: object = minimize
    if not isinstance(given, str) or given not in _MEASURES:
        raise GraphError(f"minimize is {shown(minimize)}: one of {', '.join(map(repr, _MEASURES))}")
    if units is not None:
        mapped("elimination.solve", "units", units, "{edge: 1 or -1}")
    graph = Graph.of(edges, inputs, outputs, units)
    nontrivial = minimize == "nontrivial"
    if len(graph.labels) > LARGE:
        return _large(graph, nontrivial)
    orders = _rules(graph)
    parts = [_part(graph, vertices, orders, nontrivial) for vertices in components(graph)]
    work = sum(len(part.vertices) ** 2 for part in parts)
    for part in parts:
        improve(part, seed, time_budget * len(part.vertices) ** 2 / work)
    order = [v for part in parts for v in part.orders[part.best]]
    count = total(part.counts[part.best] for part in parts)
    ran = _totals(parts, [*orders, "pieces", "annealing"])
    proved = all("exact" in part.counts for part in parts)
    if proved:
        ran["exact"] = count.ranked(nontrivial)[0]
    return _solution(graph, order, count, ran, _skipped(ran, parts), minimize, proved)


def _rules(graph: Graph) -> dict[str, list[int]]:
    orders = {
        "forward": list(graph.live),
        "reverse": list(graph.live[::-1]),
        "markowitz": markowitz(graph, graph.live),
    }
    fill = min_fill(graph, graph.live)
    return orders if fill is None else {**orders, "min_fill": fill}


def _part(graph: Graph, vertices: list[int], orders: Mapping[str, list[int]], nontrivial: bool) -> Part:
    part = Part(graph, vertices, nontrivial)
    inside = set(vertices)
    for name, order in orders.items():
        part.take(name, (v for v in order if v in inside))
    return part


def _totals(parts: Sequence[Part], names: Sequence[str]) -> dict[str, int]:
    """What each method gives for the whole: where one did not run on a part, the best there counts."""
    ran = [name for name in names if not parts or any(name in part.counts for part in parts)]
    if not parts:
        ran = [name for name in ran if name not in {"pieces", "annealing"}]
    return {name: sum(part.cost(name if name in part.counts else part.best) for part in parts) for name in ran}


def _skipped(ran: Mapping[str, int], parts: Sequence[Part]) -> dict[str, str]:
    proved = "exact" in ran
    most = max((len(part.piece.classes) for part in parts), default=0)
    reasons = {
        "min_fill": "stopped: too many entries to look at",
        "pieces": "exact is at hand" if proved else "annealing ran, or no vertex joins pieces",
        "annealing": "exact is at hand" if proved else f"no time, or over {ANNEALED} vertices that hang together",
        "exact": f"{most:,} vertices hang together: too many sets",
    }
    return {name: reason for name, reason in reasons.items() if name not in ran}


def _large(graph: Graph, nontrivial: bool) -> Solution:
    """Forward and reverse by formula, and Markowitz for as long as it is ahead."""
    counts = {"forward": sweeps.forward(graph), "reverse": sweeps.reverse(graph)}
    orders = {"forward": list(graph.live), "reverse": list(graph.live[::-1])}
    found = large.markowitz_within(graph, min(count.multiplications for count in counts.values()))
    if found:
        orders["markowitz"], counts["markowitz"] = found
    best = min(counts, key=lambda name: counts[name].ranked(nontrivial))
    reason = f"{len(graph.labels):,} vertices: over {LARGE:,} only cheap rules run"
    skipped = dict.fromkeys(("min_fill", "pieces", "annealing", "exact"), reason)
    if not found:
        skipped["markowitz"] = "stopped: dearer than forward or reverse, or too many products"
    ran = {name: count.ranked(nontrivial)[0] for name, count in counts.items()}
    return _solution(graph, orders[best], counts[best], ran, skipped, _MEASURES[nontrivial], exact=not graph.live)


def _solution(
    graph: Graph,
    order: list[int],
    count: Count,
    ran: Mapping[str, int],
    skipped: Mapping[str, str],
    minimized: str,
    exact: bool,
) -> Solution:
    dead = [v for v in graph.intermediates if not graph.after[v]]
    labels = tuple(graph.labels[v] for v in (*dead, *order))
    return Solution(labels, count.multiplications, count.nontrivial, dict(ran), dict(skipped), minimized, exact)
