"""The four published graphs come out of our functions: the same structure, hence the same counts."""

from collections import Counter
from typing import Any

import pytest

import graphad as ga
from graphad import elimination
from graphad.planning.dags import Dag
from tests.elimination.graphs import DATA, published

NAMES = list(DATA)


def scalar_dag(name: str) -> Dag:
    graph = ga.modes.find(name)
    dag = ga.modes.scalar_dag(graph, graph.build())
    assert dag is not None
    return dag


@pytest.mark.parametrize("name", NAMES)
def test_elimination_counts_are_the_published_ones(name: str) -> None:
    dag = scalar_dag(name)
    found = elimination.solve(dag.edges, dag.inputs, dag.outputs)
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
    """Vertices by all that lies before and after them, edges with whether they are +1 or -1.

    The published list counts absolute values among those; their sign is not known before they are computed.
    """
    dag = scalar_dag(name)
    theirs, units = published(name)
    absolute = {(47, 48), (35, 49), (35, 50)} if name == "RoeFlux_1d" else set()
    ours = list(dag.edges), list(dag.inputs), list(dag.outputs)
    assert _colours(ours, set(dag.units)) == _colours(theirs, set(units) - absolute)


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
