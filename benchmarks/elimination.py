"""Elimination orders: counts on the published graphs, and how long a plan takes on them and on random DAGs.

python -m benchmarks.elimination --time-budget 0.2
"""

import argparse
import json
import random
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from graphad import elimination

PUBLISHED = Path(__file__).parents[1] / "tests" / "elimination" / "data" / "elimination_graphs.json"
RANDOM = ((1_000, 2, 10), (1_000, 10, 20), (100_000, 2, 100), (100_000, 3, 1_000))  # vertices, in-degree, inputs


def published(budget: float) -> Table:
    """What each method gives on the published graphs, beside what deep reinforcement learning found."""
    methods = ("forward", "reverse", "markowitz", "min_fill", "annealing", "exact")
    table = Table("graph", *methods, "published best", "nontrivial", "least nontrivial", "seconds")
    for name, graph in json.loads(PUBLISHED.read_text())["graphs"].items():
        case = graph["edges"], range(graph["inputs"]), graph["outputs"]
        units = {tuple(edge): 1 for edge in graph["units"]}
        start = time.perf_counter()
        found = elimination.solve(*case, units=units, time_budget=budget)
        taken = time.perf_counter() - start
        free = elimination.solve(*case, units=units, time_budget=budget, minimize="nontrivial")
        counts = [found.heuristics.get(method, "-") for method in methods]
        best = graph["published"]["deep_rl_best"]
        row = (*counts, best, found.nontrivial, free.nontrivial, f"{taken:.2f}")
        table.add_row(name, *map(str, row))
    return table


def large(budget: float) -> Table:
    """Seconds for a plan, and what was found, on random DAGs."""
    table = Table("vertices", "in-degree", "inputs", "forward", "reverse", "found", "seconds")
    for count, degree, ends in RANDOM:
        draw = random.Random(0)
        edges = {(draw.randrange(v), v) for v in range(ends, count) for _ in range(degree)}
        edges |= {(v, draw.randrange(ends, count)) for v in range(ends)}
        start = time.perf_counter()
        found = elimination.solve(sorted(edges), range(ends), range(count - ends, count), time_budget=budget)
        taken = time.perf_counter() - start
        modes = (found.heuristics["forward"], found.heuristics["reverse"])
        table.add_row(*(f"{n:,}" for n in (count, degree, ends, *modes, found.multiplications)), f"{taken:.2f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time-budget", type=float, default=0.2)
    budget = parser.parse_args().time_budget
    console = Console(width=140)
    console.print(published(budget))
    console.print(large(budget))


if __name__ == "__main__":
    main()
