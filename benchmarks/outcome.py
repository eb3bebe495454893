"""What came of a workload: its contenders' times, and the figures that follow from them. Kept as JSON."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Result
from benchmarks.report import machine, record, write
from benchmarks.workloads import WORKLOADS, Workload

VERSION = 1


@dataclass(frozen=True)
class Outcome:
    """A workload's times on so many threads.

    Attributes:
        contenders: one record each, as `benchmarks.report.record` makes them.
        differing: contenders that computed something else than graphad, whose times mean nothing.
        commit: graphad's, with a "+" where files differ from it.
    """

    workload: str
    title: str
    threads: int
    goal: str
    flops: int
    bytes: int
    contenders: list[dict[str, Any]]
    commit: str = ""
    differing: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, workload: Workload, threads: int, results: Sequence[Result], differing: list[str]) -> Outcome:
        w = workload
        records = [record(r) for r in results]
        return cls(w.name, w.title, threads, w.goal, w.flops, w.bytes, records, commit(), differing)

    def of_peer(self, peer: str) -> dict[str, Any] | None:
        """The record of the peer's quickest form, if one ran."""
        ran = [c for c in self.contenders if c["name"].split()[0] == peer and "median_seconds" in c]
        return min(ran, key=lambda c: float(c["median_seconds"]), default=None)

    def seconds(self, peer: str) -> float | None:
        found = self.of_peer(peer)
        return None if found is None else float(found["median_seconds"])

    @property
    def peers(self) -> list[str]:
        """Those that took part, in order, whether they ran or not."""
        names = dict.fromkeys(c["name"].split()[0] for c in self.contenders)
        return [name for name in names if name not in ("graphad", "machine")]

    @property
    def fastest(self) -> str | None:
        """The contender that is the fastest of the peers."""
        ran = [found for peer in self.peers if (found := self.of_peer(peer))]
        return str(min(ran, key=lambda c: float(c["median_seconds"]))["name"]) if ran else None

    @property
    def ratio(self) -> float | None:
        """Seconds of the fastest peer over graphad's."""
        times = [s for peer in self.peers if (s := self.seconds(peer))]
        own = self.seconds("graphad")
        return min(times) / own if times and own else None

    @property
    def rate(self) -> float | None:
        """graphad's operations a second, or bytes a second where no operations are counted."""
        own = self.seconds("graphad")
        return (self.flops or self.bytes) / own if own and (self.flops or self.bytes) else None

    def limit(self, kind: str) -> float | None:
        """The most that the machine did in this race: flops or bytes a second; kind is "fma-float32", "copy" ..."""
        rates = [
            (c["facts"].get("flops") or c["facts"]["bytes"]) / c["median_seconds"]
            for c in self.contenders
            if c["name"].startswith(f"machine {kind}") and "median_seconds" in c
        ]
        return max(rates, default=None)

    @property
    def fraction(self) -> float | None:
        """`rate` over the machine's, taken in the same rounds."""
        limit = self.limit("fma-float32" if self.flops else "copy")
        return self.rate / limit if self.rate and limit else None


def commit() -> str:
    """The checked-out commit, with a "+" if files differ from it; empty where there is no git."""
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=10"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip()


def save(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Writes the outcomes; those of other workloads or threads in the file stay, so that a run can be in pieces."""
    kept = {(o.workload, o.threads): o for o in (load(path) if path.exists() else [])}
    kept |= {(o.workload, o.threads): o for o in outcomes}
    places = {w.name: k for k, w in enumerate(WORKLOADS)}
    ordered = sorted(kept.values(), key=lambda o: (places.get(o.workload, len(places)), o.threads))
    write(path, {"version": VERSION, "machine": machine(), "outcomes": [asdict(o) for o in ordered]})


def load(path: Path) -> list[Outcome]:
    """The outcomes in a file.

    Errors: ValueError if it is not one of this module's.
    """
    content = json.loads(path.read_text())
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ValueError(f"{path} has no benchmarks in it that this version of graphad can read")
    return [Outcome(**o) for o in content["outcomes"]]
