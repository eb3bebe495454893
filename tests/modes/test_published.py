"""The four published graphs come out of our functions: the same structure, hence the same counts."""

from collections import Counter
from typing import Any

import pytest

import graphad as ga
from tests.elimination.graphs import DATA, published
from tests.modes.scalar_graph import scalar_graph, solve

NAMES = list(DATA)


@pytest.mark.parametrize("name", NAMES)
def test_elimination_counts_are_the_published_ones(name: str) -> None:
    problem = ga.modes.find(name).build()
    found = solve(problem.y, problem.x)
    counts = found.heuristics["forward"], found.heuristics["reverse"], found.multiplications
    expected = DATA[name]["published"]
    assert counts == (expected["forward"], expected["reverse"], DATA[name]["best_known"])


@pytest.mark.parametrize("name", NAMES)
def test_the_records_counts_are_the_published_ones(name: str) -> None:
    expected = DATA[name]["published"]
    counts = {
        "forward": expected["forward"], "reverse": expected["reverse"], "eliminate": expected["deep_rl_best"],
    }  # fmt: skip
    assert dict(ga.modes.find(name).published) == counts


@pytest.mark.parametrize("name", NAMES)
def test_the_graphs_are_alike(name: str) -> None:
    """Vertices by the vertices before and after them, three steps deep, with their unit edges."""
    problem = ga.modes.find(name).build()
    ours, units = scalar_graph(problem.y, problem.x)
    theirs, their_units = published(name)
    assert _colours(ours, units) == _colours(theirs, their_units)


def _colours(case: Any, units: Any) -> Counter[int]:
    """Weisfeiler and Lehman's colours: equal for graphs that are the same but for their numbering."""
    edges, inputs, outputs = case
    vertices = sorted({v for edge in edges for v in edge})
    colour = {v: hash((inputs.index(v) if v in inputs else -1, v in outputs)) for v in vertices}
    for _ in range(len(vertices)):
        colour = {
            v: hash(
                (
                    colour[v],
                    tuple(sorted((colour[a], (a, b) in units) for a, b in edges if b == v)),
                    tuple(sorted((colour[b], (a, b) in units) for a, b in edges if a == v)),
                )
            )
            for v in vertices
        }
    return Counter(colour.values())
