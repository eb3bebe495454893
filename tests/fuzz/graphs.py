"""Random graphs: the cpu target gives the numbers of the interpreter."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.cpu import test_random_graphs
from tests.strategies import RandomGraph

GRAPHS = 3  # of a seed, the first of which is the smallest of all


def check(number: int) -> None:
    """Raise AssertionError where compiled numbers are not the interpreter's."""

    @seed(number)
    @settings(
        max_examples=GRAPHS,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(made=test_random_graphs.batches)
    def compare(made: list[RandomGraph]) -> None:
        test_random_graphs.check(made)

    compare()
