"""Who waits for whom: calls that touch the same arrays, in the order in which they came."""

import _thread
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from graphad.runtime import Turn
from graphad.runtime.turns import line

A, B = np.zeros(1), np.zeros(1)
WAIT = 60.0  # seconds after which something hangs


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.001)


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Ctrl-C raises, also where the suite runs in the background of a shell, which has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Held:
    """A visit in a thread of its own, until it is let go."""

    def __init__(self, threads: ThreadPoolExecutor, turn: Turn) -> None:
        self.inside, self.go = threading.Event(), threading.Event()
        self.done: Future[None] = threads.submit(turn.run, self._stay)
        until(lambda: any(visit.turn is turn for visit in line.copy()))

    def _stay(self) -> None:
        self.inside.set()
        assert self.go.wait(WAIT)

    def leave(self) -> None:
        self.go.set()
        self.done.result(WAIT)


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (Turn([A], []), Turn([A], []), False),
        (Turn([A], [A]), Turn([A], []), True),
        (Turn([], [A]), Turn([A, B], []), True),
        (Turn([A], [A]), Turn([B], [B]), False),
        (Turn([A], [B]), Turn([B], [A]), True),
        (Turn([], [A]), Turn([], [], whole=True), True),
        (Turn([A], []), Turn([], [], whole=True), False),
    ],
)
def test_who_clashes(one: Turn, other: Turn, clash: bool) -> None:
    assert one.clashes(other) is other.clashes(one) is clash


def test_readers_go_side_by_side_and_writers_alone() -> None:
    with ThreadPoolExecutor(4) as threads:
        first, second = (Held(threads, Turn([A], [])) for _ in range(2))
        assert first.inside.wait(WAIT)
        assert second.inside.wait(WAIT)
        writer, elsewhere = Held(threads, Turn([A], [A])), Held(threads, Turn([B], [B]))
        assert elsewhere.inside.wait(WAIT)
        first.leave()
        assert not writer.inside.wait(0.05)
        second.leave()
        assert writer.inside.wait(WAIT)
        writer.leave()
        elsewhere.leave()
    assert not line


def test_a_writer_comes_before_readers_that_came_later() -> None:
    with ThreadPoolExecutor(3) as threads:
        first, writer, later = (Held(threads, Turn([A], [A] if k == 1 else [])) for k in range(3))
        assert first.inside.wait(WAIT)
        assert not later.inside.wait(0.05)
        first.leave()
        assert writer.inside.wait(WAIT)
        assert not later.inside.wait(0.05)
        writer.leave()
        later.leave()
    assert not line


def test_a_visit_inside_of_a_visit_waits_for_nobody_who_waits_for_it() -> None:
    with ThreadPoolExecutor(2) as threads:

        def outer() -> str:
            Held(threads, Turn([A], [A])).go.set()  # waits for this thread
            return Turn([A], [A]).run(lambda: "inner")

        assert Turn([A], []).run(outer) == "inner"
        other = Held(threads, Turn([B], [B]))  # has its turn: a visit inside waits for it

        def wait_for_other() -> bool:
            threading.Timer(0.02, other.go.set).start()
            return Turn([B], []).run(other.go.is_set)

        assert Turn([A], []).run(wait_for_other)
    assert not line


def test_a_failure_gives_the_turn_back() -> None:
    with pytest.raises(ZeroDivisionError):
        Turn([], [A]).run(lambda: 1 // 0)
    assert not line


@pytest.mark.usefixtures("interrupts")
def test_an_interrupt_of_one_who_waits_leaves_nothing_behind() -> None:
    with ThreadPoolExecutor(2) as threads:
        writer = Held(threads, Turn([], [A]))
        mine = Turn([], [A])

        def interrupt() -> None:
            until(lambda: any(visit.turn is mine for visit in line.copy()))
            later = Held(threads, Turn([A], []))  # waits for the main thread too
            _thread.interrupt_main()
            until(lambda: all(visit.turn is not mine for visit in line.copy()))
            writer.leave()
            assert later.inside.wait(WAIT)
            later.leave()

        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            mine.run(lambda: None)
        interrupting.join(WAIT)
    assert not line


def test_no_one_is_lost_among_many() -> None:
    arrays = [np.zeros(1) for _ in range(3)]
    counts = [0, 0, 0]

    def work(k: int) -> None:
        turn = Turn([arrays[k - 1]], [arrays[k]])
        for _ in range(300):

            def add() -> None:
                old = counts[k]
                time.sleep(0)  # lets others run
                counts[k] = old + 1

            turn.run(add)

    with ThreadPoolExecutor(6) as threads:
        for one in [threads.submit(work, k % 3) for k in range(6)]:
            one.result(WAIT)
    assert counts == [600, 600, 600]
    assert not line
