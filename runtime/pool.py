"""The threads that run programs' parts: a team for all programs of a process, as teams.py describes it.

They are no threads of Python's: they never hold the GIL, and wait in compiled code.
"""

from __future__ import annotations

import ctypes
import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graphad.runtime.linking import Linked

MOST = 1024  # threads of a team
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
        raw = np.zeros(_FIRST + _SLOT * MOST + 8, np.int64)  # pages that nobody touches take no memory
        _keep(raw)  # for ever: threads look at it that nobody waits for, not even the end of the process
        self._words = raw[-(raw.ctypes.data // 8) % 8 :]
        self.address = int(self._words.ctypes.data)
        self._words[10] = _new_lock()

    def team(self, parts: int, program: Linked) -> int:
        """The address of a team for so many parts; 0 if the system gives no more threads: one runs alone then."""
        if self.size < parts - 1 and not self._grow(parts - 1, program):
            return 0
        return self.address

    def _grow(self, size: int, program: Linked) -> bool:
        with self._growing:
            if self.size < min(size, MOST):
                program.keep()  # its code is where the new threads wait
            while self.size < min(size, MOST):
                at = _FIRST + _SLOT * self.size
                self._words[at + 9 : at + 12] = _new_lock(), self.size + 1, self.address
                if _start(program.work, self.address + 8 * at) == _NONE:
                    return False
                self.size += 1
        return self.size >= size


def _new_lock() -> int:
    """A lock of Python's that is taken: who acquires it sleeps until it is released."""
    lock = _allocate()
    _acquire(lock, 1)
    return int(lock)


pool = Pool()

if hasattr(os, "register_at_fork"):  # absent on Windows, which has no fork
    os.register_at_fork(after_in_child=pool.__init__)  # type: ignore[misc]  # the parent's threads are not in the child
