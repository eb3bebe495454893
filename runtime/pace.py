"""Whether a call goes quicker on all its threads or on one."""

from __future__ import annotations

TRIES = 4  # calls in the other way, before the quicker one is taken
RESTS = 4096  # calls until the other way is tried again
SHORT = 0.002  # seconds of a call that may be quicker on one thread: a longer one gains by any other
SLOW = 4  # times the quickest call: threads that wait for a core, not chance
LEAST = 0.0005  # seconds of a slow call: a thread that has to be woken takes some microseconds
FIRST, MOST = 16, 256  # calls on one thread after slow ones, before several are tried again


class Pace:
    """Times calls, on several threads at first, and answers which way the next one goes: results do not depend on it.

    Short calls are tried both ways: meeting at every barrier may cost more than sharing saves. Calls that take many
    times as long as they did are followed by some on one thread: a thread whose core another process holds keeps all
    others waiting at every barrier, some milliseconds each, while one thread alone has its share of a core at least.

    >>> pace = Pace()
    >>> for seconds in (0.001, 0.009, 0.012):
    ...     pace.took(seconds)
    >>> pace.alone
    True
    """

    def __init__(self) -> None:
        self.alone = False  # the way of the next call
        self._trying = False
        self._left = 2 * TRIES
        self._best = {True: float("inf"), False: float("inf")}  # seconds, of the last calls that way
        self._quickest = float("inf")
        self._slow = 0
        self._next = FIRST

    def took(self, seconds: float) -> None:
        """A call is over."""
        best = self._best
        if seconds < best[self.alone]:
            best[self.alone] = seconds
        if not self.alone and self._crowded(seconds):
            self._go(alone=True, calls=self._rest())
            return
        self._left -= 1
        if self._left > 0:
            return
        if self._trying:
            self._trying = False
            alone = best[True] < best[False]
            self._go(alone=alone, calls=self._rest() if alone and self._quickest < best[True] else RESTS)
        elif self.alone or best[False] < SHORT:
            self._trying = True
            self._go(alone=not self.alone, calls=TRIES)
            best[self.alone] = float("inf")
        else:
            self._left = RESTS

    def _rest(self) -> int:
        """Calls on one thread while others hold the cores: several have been quicker, and may soon be again."""
        calls, self._next = self._next, min(2 * self._next, MOST)
        return calls

    def _go(self, *, alone: bool, calls: int) -> None:
        self.alone, self._left = alone, calls

    def _crowded(self, seconds: float) -> bool:
        """Two slow calls in a row are no chance; each pair makes tries rarer."""
        if seconds <= max(SLOW * self._quickest, LEAST):
            if seconds < self._quickest:
                self._quickest = seconds
            self._slow, self._next = 0, FIRST
            return False
        self._slow += 1
        self._trying = False
        return self._slow >= 2
