"""How long compilation takes, in fresh processes: of long graphs, and of LeNet-5 with an empty and a filled cache."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from benchmarks.harness import Contender, Result, differing, started
from benchmarks.outcome import Outcome
from benchmarks.workloads import Entry, Workload, select

STEP = "lenet-train-64"
BOTH = ("compile-cold", "compile-cached")


def contenders(peers: Collection[str], folder: str, pythons: Mapping[str, str]) -> list[Contender]:
    """graphad, and the peers that compile; caches of all of them lie in `folder`."""
    entries = [
        Entry("graphad", "", "graphad_compile", (STEP,)),
        Entry("torch", "compiled", "torch_net", (STEP, "--form", "compiled")),
        Entry("jax", "", "jax_net", (STEP,)),
    ]
    caches = {"GRAPHAD_CACHE_DIR": f"{folder}/graphad", "TORCHINDUCTOR_CACHE_DIR": f"{folder}/torch"}
    made = at_home([e.contender(1) for e in entries if e.peer in ("graphad", *peers)], pythons)
    return [replace(c, environment=c.environment | caches) for c in made]


def at_home(made: Sequence[Contender], pythons: Mapping[str, str]) -> list[Contender]:
    """Each with the interpreter that has it."""
    return [replace(c, python=pythons.get(c.name.split()[0], c.python)) for c in made]


def measure(
    peers: Collection[str], rounds: int, chosen: Sequence[Workload], pythons: Mapping[str, str]
) -> list[Outcome]:
    """The outcomes of what is chosen; "compile-cold" and "compile-cached" come together."""
    lenet = _measure_lenet(peers, rounds, pythons) if any(w.name in BOTH for w in chosen) else []
    return [*lenet, *(_measure_long(w, peers, rounds, pythons) for w in chosen if w.name not in BOTH)]


def _measure_long(workload: Workload, peers: Collection[str], rounds: int, pythons: Mapping[str, str]) -> Outcome:
    """Every contender with an empty cache, one after the other."""
    made = at_home(workload.contenders(peers, 1), pythons)
    results = {c.name: Result(c.name) for c in made}
    for _ in range(rounds):
        for contender in made:
            with tempfile.TemporaryDirectory() as folder:
                environment = contender.environment | {"GRAPHAD_CACHE_DIR": folder}
                _add(results[contender.name], replace(contender, environment=environment))
    found = list(results.values())
    return Outcome.of(workload, 1, found, differing(found))


def _measure_lenet(peers: Collection[str], rounds: int, pythons: Mapping[str, str]) -> list[Outcome]:
    """The outcomes "compile-cold" and "compile-cached"; peers take part in the first."""
    cold: dict[str, Result] = {}
    cached = Result("graphad")
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            own, *others = contenders(peers, folder, pythons)
            _add(cold.setdefault(own.name, Result(own.name)), own)
            _add(cached, own)
            for other in others:
                _add(cold.setdefault(other.name, Result(other.name)), other)
    return [_outcome("compile-cold", list(cold.values())), _outcome("compile-cached", [cached])]


def _add(result: Result, contender: Contender) -> None:
    result.tried += 1
    with started(contender) as worker:
        if worker.failed:
            result.failed = worker.failed
        else:
            result.seconds.append(float(worker.facts["compile_seconds"]))
            result.facts = worker.facts


def _outcome(name: str, results: Sequence[Result]) -> Outcome:
    (workload,) = select([name])
    return Outcome.of(workload, 1, results, [])
