"""``graphad modes``: benchmark graphs in every mode, as tables, JSON and a picture."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

from graphad.cli import modes_plot, modes_table
from graphad.cli.showing import ShowError, load
from graphad.modes import BenchmarkGraph, Comparison, compare, select, trace_table
from graphad.runtime import GraphadError
from graphad.runtime.files import replace

PEERS = ("jax",)
RACE = Path("benchmarks/modes.py")


class PeerError(GraphadError):
    """A peer that cannot be compared with here."""


def modes(names: Sequence[str], batch: int | None, peer: str | None, out: Path, target: str) -> None:
    """Compares, prints as it goes, and writes ``out/modes.json`` and ``out/modes.png``."""
    console = Console()
    graphs = _chosen(names)
    if peer is not None:
        _check_peer(peer)
    found = []
    for graph in graphs:
        _worked(graph)
        with console.status(graph.name) as status:
            found.append(compare(graph, batch, target, log=status.update))
        print(modes_table.one_graph(found[-1]), end="\n\n")  # not through rich, which would break its lines
    if len(found) > 1:
        print(modes_table.all_graphs(found))
    raced = {} if peer is None else _race(peer, found, out)
    path = out / "modes.json"
    _write(path, {"graphs": [c.record() for c in found], "peer": raced or None})
    modes_plot.save(out / "modes.png", found, _ratios(raced))
    print(f"{path}, {out / 'modes.png'}")


def _chosen(names: Sequence[str]) -> list[BenchmarkGraph]:
    """The graphs of these names; for a file that ends in .py, those that it registers when it is run."""
    known: list[str] = []
    for name in names:
        if not name.endswith(".py"):
            known.append(name)
            continue
        before = {graph.name for graph in select([])}
        load(Path(name))
        added = [graph.name for graph in select([]) if graph.name not in before]
        if not added:
            raise ShowError(f"{name}: registers no benchmark graph; decorate one with @ga.modes.register(...)")
        known += added
    return select(known)


def list_graphs() -> None:
    """The registry: name, points, summary."""
    for graph in select([]):
        print(f"{graph.name:<28}{graph.points:>6,}  {graph.summary}")


def _worked(graph: BenchmarkGraph) -> None:
    if graph.worked:
        problem = graph.build()
        values = dict(zip(problem.inputs, graph.worked, strict=True))
        print(f"{graph.name}: {graph.summary}", trace_table(problem.y, values), sep="\n", end="\n\n")


def _check_peer(peer: str) -> None:
    if peer not in PEERS:
        raise PeerError(f"--peer {peer}: there is {', '.join(PEERS)}")
    if find_spec(peer) is None:
        raise PeerError(f"--peer {peer}: it is not installed; pip install {peer}")
    if not RACE.is_file():
        raise PeerError(f"--peer {peer}: no {RACE} here; run in the root of graphad's repository")


def _race(peer: str, found: Sequence[Comparison], out: Path) -> dict[str, Any]:
    """Times auto and the peer in turn, each in its own process; nothing of the peer is imported here."""
    path = out / f"{peer}.json"
    out.mkdir(parents=True, exist_ok=True)
    names = [f"{c.graph.name}={c.points}" for c in found]
    command = [sys.executable, "-m", "benchmarks.modes", *names, "--peer", peer, "--json", str(path)]
    if subprocess.run(command, check=False).returncode:
        raise PeerError(f"--peer {peer}: {' '.join(command[1:3])} failed, as said above")
    return dict(json.loads(path.read_text()))  # just written


def _ratios(raced: dict[str, Any]) -> dict[str, dict[str, float]]:
    """For each graph the peer's times over auto's."""
    ratios: dict[str, dict[str, float]] = {}
    for graph in raced.get("graphs", []):
        times = {r["name"]: r["median_seconds"] for r in graph["contenders"] if "median_seconds" in r}
        own = times.pop("graphad auto", None)
        if own and times:
            ratios[graph["graph"]] = {name: seconds / own for name, seconds in times.items()}
    return ratios


def _write(path: Path, record: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, json.dumps(record, indent=1).encode() + b"\n")
