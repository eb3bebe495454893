"""Worker threads for compiled code, which releases the GIL.

One wake and one join a call. A worker sleeps on a lock of its own: a hand-over costs microseconds, but idle workers
cost nothing. Two spinning pools in one process (ours and that of BLAS or OpenMP) would ruin each other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

Task = Callable[..., Any]  # (part, parts, *args)


class Worker:
    """A thread that runs one part at a time."""

    def __init__(self, part: int) -> None:
        self.part = part
        self.job: tuple[Task, int, tuple[Any, ...]] | None = None
        self.error: BaseException | None = None
        self.wake, self.done = threading.Lock(), threading.Lock()
        self.wake.acquire()
        self.done.acquire()
        threading.Thread(target=self._serve, name=f"graphad-{part}", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.wake.acquire()
            try:
                if self.job is not None:
                    task, parts, args = self.job
                    task(self.part, parts, *args)
            except BaseException as error:  # handed to the caller
                self.error = error
            finally:
                # Dropped before the join: the caller may expect to hold the only reference to its arrays.
                self.job = task = args = None  # type: ignore[assignment]
                self.done.release()


class Pool:
    """Threads shared by all programs of a process."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._workers: list[Worker] = []

    def parallel(self, task: Task, parts: int, *args: Any) -> int:
        """Run task(part, parts, *args) for every part, part 0 on the calling thread; return how many parts there were.

        If another thread is using the pool, or no thread can be had, the caller runs task(0, 1, *args) alone instead.
        Raises what part 0 raised, else what the first worker raised, after all parts are over.
        """
        if parts <= 1 or not self._busy.acquire(blocking=False):
            task(0, 1, *args)
            return 1
        try:
            workers = self._enough(parts - 1)
            if workers is None:
                task(0, 1, *args)
                return 1
            self._fork_join(workers, task, parts, args)
            return parts
        finally:
            self._busy.release()

    def _enough(self, count: int) -> list[Worker] | None:
        try:
            while len(self._workers) < count:
                self._workers.append(Worker(len(self._workers) + 1))
        except RuntimeError:  # the system's limit on threads, or the interpreter is ending
            return None
        return self._workers[:count]

    def _fork_join(self, workers: list[Worker], task: Task, parts: int, args: tuple[Any, ...]) -> None:
        for worker in workers:
            worker.job = (task, parts, args)
            worker.wake.release()
        failure: BaseException | None = None
        try:
            task(0, parts, *args)
        except BaseException as error:  # raised below, once no worker uses the arguments any more
            failure = error
        for worker in workers:
            interrupt = _wait(worker.done)
            failure = failure or interrupt or worker.error
            worker.error = None
        if failure is not None:
            raise failure


def _wait(done: threading.Lock) -> BaseException | None:
    """Acquire, whatever happens: a Ctrl-C is returned, not raised, because the worker still writes to the results."""
    interrupt: BaseException | None = None
    while True:
        try:
            done.acquire()
        except BaseException as error:
            interrupt = error
        else:
            return interrupt


pool = Pool()

if hasattr(os, "register_at_fork"):  # absent on Windows, which has no fork
    os.register_at_fork(after_in_child=pool.__init__)  # type: ignore[misc]  # the parent's threads are not in the child
