"""From times to figures: ratios, fractions, tables, comparison with another commit, the roofline."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import outcome, roofline, tables
from benchmarks.harness import Result, Sample, differing, undisturbed
from benchmarks.outcome import Outcome
from benchmarks.worker import busy_ticks, foreign
from benchmarks.workloads import PEERS, WORKLOADS, select


def result(name: str, seconds: float, **facts: Any) -> Result:
    return Result(name, [seconds * 0.9, seconds, seconds * 1.1], facts, tried=4)


def made(own: float = 1e-3, torch: float = 5e-3, jax: float = 4e-3, threads: int = 1) -> Outcome:
    """A step of 1e8 operations on 1e6 bytes; the machine does 2e11 and 1e10 a second."""
    (workload,) = select(["lenet-train-64"])
    results = [
        result("graphad", own),
        result("torch eager", torch),
        Result("torch compiled", failed="no compiler"),
        result("jax", jax),
        result("machine fma-float32", 1e-3, flops=200_000_000),
        result("machine copy", 2e-3, bytes=10_000_000),
        result("machine copy-streaming", 1e-3, bytes=10_000_000),
    ]
    return replace(Outcome.of(workload, threads, results, []), flops=100_000_000, bytes=1_000_000, commit="abc")


def test_figures_of_an_outcome() -> None:
    o = made()
    assert o.peers == ["torch", "jax"]
    assert o.fastest == "jax"
    assert o.ratio == pytest.approx(4)
    assert o.rate == pytest.approx(1e11)
    assert o.limit("fma-float32") == pytest.approx(2e11)
    assert o.limit("copy") == pytest.approx(1e10)  # the quicker of the two ways
    assert o.fraction == pytest.approx(0.5)


def test_without_operations_the_fraction_is_of_the_copies() -> None:
    o = replace(made(), flops=0)
    assert o.rate == pytest.approx(1e9)
    assert o.fraction == pytest.approx(0.1)


def test_a_contender_that_fails_leaves_no_figures() -> None:
    o = Outcome.of(select(["mlp-train"])[0], 1, [Result("graphad", failed="why"), result("jax", 1.0)], [])
    assert (o.ratio, o.rate, o.fraction) == (None, None, None)
    (row,) = tables.rows([o])
    assert row[2:4] == ["fails", ""]


def test_the_table() -> None:
    names, (row,) = tables.header([made()]), tables.rows([made()])
    shown = dict(zip(names, row, strict=True))
    assert shown["graphad"] == "1.00 ms"
    assert shown["spread, rounds"] == "5.0 %, 3/4"
    assert shown["torch"] == "5.00 ms eager"
    assert shown["peer / graphad"] == "4.00x"
    assert shown["rate"] == "100 GFLOP/s"
    assert shown["of machine"] == "50%"
    assert tables.markdown([made()]).splitlines()[1].count("---") == len(names)


def test_where_a_peer_is_faster_the_table_is_red_and_where_one_differs_it_says_so() -> None:
    console = Console(width=200, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(tables.table([made(jax=5e-4)]))
    assert "\x1b[31m0.50x" in capture.get()
    (row,) = tables.rows([replace(made(), differing=["jax"])])
    assert "4.00 ms differs!" in row


def test_disturbed_rounds_show_as_none_kept() -> None:
    noisy = replace(result("graphad", 1e-3), disturbed=True)
    o = Outcome.of(select(["mlp-train"])[0], 1, [noisy], [])
    assert tables.spread(o) == "5.0 %, 0/4"


def test_comparison_with_another_commit() -> None:
    """The machine became twice as slow, and graphad twice as fast: only the peer's time tells."""
    before, now = made(), made(own=1e-3, jax=8e-3, torch=10e-3)
    (change,) = tables.changes([before, made(threads=2)], [now, replace(now, workload="other")])
    assert change.speedup == pytest.approx(1)
    assert change.steady == pytest.approx(2)
    console = Console(width=200)
    with console.capture() as capture:
        console.print(tables.comparison([change], "since abc"))
    assert "4.00x to 8.00x" in capture.get()


def test_a_file_keeps_what_was_not_timed_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bench.json"
    outcome.save(path, [made(threads=2), made()])  # comes in the table's order
    outcome.save(path, [made(own=2e-3)])
    first, second = outcome.load(path)
    assert first.seconds("graphad") == pytest.approx(2e-3)
    assert second == made(threads=2)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("[1]")
    with pytest.raises(ValueError, match="has no benchmarks in it"):
        outcome.load(path)


def test_the_roofline(tmp_path: Path) -> None:
    roof = roofline.roof([made()], 1)
    assert roof is not None
    assert roof.ridge == pytest.approx(20)
    (point,) = roofline.points([made(), made(threads=2)], 1)
    assert point.intensity == pytest.approx(100)
    assert point.rate == pytest.approx(1e11)
    assert point.peer == pytest.approx(2.5e10)
    assert roofline.roof([made()], 2) is None
    assert roofline.save(tmp_path / "roof.png", [made()])
    assert (tmp_path / "roof.png").read_bytes().startswith(b"\x89PNG")
    assert not roofline.save(tmp_path / "none.png", [])


def test_rounds_in_which_others_worked_on_the_same_cores_do_not_count() -> None:
    """A load that is always there shows in no contender's usual share; that others had the core does."""
    quiet, noisy = [Sample(1.0, 1.0, 0.0)], [Sample(2.0, 1.0, 0.5)]
    assert undisturbed([noisy, quiet, noisy, noisy]) == [quiet]
    assert undisturbed([noisy]) == []


def test_stolen_time_and_interrupts_are_work_of_others() -> None:
    assert busy_ticks(["1", "2", "4", "1000", "1000", "8", "16", "32", "64", "64"]) == 63
    assert foreign(0.0, 1.0) == 0.0
    assert foreign(-0.01, 1.0) == 0.0


def test_contenders_that_compute_something_else_are_named() -> None:
    results = [
        result("graphad", 1.0, check=[2.0, 1.0]),
        result("same", 1.0, check=[2.001, 0.999]),
        result("other", 1.0, check=[2.0, 1.1]),
        result("short", 1.0, check=[2.0]),
        result("silent", 1.0),
    ]
    assert differing(results) == ["other", "short"]
    assert differing([Result("graphad", failed="why")]) == []


def test_workloads_by_name_and_by_group() -> None:
    assert [w.name for w in select(["lenet-infer"])] == ["lenet-infer"]
    assert [w.name for w in select(["lenet-train"])] == [f"lenet-train-{n}" for n in (32, 64, 256, 1024)]
    assert [w.name for w in select(["compile"])][:2] == ["compile-cold", "compile-cached"]
    assert len(select([])) == len(WORKLOADS)
    assert {w.name for w in select([], quick=True)} < {w.name for w in WORKLOADS}
    with pytest.raises(KeyError, match="lenet-trian"):
        select(["lenet-trian"])


def test_contenders_of_a_workload() -> None:
    (workload,) = select(["lenet-infer"])
    names = [c.name for c in workload.contenders(list(PEERS), 2)]
    assert names == [
        *(
            "graphad",
            "torch eager",
            "torch compiled",
            "torch frozen",
            "jax",
            "onnxruntime",
            "openvino",
            "machine fma-float32",
        )
    ]
    quick = [c.name for c in workload.contenders(["torch"], 2, compiled=False)]
    assert quick == ["graphad", "torch eager", "torch frozen", "machine fma-float32"]
    assert "pytensor" in [c.name for c in select(["mlp-train"])[0].contenders(list(PEERS), 1)]
    (own, *_) = workload.contenders([], 2)
    assert own.arguments == ("lenet-infer", "--threads", "2")
    assert own.environment["OMP_NUM_THREADS"] == "2"
