"""The threads that run programs' parts: a team for all programs of a process, as teams.py describes it.

They are no threads of Python's: they never hold the GIL, and wait in compiled code.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from graphad.runtime.errors import ThreadWarning

if TYPE_CHECKING:
    from graphad.runtime.linking import Linked

MOST = 1024  # threads of a team
REST = 1.0  # seconds after which a system that refused a thread is asked again
_SLOT, _FIRST = 16, 16  # words, as in teams.py
_python: Any = ctypes.pythonapi
_allocate = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThread_allocate_lock", _python))
_acquire = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)(("PyThread_acquire_lock", _python))
_start = ctypes.PYFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p)(("PyThread_start_new_thread", _python))
_keep = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", _python))
_NONE = ctypes.c_ulong(-1).value  # instead of a thread


class Pool:
    """A team that grows to the most parts that were asked for."""

    def __init__(self) -> None:
        self.size = 0  # threads of its own, besides the caller
        self._growing = threading.Lock()
        self._rests_until = 0.0
        self._told = False
        raw = np.zeros(_FIRST + _SLOT * MOST + 8, np.int64)  # pages that nobody touches take no memory
        _keep(raw)  # for ever: threads look at it that nobody waits for, not even the end of the process
        self._words = raw[-(raw.ctypes.data // 8) % 8 :]
        self.address = int(self._words.ctypes.data)
        self._words[10] = _new_lock()

    def team(self, parts: int, program: Linked) -> tuple[int, int]:
        """For how many parts there is a team, and its address: fewer, if the system gives no more threads."""
        if self.size < parts - 1:
            self._grow(min(parts - 1, MOST), program)
            parts = min(parts, self.size + 1)
        return parts, self.address

    def _grow(self, size: int, program: Linked) -> None:
        with self._growing:
            if self.size >= size or time.monotonic() < self._rests_until:
                return
            program.keep()  # its code is where the new threads wait
            while self.size < size and self._start(program):
                pass
            if self.size == size:
                return
            self._rests_until = time.monotonic() + REST
            told, self._told = self._told, True
        if not told:
            warnings.warn(
                f"the system starts no more threads: calls run on {self.size + 1} instead of {size + 1}, with the same "
                "results; set GRAPHAD_NUM_THREADS, or raise the limit of this user's processes",
                ThreadWarning,
                stacklevel=2,
            )

    def _start(self, program: Linked) -> bool:
        at = _FIRST + _SLOT * self.size
        if not self._words[at + 9]:
            self._words[at + 9] = _new_lock()
        self._words[at + 10 : at + 12] = self.size + 1, self.address
        self.size += 1  # before: a signal after the start must not make it forgotten
        if _start(program.work, self.address + 8 * at) == _NONE:
            self.size -= 1
            return False
        return True


def _new_lock() -> int:
    """A lock of Python's that is taken: who acquires it sleeps until it is released."""
    lock = _allocate()
    _acquire(lock, 1)
    return int(lock)


pool = Pool()

if hasattr(os, "register_at_fork"):  # absent on Windows, which has no fork
    os.register_at_fork(after_in_child=pool.__init__)  # type: ignore[misc]  # the parent's threads are not in the child
