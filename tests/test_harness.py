"""The benchmarks' harness: contenders take turns, one that fails is a row, disturbed rounds do not count."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.harness import Contender, Result, Sample, race, undisturbed
from benchmarks.report import save, show

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops processes by signals")

WORKER = """
import os, sys, time
from benchmarks import worker
from benchmarks.worker import Task, serve

now = 0.0  # the clock that is measured by: a real one counts what other processes take, too
time.perf_counter = time.process_time = lambda: now
worker.busy_seconds = lambda: now

def spin(seconds):
    global now
    now += seconds

def set_up():
    print("noise on stdout")
    if sys.argv[1] == "raise":
        raise ValueError("no such peer")
    if sys.argv[1] == "die":
        os._exit(3)
    return Task(lambda: spin(float(sys.argv[1])), facts={"version": "1"})

serve(set_up)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "spin_worker.py").write_text(WORKER)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}


def test_a_race_measures_each_and_reports_those_that_fail(environment: dict[str, str], tmp_path: Path) -> None:
    names = ("0.001", "0.003", "raise", "die")
    contenders = [Contender(name, "spin_worker", (name,), environment) for name in names]
    quick, slow, raised, died = race(contenders, rounds=3, seconds=0.01)
    assert (quick.median, slow.median) == pytest.approx((0.001, 0.003))
    assert quick.quartiles[0] <= quick.median <= quick.quartiles[1]
    assert quick.facts == {"version": "1"}
    assert raised.failed == "ValueError: no such peer"
    assert died.failed == "the worker ended with status 3"
    assert died.seconds == []
    save(tmp_path / "new" / "race.json", {"spin": [quick, slow, raised, died]})
    assert '"failed": "ValueError: no such peer"' in (tmp_path / "new" / "race.json").read_text()


def test_a_disturbed_round_does_not_count() -> None:
    quiet = [[Sample(1.0, 1.0), Sample(2.0, 1.9)] for _ in range(4)]
    disturbed = [Sample(1.5, 0.7), Sample(2.0, 1.9)]
    assert undisturbed([*quiet, disturbed]) == quiet
    assert undisturbed([]) == []


def test_a_contender_that_always_waits_is_not_disturbed() -> None:
    """Half a CPU second a second may be all that a contender uses: only less than its own usual counts."""
    table = [[Sample(1.0, 0.5)] for _ in range(5)]
    assert undisturbed(table) == table


def test_the_table_names_the_ratio_to_the_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    results = [
        Result("ours", [1e-3, 1e-3], tried=2),
        Result("torch", [5e-3, 5e-3], tried=3),
        Result("jax", failed="why"),
    ]
    show("step", results, baseline="torch")
    printed = capsys.readouterr().out
    assert "torch / this" in printed
    assert "5.00x" in printed
    assert "2 of 3" in printed
    assert "why" in printed
