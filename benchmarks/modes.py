"""Benchmark graphs' Jacobians: what graphad chooses against JAX's jacfwd and jacrev, in turn, one thread each.

python -m benchmarks.modes RobotArm_6DOF=100000 RoeFlux_1d BowTie --peer jax --json build/modes.json

GRAPH=POINTS evaluates at so many points; without graphs, all of the registry are run. Under many points JAX runs
vmap(jacfwd(f)) and vmap(jacrev(f)). Contenders whose Jacobians differ are an error.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.harness import Contender, Result, differing, race
from benchmarks.report import machine, record, write
from graphad.modes import BenchmarkGraph, find, graphs
from graphad.modes.comparison import result_bytes

LARGEST = 2**31
"""Bytes of a dense Jacobian above which JAX is not asked for it."""
MODES = {"graphad": ("auto",), "jax": ("jacfwd", "jacrev")}


def contenders(graph: BenchmarkGraph, points: int, peers: Sequence[str]) -> list[Contender]:
    """graphad's choice, and each peer's modes where the dense Jacobian fits into memory."""
    names = ["graphad", *(peers if result_bytes(graph, points) <= LARGEST else ())]
    return [
        Contender(
            f"{name} {mode}",
            f"benchmarks.peers.{name}_modes",
            (graph.name, "--batch", str(points), "--mode", mode),
            {"OMP_NUM_THREADS": "1"},
        )
        for name in names
        for mode in MODES[name]
    ]


def run(asked: Sequence[tuple[BenchmarkGraph, int]], peers: Sequence[str], rounds: int) -> list[dict[str, Any]]:
    """A race for each graph; prints a line for each."""
    console, records = Console(width=120), []
    table = Table(title="Jacobians, seconds a call on one thread", title_justify="left")
    for head in (
        "graph",
        "points",
        "graphad auto",
        *(f"{p} {m}" for p in peers for m in MODES[p]),
        "better peer / auto",
    ):
        table.add_column(head, justify="left" if head == "graph" else "right")
    for graph, points in asked:
        results = race(contenders(graph, points, peers), rounds, seconds=0.1)
        if others := differing(results):
            raise SystemExit(f"{', '.join(others)} computes another Jacobian than {results[0].name}")
        table.add_row(graph.name, f"{points:,}", *_cells(results, peers))
        records.append({"graph": graph.name, "points": points, "contenders": [record(r) for r in results]})
    console.print(table)
    return records


def _cells(results: Sequence[Result], peers: Sequence[str]) -> list[str]:
    by_name = {r.name: r for r in results}
    names = ["graphad auto", *(f"{p} {m}" for p in peers for m in MODES[p])]
    shown = [_shown(by_name.get(name)) for name in names]
    times = {r.name: r.median for r in results if r.seconds}
    own = times.pop("graphad auto", None)
    return [*shown, f"{min(times.values()) / own:.2f}x" if own and times else "-"]


def _shown(result: Result | None) -> str:
    if result is None:
        return "too large"
    if not result.seconds:
        return f"not run: {result.failed}"
    return f"{result.median * 1e6:,.1f} us" if result.median < 1e-2 else f"{result.median * 1e3:,.1f} ms"


def _asked(text: str) -> tuple[BenchmarkGraph, int]:
    name, _, points = text.partition("=")
    graph = find(name)
    return graph, int(points) if points else graph.points


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="*", metavar="GRAPH[=POINTS]")
    parser.add_argument("--peer", default="jax", help="jax, or none")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    asked = [_asked(text) for text in options.graphs or [graph.name for graph in graphs()]]
    peers = [peer for peer in options.peer.split(",") if peer != "none"]
    records = run(asked, peers, options.rounds)
    if options.json:
        write(options.json, {"machine": machine(), "graphs": records})


if __name__ == "__main__":
    main()
