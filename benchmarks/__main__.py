"""Times graphad against its peers; each in its own process, in turn, the others stopped.

graphad bench                                  everything: some twenty minutes, more where torch.compile is new to it
graphad bench --quick                          less of each: some minutes
graphad bench lenet-train mlp-train --threads 1 --peer torch,jax
graphad bench --json build/now.json --compare build/before.json --plot build/roofline.png
"""

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import compiling, outcome, roofline, tables
from benchmarks.harness import differing, race
from benchmarks.outcome import Outcome
from benchmarks.workloads import PEERS, WORKLOADS, Workload, missing, select

NOTE = Console(stderr=True, highlight=False)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("graphad bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="names or groups; --list prints them")
    made.add_argument("--list", action="store_true", help="only print the workloads")
    made.add_argument("--peer", default=",".join(PEERS), help="comma-separated, or none; all that are installed")
    made.add_argument(
        "--python", action="append", default=[], metavar="PEER=PATH", help="the interpreter that has that peer"
    )
    made.add_argument("--threads", help="comma-separated; 1 and, where there are so many cores, 2")
    made.add_argument("--quick", action="store_true", help="fewer and shorter rounds, no torch.compile")
    made.add_argument("--no-compile", action="store_true", help="no torch.compile, which takes half a minute each")
    made.add_argument("--rounds", type=int, help="undisturbed rounds wanted of each workload")
    made.add_argument("--seconds", type=float, help="what a contender's sample takes in each round")
    made.add_argument("--json", type=Path, metavar="FILE", help="write figures; other workloads in the file stay")
    made.add_argument("--compare", type=Path, metavar="FILE", help="show what changed since that file was written")
    made.add_argument("--plot", type=Path, metavar="FILE", help="draw the roofline, of all that the JSON file has")
    made.add_argument("--show", type=Path, metavar="FILE", help="time nothing: that file as Markdown, and its plot")
    return made


def peers_asked(text: str, elsewhere: Collection[str] = ()) -> list[str]:
    """The peers that are asked for and installed, here or in another interpreter; says which are not.

    Errors: ValueError for a name that is none.
    """
    asked = [name for name in text.split(",") if name and name != "none"]
    if unknown := [name for name in asked if name not in PEERS]:
        raise ValueError(f"--peer {','.join(unknown)}: there are {', '.join(PEERS)}, and none")
    lacking = {peer: missing(peer) for peer in asked if peer not in elsewhere}
    for peer, packages in lacking.items():
        if packages:
            NOTE.print(f"{peer}: not installed (pip install {' '.join(packages)})")
    return [peer for peer in asked if not lacking.get(peer)]


def interpreters(given: Sequence[str]) -> dict[str, str]:
    """PEER=PATH, each: a peer may need an environment of its own, as PyTensor does, whose Numba is older.

    Errors: ValueError for something else.
    """
    pairs = [text.partition("=")[::2] for text in given]
    for peer, path in pairs:
        if peer not in PEERS or not Path(path).is_file():
            raise ValueError(f"--python {peer}={path}: write PEER=PATH, of {', '.join(PEERS)} and an interpreter")
    return dict(pairs)


def thread_counts(text: str | None) -> list[int]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    counts = [int(part) for part in text.split(",")] if text else [n for n in (1, 2) if n <= cores]
    if any(not 1 <= n <= cores for n in counts):
        raise ValueError(f"--threads {text}: there are {cores} cores")
    return counts


def timed(workload: Workload, threads: int, peers: Sequence[str], known: argparse.Namespace) -> Outcome:
    """One race."""
    pythons = interpreters(known.python)
    contenders = workload.contenders(peers, threads, compiled=not (known.quick or known.no_compile))
    placed = compiling.at_home(contenders, pythons)
    results = race(placed, known.rounds or (5 if known.quick else 15), known.seconds or (0.05 if known.quick else 0.2))
    for result in results:
        if result.failed:
            NOTE.print(f"{workload.name}: {result.name} fails: {result.failed}")
    if any(r.disturbed for r in results):
        NOTE.print(f"{workload.name}, {threads} thread(s): no round was quiet, others use these cores; time it again")
    found = Outcome.of(workload, threads, results, differing(results))
    for name in found.differing:
        NOTE.print(f"{workload.name}: {name} computes something else than {results[0].name}")
    return found


def run(
    known: argparse.Namespace, chosen: Sequence[Workload], peers: Sequence[str], threads: Sequence[int]
) -> list[Outcome]:
    """All races that are asked for; the file is written after each."""
    outcomes: list[Outcome] = []
    for workload in chosen:
        if workload.group == "compile":
            continue
        for count in threads:
            if workload.threads is None or count in workload.threads:
                with NOTE.status(f"{workload.name}, {count} thread(s)"):
                    outcomes.append(timed(workload, count, peers, known))
                if known.json:
                    outcome.save(known.json, outcomes[-1:])
    if any(w.group == "compile" for w in chosen):
        with NOTE.status("compile"):
            long = [w for w in chosen if w.group == "compile"]
            compiled = compiling.measure(peers, 1 if known.quick else 3, long, interpreters(known.python))
        outcomes += compiled
        if known.json:
            outcome.save(known.json, compiled)
    return outcomes


def report(known: argparse.Namespace, outcomes: Sequence[Outcome], console: Console) -> None:
    console.print(tables.table(outcomes))
    for o in outcomes:
        if o.workload == "machine":
            kinds = ("fma-float32", "fma-float64", "copy")
            limits = ", ".join(f"{kind} {(o.limit(kind) or 0) / 1e9:.1f}" for kind in kinds)
            console.print(f"the machine, {o.threads} thread(s), in GFLOP/s and GB/s: {limits}")
    if known.compare:
        before = outcome.load(known.compare)
        commits = ", ".join(dict.fromkeys(o.commit for o in before))
        console.print(tables.comparison(tables.changes(before, outcomes), f"since {commits}"))
    draw(known.plot, outcome.load(known.json) if known.json else outcomes)


def draw(path: Path | None, outcomes: Sequence[Outcome]) -> None:
    """The roofline, if it is wanted."""
    if path and not roofline.save(path, outcomes):
        NOTE.print("no roofline: the workload machine is not among those timed")


def main(arguments: Sequence[str] | None = None) -> int:
    known = parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 180)
    if known.list:
        for w in WORKLOADS:
            print(f"{w.name:<24}{w.title}")
        return 0
    try:
        if known.show:
            print(tables.markdown(outcome.load(known.show)))
            draw(known.plot, outcome.load(known.show))
            return 0
        chosen, threads = select(known.workloads, known.quick), thread_counts(known.threads)
        peers = peers_asked(known.peer, interpreters(known.python))
        report(known, run(known, chosen, peers, threads), console)
    except KeyError as error:
        NOTE.print(f"error: no workload {error}; --list prints them")
        return 2
    except (ValueError, OSError) as error:
        NOTE.print(f"error: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
