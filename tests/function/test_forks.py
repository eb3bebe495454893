"""A process that forks while its threads are anywhere in graphad: the child calls, compiles and ends.

Each test runs in a process of its own, with a watchdog around every child.
"""

import os

import pytest

from tests.runtime.programs import run_python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

BEGIN = """
import faulthandler, gc, os, signal, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
import numpy as np
import graphad as ga

x = ga.input("x", ("N",))
w, v = (ga.parameter(name, np.zeros(20_000, np.float32)) for name in "wv")
step = ga.compile([], ga.sum(w), {w: w + 1, v: v + 1}, threads=2)
predict = ga.compile([x], ga.sum(x) * w[0], threads=2)
numbers = iter(range(1, 10**9))
data = np.ones(10, np.float32)
going = True

def fresh():
    "A function that nobody has compiled."
    return ga.compile([x], ga.sum(ga.exp(x * (next(numbers) + 1000 * os.getpid()))))

def repeated(work):
    def run():
        while going:
            work()
    thread = threading.Thread(target=run, daemon=True)  # no failure waits for it
    thread.start()
    return thread

def forked(child, seconds=300):
    pid = os.fork()
    if pid == 0:
        try:
            child()
        except BaseException as error:
            print("child:", type(error).__name__, error, flush=True)
            os._exit(1)
        os._exit(0)
    ends = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > ends:
            os.kill(pid, signal.SIGABRT)  # says where it hangs
            os.waitpid(pid, 0)
            return "hangs"
        time.sleep(0.002)

def works(inside=False):
    "Calls and compiles; states are of one moment. Inside: forked where this thread may be compiling itself."
    values = np.concatenate([w.value, v.value])
    assert values.min() == values.max(), "torn"
    step()
    predict(data)
    assert w.value[-1] == values[0] + 1
    fresh()(data)
    assert inside or gc.isenabled()

faulthandler.enable()
step(), predict(data), fresh()(data)
"""
END = """
going = False
for thread in threads:
    thread.join()
works()
print("done")
"""


def check(work: str) -> None:
    assert run_python(BEGIN + work + END).splitlines()[-1:] == ["done"]


@pytest.mark.parametrize(
    ("works", "times"),
    [
        ("step, step, lambda: predict(data)", 8),
        ("lambda: fresh()(data), lambda: fresh()(data)", 4),
        ("step, lambda: fresh()(data), lambda: fresh().show(), lambda: w.value", 4),
    ],
    ids=["calls", "compiles", "both"],
)
def test_a_child_works_whatever_other_threads_do(works: str, times: int) -> None:
    check(f"""
threads = [repeated(work) for work in ({works})]
found = [forked(works) for _ in range({times})]
assert found == [0] * {times}, found
""")


def test_a_child_forked_by_a_thread_and_its_own_children_work() -> None:
    check("""
threads = [repeated(step), repeated(lambda: fresh()(data))]
found = []

def grandchild():
    works()
    assert forked(works) == 0

forking = threading.Thread(target=lambda: found.extend(forked(grandchild) for _ in range(2)))
forking.start()
forking.join()
assert found == [0] * 2, found
""")


def test_a_pool_of_processes_works_beside_threads() -> None:
    check("""
import multiprocessing
threads = [repeated(step), repeated(lambda: fresh()(data))]

def task(k):
    works()
    return k

with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map_async(task, range(4)).get(300) == list(range(4))
""")


def test_a_fork_inside_of_a_call_or_a_compilation_works() -> None:
    """In a handler of a signal, wherever the main thread is in a step or compiles."""
    check("""
threads = [repeated(step)]
found = []
signal.signal(signal.SIGALRM, lambda *_: found.append(forked(lambda: works(inside=True))))
ends = time.monotonic() + 300
while len(found) < 3 and time.monotonic() < ends:
    signal.setitimer(signal.ITIMER_REAL, 0.003 * (1 + len(found)))
    before = len(found)
    while len(found) == before and time.monotonic() < ends:
        step()
        fresh()(data)
assert found == [0] * 3, found
""")


def test_a_child_forked_while_modules_are_imported_or_numba_compiles_works() -> None:
    check("""
from graphad.runtime import jit

def looped(k):
    return jit(lambda n: n * k)(2)

def child():
    assert looped(3) == 6
    step()

threads = [threading.Thread(target=lambda: [looped(k) for k in range(4)], daemon=True) for _ in range(2)]
for thread in threads:
    thread.start()
found = []
while any(thread.is_alive() for thread in threads) and len(found) < 3:
    time.sleep(0.2)  # first Numba is imported
    found.append(forked(child))
assert found == [0] * len(found) and found, found
""")
