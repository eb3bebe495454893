"""The four published functions: the code of their Jacobian has the multiplications that were found."""

import numpy as np
import pytest

import graphad as ga
from graphad import modes
from graphad.compiler.ir.graph import Graph
from graphad.compiler.model.counts import count
from graphad.compiler.options import Options
from graphad.compiler.pipeline import run
from graphad.plain import plain_graph
from graphad.planning.candidates import sweep
from graphad.planning.eliminations import plan_elimination
from graphad.planning.problem import Problem
from graphad.structures import Einsum, Nodes

# forward and reverse with +1 and -1 counted, as published; best known; products of the emitted code, before and after
# the passes
COUNTS = {
    "RoeFlux_1d": (620, 364, 295, 160, 160),
    "RobotArm_6DOF": (397, 301, 221, 126, 126),
    "HumanHeartDipole": (240, 172, 148, 48, 48),
    "PropaneCombustion": (151, 90, 88, 24, 24),
}


def multiplications(tensors: list[ga.Tensor]) -> int:
    """In the graph after the passes."""
    plain, _ = plain_graph(Graph((), tuple(tensors)))
    return count(run(plain, Options())[-1].graph.nodes)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_the_emitted_code(name: str) -> None:
    graph = modes.find(name).build()
    assert isinstance(graph.x, ga.Tensor)
    problem = Problem.of("test", [graph.y], [graph.x])
    forward, reverse, best, before, after = COUNTS[name]
    assert (sweep(problem, "forward").plain, sweep(problem, "reverse").plain) == (forward, reverse)
    found = plan_elimination(problem)
    assert found is not None
    w = Nodes()
    entries = found.dag.play(w, found.order)
    assert w.multiplications <= before < best
    weights = [j.weight for j in entries.values() if isinstance(j, Einsum) and j.weight is not None]
    edges = (e for n in problem.nodes for _, e in problem.edges.of(n))
    partials = [e.weight for e in edges if isinstance(e, Einsum) and e.weight is not None]
    known = [graph.y, *partials]
    assert multiplications([*known, *weights]) - multiplications(known) <= after
    values = graph.draw()
    ways = [ga.evaluate(ga.jacobian(graph.y, graph.x, m), values) for m in ("eliminate", "reverse")]
    np.testing.assert_allclose(ways[0], ways[1], rtol=1e-8, atol=1e-10)
