"""Threads: who runs which part, what happens to errors, forks and ends of processes; how many there are."""

import os
import threading

import pytest

from graphad.runtime import GraphadError, default_threads
from graphad.runtime.pool import Pool
from graphad.runtime.threads import _quota
from tests.runtime.programs import run_axpy, run_python


def test_every_part_runs_once_and_part_0_on_the_caller():
    ran: dict[int, tuple[int, int]] = {}
    pool = Pool()
    for parts in (1, 2, 4, 3):
        ran.clear()
        assert pool.parallel(lambda part, parts: ran.update({part: (parts, threading.get_ident())}), parts) == parts
        assert sorted(ran) == list(range(parts))
        assert {count for count, _ in ran.values()} == {parts}
        assert len({thread for _, thread in ran.values()}) == parts
        assert ran[0][1] == threading.get_ident()


def test_a_busy_pool_makes_the_caller_run_alone():
    pool = Pool()
    inner: list[tuple[int, int, int]] = []

    def outer(part: int, parts: int) -> None:
        if part == 1:
            count = pool.parallel(lambda p, ps: inner.append((p, ps, threading.get_ident())), 4)
            inner.append((count, -1, threading.get_ident()))

    assert pool.parallel(outer, 2) == 2
    assert [(p, ps) for p, ps, _ in inner] == [(0, 1), (1, -1)]
    assert len({thread for _, _, thread in inner}) == 1


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_error_in_any_part_reaches_the_caller_after_all_parts_are_over(failing):
    pool, over = Pool(), []

    def task(part: int, parts: int) -> None:
        if part == failing:
            raise KeyError(part)
        over.append(part)

    for _ in range(3):  # the pool stays usable
        over.clear()
        with pytest.raises(KeyError, match=str(failing)):
            pool.parallel(task, 3)
        assert sorted(over) == sorted({0, 1, 2} - {failing})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_threads_of_its_own():
    # In a new process: a fork of pytest itself would carry its threads' locks.
    output = run_python(
        run_axpy(threads=2)
        + """
import os, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
assert any(t.name == "graphad-1" for t in threading.enumerate())
child = os.fork()
if child == 0:
    y[:] = 0
    executable.instantiate(programs.axpy_layout(5, threads=2), [np.ones(5)]).run([np.arange(5.0)], [y])
    os._exit(0 if y[0] == 13.0 and any(t.name == "graphad-1" for t in threading.enumerate()) else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("forked")
"""
    )
    assert output.endswith("forked\n")


def test_default_threads_obeys_the_variable(monkeypatch):
    monkeypatch.setenv("GRAPHAD_NUM_THREADS", " 3 ")
    assert default_threads() == 3


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
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
