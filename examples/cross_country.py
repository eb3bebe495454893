"""Cross-country elimination, step by step: a small graph forwards, backwards and in the cheapest order.

python examples/cross_country.py            prints the three accumulations
python examples/cross_country.py FOLDER     also draws cross_country_steps.png and cross_country_counts.png
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

import graphad as ga
from graphad import elimination

# y_k = f_k(exp(sin(x1 x2 x3))): three numbers in, three out, and one at a time in between
EDGES = [
    ("x1", "v1"), ("x2", "v1"), ("v1", "v2"), ("x3", "v2"), ("v2", "v3"), ("v3", "v4"), ("v4", "y1"), ("v4", "y2"),
    ("v4", "y3"),
]  # fmt: skip
INPUTS, OUTPUTS = ["x1", "x2", "x3"], ["y1", "y2", "y3"]
OPERATIONS = {"v1": "x1 x2", "v2": "v1 x3", "v3": "sin v2", "v4": "exp v3"}
PLACES = {
    "x1": (0, 2), "x2": (0, 1), "x3": (0, 0), "v1": (1, 1.5), "v2": (2, 1), "v3": (3, 1), "v4": (4, 1),
    "y1": (5, 2), "y2": (5, 1), "y3": (5, 0),
}  # fmt: skip

GREY, NEW = "#57606a", "#1a7f37"

Edge = tuple[str, str]


@dataclass(frozen=True)
class Step:
    """The graph after a vertex went: its edges, those that are new, and the products that it took."""

    vertex: str
    edges: frozenset[Edge]
    new: frozenset[Edge]
    products: tuple[str, ...]


def function() -> tuple[ga.Tensor, ga.Tensor]:
    """The function of the graph, y and x."""
    x = ga.input("x", (3,), "float64")
    x1, x2, x3 = ga.unstack(x)
    v4 = ga.exp(ga.sin(x1 * x2 * x3))
    return ga.stack([v4**2, ga.tanh(v4), ga.sqrt(v4)]), x


def orders() -> dict[str, Sequence[Any]]:
    """Forward, reverse, and the cheapest."""
    forward = list(OPERATIONS)
    return {
        "forward": forward,
        "reverse": forward[::-1],
        "cross-country": elimination.solve(EDGES, INPUTS, OUTPUTS).order,
    }


def play(order: Sequence[str]) -> Iterator[Step]:
    """The eliminations of an order, one vertex at a time."""
    products = elimination.eliminate(elimination.Graph.of(EDGES, INPUTS, OUTPUTS), order)
    edges = frozenset(EDGES)
    for vertex, group in groupby(products, key=lambda product: str(product.via)):
        through = list(group)
        new = frozenset((str(p.source), str(p.target)) for p in through)
        edges = frozenset(edge for edge in edges if vertex not in edge) | new
        texts = (f"c[{p.source},{p.target}] = c[{p.source},{vertex}] c[{vertex},{p.target}]" for p in through)
        yield Step(vertex, edges, new, tuple(texts))


def show(name: str, order: Sequence[str]) -> None:
    """Prints each step's products."""
    steps = list(play(order))
    print(f"{name}: {sum(len(step.products) for step in steps)} multiplications")
    for step in steps:
        first, *others = step.products
        print(f"  {step.vertex}  {first}")
        for text in others:
            print(f"      {text}")


def draw_steps(path: Path) -> None:
    """A row for each order, a panel for each step."""
    chosen = orders()
    figure = Figure(figsize=(15, 6.6), layout="constrained")
    for axes, (name, order) in zip(figure.subplots(len(chosen), 5), chosen.items(), strict=True):
        draw_graph(axes[0], frozenset(EDGES), frozenset(), f"{name}: {', '.join(order)}")
        total = 0
        for panel, step in zip(axes[1:], play(order), strict=True):
            total += len(step.products)
            draw_graph(panel, step.edges, step.new, f"{step.vertex} gone: + {len(step.products)} = {total}")
    figure.savefig(path, dpi=110)


def draw_graph(axes: Any, edges: frozenset[Edge], new: frozenset[Edge], title: str) -> None:
    """Vertices that are left, with arrows between them; new ones in green."""
    axes.set_title(title, fontsize=11, loc="left", color=NEW if new else "black")
    left = {v for edge in edges for v in edge}
    for a, b in sorted(edges):
        style = {"color": NEW if (a, b) in new else GREY, "linewidth": 2.0 if (a, b) in new else 1.0}
        axes.annotate(
            "", PLACES[b], PLACES[a], arrowprops={"arrowstyle": "-|>", "shrinkA": 9, "shrinkB": 9, **style}
        )  # fmt: skip
    for vertex, (x, y) in PLACES.items():
        if vertex in left:
            face = "white" if vertex in OPERATIONS else "#ddf4ff"
            axes.plot(x, y, marker="o", markersize=18, color=face, markeredgecolor=GREY, zorder=3)
            axes.text(x, y, vertex, ha="center", va="center", fontsize=8, zorder=4)
    axes.set_xlim(-0.4, 5.4)
    axes.set_ylim(-0.5, 2.5)
    axes.set_axis_off()


PUBLISHED = ("RoeFlux_1d", "RobotArm_6DOF", "HumanHeartDipole", "PropaneCombustion")


def counts() -> dict[str, dict[str, int]]:
    """Multiplications on the published graphs: forward, reverse, the best that was published, the best found here."""
    found = {}
    for name in PUBLISHED:
        graph = ga.modes.find(name)
        dag = ga.modes.scalar_dag(graph, graph.build())
        assert dag is not None
        solution = elimination.solve(dag.edges, dag.inputs, dag.outputs)
        found[name] = {
            "forward": solution.heuristics["forward"],
            "reverse": solution.heuristics["reverse"],
            "deep reinforcement learning": graph.published["eliminate"],
            "found here": solution.multiplications,
        }
    return found


def draw_counts(path: Path) -> None:
    """A group of bars for each graph."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots()
    colours = ("#0969da", "#cf222e", "#8c959f", "#1a7f37")
    for k, bars in enumerate(counts().values()):
        for j, (label, value) in enumerate(bars.items()):
            place = k + 0.2 * (j - 1.5)
            axes.bar(place, value, 0.18, color=colours[j], label=label if k == 0 else None)
            axes.text(place, value + 6, str(value), ha="center", fontsize=8)
    axes.set_xticks(range(len(PUBLISHED)), PUBLISHED)
    axes.set_ylabel("multiplications")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main(folder: str | None = None) -> None:
    for name, order in orders().items():
        show(name, order)
    y, x = function()
    print(ga.plan_jacobian(y, x))
    if folder is not None:
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        draw_steps(target / "cross_country_steps.png")
        draw_counts(target / "cross_country_counts.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
