"""Threads: who runs which part, what happens to sleepers, callers at once and forks; how many there are."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from graphad.runtime import GraphadError, Layout, Program, ThreadWarning, allowed_threads, default_threads, load, pool
from graphad.runtime.instance import Instance
from graphad.runtime.threads import _quota
from tests.runtime.programs import HEAD, RUN, run_axpy, run_python, start_python, vector

# z[part] counts how often that part ran, z[8 + part] is of how many parts it was
MARKS = Program(
    "marks",
    HEAD
    + """@kernel
def k(z, n, part, parts):
    t = float64(0.0)
    for i in range(n * part):
        t = t + math.sin(float64(i))
    z[part] = z[part] + float64(1.0)
    z[8 + part] = float64(parts) + t * float64(0.0)
"""
    + RUN
    + "    k(float64_at(table, 0), sizes[0], part, parts)\n",
    (), (vector("z"),), (), (), 0, ("k",),
)  # fmt: skip


def marks(work: int, parts: int) -> Instance:
    instance = load(MARKS).instantiate(Layout((work,), (), 0, ((17,),), parts), [])
    instance._pace.took = lambda seconds: None  # type: ignore[method-assign]  # each call is to use all threads
    return instance


def counts(instance: Instance, calls: int = 1) -> list[float]:
    z = np.zeros(17)
    for _ in range(calls):
        instance.run([], [z])
    return z.tolist()


@pytest.mark.parametrize("work", [0, 2000])  # workers that are done at once, and workers that are waited for
def test_every_part_runs_once_whatever_was_before(work: int) -> None:
    instances = {parts: marks(work, parts) for parts in (1, 2, 4, 3, 8)}
    for _ in range(20):
        for parts, instance in instances.items():
            found = counts(instance)
            assert found[:8] == [1.0] * parts + [0.0] * (8 - parts)
            assert found[8:16] == [float(parts)] * parts + [0.0] * (8 - parts)


def test_threads_that_slept_wake_up() -> None:
    instance = marks(10, 3)
    for pause in (0.0, 0.0001, 0.0005, 0.01, 0.05):
        for _ in range(5):
            time.sleep(pause)
            assert counts(instance)[:4] == [1.0, 1.0, 1.0, 0.0]


def test_many_runs_lose_none() -> None:
    assert counts(marks(0, 2), 20_000)[:3] == [20_000.0, 20_000.0, 0.0]
    assert counts(marks(5, 4), 300)[:5] == [300.0] * 4 + [0.0]


def test_runs_beside_busy_processes_end() -> None:
    """Every core taken twice over by others: waiting threads give theirs up."""
    instance = marks(20, 4)
    busy = [start_python("while True: pass") for _ in range(2 * (os.cpu_count() or 1))]
    try:
        assert counts(instance, 200)[:5] == [200.0] * 4 + [0.0]
    finally:
        for process in busy:
            process.kill()
            process.communicate()


def test_callers_at_once_share_the_team_or_run_alone() -> None:
    instance, alone, several = marks(50, 2), 0, 0

    def call() -> None:
        nonlocal alone, several
        for _ in range(400):
            found = counts(instance)
            assert found[:2] in ([1.0, 0.0], [1.0, 1.0])
            assert found[8] == 1.0 + found[1]
            alone += found[1] == 0.0
            several += found[1] == 1.0

    with ThreadPoolExecutor(4) as callers:
        for one in [callers.submit(call) for _ in range(4)]:
            one.result()
    assert alone + several == 1600
    assert several


@pytest.mark.parametrize("given", [0, 2])
def test_threads_that_the_system_does_not_give_are_done_without(monkeypatch: pytest.MonkeyPatch, given: int) -> None:
    instance, asked, start = marks(0, 8), [], pool._start

    def scarce(work: int, slot: int) -> int:
        asked.append(slot)
        return int(start(work, slot)) if len(asked) <= given else pool._NONE

    monkeypatch.setattr(pool, "_start", scarce)
    monkeypatch.setattr("graphad.runtime.instance.pool", pool.Pool())
    with pytest.warns(ThreadWarning, match=f"calls run on {given + 1} instead of 8, with the same results"):
        assert counts(instance)[:9] == [1.0] * (given + 1) + [0.0] * (7 - given) + [given + 1.0]
    assert counts(instance, 100)[:8] == [100.0] * (given + 1) + [0.0] * (7 - given)  # and no second warning
    assert len(asked) == given + 1  # nor is the system asked at every call


def test_a_system_that_gives_threads_again_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    instance, start = marks(0, 3), pool._start
    monkeypatch.setattr(pool, "_start", lambda work, slot: pool._NONE)
    monkeypatch.setattr(pool, "REST", 0.0)
    monkeypatch.setattr("graphad.runtime.instance.pool", pool.Pool())
    with pytest.warns(ThreadWarning):
        assert counts(instance)[:3] == [1.0, 0.0, 0.0]
    monkeypatch.setattr(pool, "_start", start)
    assert counts(instance)[:3] == [1.0, 1.0, 1.0]


def test_kernels_are_compiled_without_threads_where_none_start(
    monkeypatch: pytest.MonkeyPatch, fresh_cache: Path
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert counts(marks(3, 1))[:2] == [1.0, 0.0]
    assert fresh_cache.is_dir()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_threads_of_its_own():
    # In a new process: a fork of pytest itself would carry its threads' locks.
    output = run_python(
        run_axpy(threads=2)
        + """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
from graphad.runtime.pool import pool
assert pool.size == 1
child = os.fork()
if child == 0:
    y[:] = 0
    assert pool.size == 0
    executable.instantiate(programs.axpy_layout(5, threads=2), [np.ones(5)]).run([np.arange(5.0)], [y])
    os._exit(0 if y[0] == 13.0 and pool.size == 1 else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("forked")
"""
    )
    assert output.endswith("forked\n")


def test_default_threads_obeys_the_variable(monkeypatch):
    monkeypatch.setenv("GRAPHAD_NUM_THREADS", " 3 ")
    assert default_threads() == 3


@pytest.mark.parametrize("text", ["10000", "9" * 5000, "00010000"])
def test_the_variable_asks_for_four_times_the_cores_at_most(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setenv("GRAPHAD_NUM_THREADS", text)
    number = text.lstrip("0")[:9]
    with pytest.warns(ThreadWarning, match=f"GRAPHAD_NUM_THREADS={number} is more than 4 .* cores; 12 are used"):
        assert default_threads() == 12
    assert allowed_threads("threads=12", 12) == 12


@pytest.mark.parametrize("text", ["0", "-1", "00", "0x10", "two", "1.5", "²"])
def test_a_bad_variable_is_an_error_that_says_what_to_write(monkeypatch, text):
    monkeypatch.setenv("GRAPHAD_NUM_THREADS", text)
    with pytest.raises(GraphadError, match=f"GRAPHAD_NUM_THREADS='{text}' is not a number of threads; set a positive"):
        default_threads()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_default_threads_obeys_affinity():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert default_threads() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, 1 << 16),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1 << 16),
        ({}, 1 << 16),
    ],
)
def test_quota_of_the_container(tmp_path, files, cores):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert _quota(tmp_path) == cores
