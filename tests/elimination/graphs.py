"""The published graphs, random ones, and counts and Jacobians by the definition."""

import json
import random
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

DATA = json.loads((Path(__file__).parent / "data" / "elimination_graphs.json").read_text())["graphs"]

Case = tuple[list[tuple[Any, Any]], list[Any], list[Any]]


def published(name: str) -> tuple[Case, dict[tuple[int, int], int]]:
    """Edges, inputs and outputs of a published graph, and its unit edges."""
    graph = DATA[name]
    edges = [tuple(edge) for edge in graph["edges"]]
    return (edges, list(range(graph["inputs"])), graph["outputs"]), {tuple(edge): 1 for edge in graph["units"]}


@st.composite
def dags(draw: Any, most: int = 9) -> Case:
    """A small DAG of integers: inputs have nothing before them, outputs may be used, vertices may be dead."""
    inputs = draw(st.integers(1, 3))
    count = inputs + draw(st.integers(2, most))
    edges = []
    for v in range(inputs, count):
        edges += [(p, v) for p in sorted(draw(st.sets(st.integers(0, v - 1), min_size=0, max_size=3)))]
    edges += [(k, count - 1) for k in range(inputs) if (k, count - 1) not in edges]
    on = sorted({b for _, b in edges})
    outputs = draw(st.lists(st.sampled_from(on), min_size=1, max_size=3, unique=True))
    return edges, list(range(inputs)), outputs


def random_dag(count: int, degree: int, ends: int, seed: int) -> Case:
    """A large DAG: every vertex after the inputs depends on up to `degree` earlier ones."""
    draw = random.Random(seed)
    edges = {(draw.randrange(v), v) for v in range(ends, count) for _ in range(degree)}
    edges |= {(v, draw.randrange(ends, count)) for v in range(ends)}
    return sorted(edges), list(range(ends)), list(range(count - ends, count))


def intermediates(case: Case) -> list[Any]:
    """The vertices that are neither input nor output, sorted."""
    edges, inputs, outputs = case
    return sorted({v for edge in edges for v in edge} - {*inputs, *outputs})


def multiplications(case: Case, order: list[Any]) -> int:
    """In-degree times out-degree, with sets; edges on no path from input to output are left out first."""
    edges, inputs, outputs = case
    forward, backward = set(inputs), set(outputs)
    for a, b in sorted(edges):
        forward |= {b} if a in forward else set()
    for a, b in sorted(edges, key=lambda edge: -edge[1]):
        backward |= {a} if b in backward else set()
    left = {(a, b) for a, b in edges if a in forward and b in backward}
    cost = 0
    for v in order:
        before = [a for a, b in left if b == v]
        after = [b for a, b in left if a == v]
        cost += len(before) * len(after)
        left = {edge for edge in left if v not in edge} | {(a, b) for a in before for b in after}
    return cost


def over_paths(values: dict[tuple[Any, Any], float], x: Any, y: Any) -> float:
    """The sum over all paths from x to y of the product of their values."""
    if x == y:
        return 1.0
    return sum(value * over_paths(values, b, y) for (a, b), value in values.items() if a == x)
