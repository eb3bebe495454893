"""What a fork waits for, and what a child makes anew.

A child has the memory of its parent but one thread alone: locks that other threads held are never released there, and
what they were in the middle of stays half done. So

* a fork waits until no other thread is where a child could not go on from, and keeps them out until it is over:
  ``hold`` names the locks of such places (machine code being compiled, modules being imported, states being written);
* all other locks are a ``Lock``, which a child finds free.

A thread that forks inside of such a place, as a handler of signals may, goes on there in the child.
"""

from __future__ import annotations

import logging  # noqa: F401 (imported while a fork waits for an import, it would let go of what it never held)
import os
import threading
import time
import weakref
from types import TracebackType
from typing import Any, Final, Protocol

_POLL: Final = 0.001  # seconds between two looks whether other threads have left a section


class Holdable(Protocol):
    """What a fork holds: reentrant, as RLock is."""

    def acquire(self, blocking: bool = True) -> bool: ...

    def release(self) -> None: ...


class Lock:
    """A reentrant lock that is free in a forked child, unless the thread that forked has it."""

    def __init__(self) -> None:
        self._lock: Any = threading.RLock()
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.release()

    def renew(self) -> None:
        """In the child: another lock, where this one is held by a thread that is not there."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()


class Section:
    """A place for many threads at once, where none is while a process forks."""

    def __init__(self) -> None:
        self._gate: Any = threading.RLock()  # a fork's while nobody is inside
        self._inside: dict[int, int] = {}  # how deep, by thread

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._gate:
            self._inside[me] = self._inside.get(me, 0) + 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        me = threading.get_ident()
        if self._inside[me] > 1:
            self._inside[me] -= 1
        else:
            del self._inside[me]

    def acquire(self, blocking: bool = True) -> bool:
        """Keep others out, once none is inside; threads that are may go deeper until then."""
        while True:
            if self._gate.acquire(blocking=blocking):
                if set(self._inside) <= {threading.get_ident()}:
                    return True
                self._gate.release()
            if not blocking:
                return False
            time.sleep(_POLL)

    def release(self) -> None:
        """Let others in again."""
        self._gate.release()


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()
_line: list[Holdable] = []  # who waits there has a place; held first
_places: list[Holdable] = []
_held = threading.local()  # by the thread that forks


def hold(place: Holdable, *, first: bool = False) -> None:
    """From now on every fork waits for this place and holds it.

    ``first``: before all others, and while it waits for these. No thread may wait for it inside of another place.
    """
    (_line if first else _places).append(place)


def _before() -> None:
    _held.first, _held.places = [], []
    try:
        for place in _line:
            place.acquire()
            _held.first.append(place)
        _hold_all(_held.places)
    except BaseException:
        _after()
        raise


def _hold_all(held: list[Holdable]) -> None:
    """All places, in whatever order other threads enter them: while it waits for one, no other is held.

    An import that it waits for may bring another place.
    """
    while missing := [place for place in _places if place not in held]:
        place = missing[0]
        if not held or not place.acquire(blocking=False):
            _release(held)
            place.acquire()
        held.append(place)


def _release(held: list[Holdable]) -> None:
    while held:
        held.pop().release()


def _after() -> None:
    _release(getattr(_held, "places", []))
    _release(getattr(_held, "first", []))


def _in_child() -> None:
    for lock in list(_locks):
        lock.renew()
    _after()


if hasattr(os, "register_at_fork"):  # absent on Windows, which has no fork
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
