"""Calls that touch the same states take turns: each sees values of one moment, and no update is lost.

A call that writes a state has it for itself; calls that only read go side by side. Who came first goes first, and a
call waits only for those before it that it clashes with: nobody waits for ever, however many readers there are.

A call in flight is a ``Visit``. It enters the line by one step that no other thread sees half done; where it is alone
there, as nearly always, that is all. Nobody holds a lock, so there is none to be left behind by an interrupted call or
in a forked child.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from threading import get_ident
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from graphad.runtime import forks

Array = NDArray[np.generic]
Result = TypeVar("Result")

_AGAIN: Final = 0.1  # seconds until one who waits looks again: a signal may have cut short who was to wake it


class Turn:
    """Which arrays a call reads and writes, by identity.

    >>> a, b = np.zeros(2), np.zeros(2)
    >>> Turn([a], []).clashes(Turn([a], [])), Turn([a], []).clashes(Turn([b], [a]))
    (False, True)
    """

    __slots__ = ("_kept", "touched", "whole", "writes")

    def __init__(self, reads: Iterable[Array], writes: Iterable[Array], *, whole: bool = False) -> None:
        """``whole``: it reads all arrays there are."""
        written = list(writes)
        self._kept = (*reads, *written)  # an array that is gone may lend its number to another
        self.whole = whole
        self.writes = frozenset(map(id, written))
        self.touched = frozenset(map(id, self._kept))

    def clashes(self, other: Turn) -> bool:
        """Whether one writes what the other reads or writes."""
        if not self.writes and not other.writes:
            return False
        if self.whole or other.whole:
            return True
        return not (self.writes.isdisjoint(other.touched) and other.writes.isdisjoint(self.touched))

    def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """``function(*arguments)`` in its turn."""
        visit = Visit(self)
        visit.thread = get_ident()
        try:
            line.append(visit)
            if len(line) > 1:
                wait(visit)
            return function(*arguments)
        finally:
            line.remove(visit)
            visit.leave()


class Visit:
    """One call in flight; may serve one after the other. ``Turn.run`` shows how.

    Who enters the line and leaves it writes so in its own ``try`` and first in its ``finally``: a signal could get
    between a function's call and its body, and a visit left behind would be waited for without end.
    """

    __slots__ = ("thread", "turn", "waiting")

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.thread = 0
        self.waiting: list[threading.Lock] = []  # one for each thread that waits until this visit is over

    def leave(self) -> None:
        """Those that waited look again."""
        while self.waiting:
            self.waiting.pop().release()


line: list[Visit] = []
"""The visits in the order of arrival. What is done to it is one step for all other threads."""


def wait(visit: Visit) -> None:
    """Until none before this one clashes."""
    while (other := _ahead(visit)) is not None:
        lock = threading.Lock()
        lock.acquire()
        other.waiting.append(lock)
        if _ahead(visit) is other:  # else it left before it could see the lock
            lock.acquire(timeout=_AGAIN)


def _ahead(visit: Visit) -> Visit | None:
    """The first visit that this one has to wait for.

    A thread may visit again inside of a visit: in a handler of a signal, or where an object is collected. Its own
    visits do not count then, nor do those that wait for them.
    """
    behind: list[Visit] = []
    for other in line.copy():
        if other is visit:
            break
        if other.thread == visit.thread or any(other.turn.clashes(b.turn) for b in behind):
            behind.append(other)
        elif other.turn.clashes(visit.turn):
            return other
    return None


class _Fork:
    """A fork sees states of one moment, too: the child's."""

    def __init__(self) -> None:
        self._visits: dict[int, Visit] = {}  # by thread

    def acquire(self, blocking: bool = True) -> bool:
        """Wait until no state is being written."""
        visit = self._visits[get_ident()] = Visit(_EVERYTHING)
        visit.thread = get_ident()
        line.append(visit)
        wait(visit)
        return blocking

    def release(self) -> None:
        visit = self._visits.pop(get_ident())
        line.remove(visit)
        visit.leave()


def _in_child() -> None:
    """Other threads' visits are over: they are not there."""
    line[:] = [visit for visit in line if visit.thread == get_ident()]


_EVERYTHING = Turn((), (), whole=True)
forks.hold(_Fork(), first=True)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
