"""Whether it pays to wait for other threads, on a machine that others use, too."""

from __future__ import annotations

SLOW = 4  # times the quickest call: threads that wait for a core, not chance
LEAST = 0.0005  # seconds of a slow call: a thread that has to be woken takes some microseconds
FIRST, MOST = 16, 256  # calls on one thread after that, before several are tried again


class Crowding:
    """Calls on several threads that take many times as long as they did are followed by some on one thread.

    A thread whose core another process holds keeps all others waiting at every barrier, some milliseconds each. One
    thread alone takes its share of a core at least. Results do not depend on the number of threads.

    >>> crowding = Crowding()
    >>> for seconds in (0.001, 0.009, 0.012):
    ...     crowding.took(seconds)
    >>> [crowding.alone() for _ in range(17)].count(True)
    16
    """

    def __init__(self) -> None:
        self.quickest = float("inf")
        self.slow = self.left = 0
        self.next = FIRST

    def alone(self) -> bool:
        """Whether the next call is to run on one thread."""
        if not self.left:
            return False
        self.left -= 1
        return True

    def took(self, seconds: float) -> None:
        """A call on several threads is over. Two slow ones in a row are no chance; each pair makes tries rarer."""
        if seconds <= max(SLOW * self.quickest, LEAST):
            self.quickest = min(self.quickest, seconds)
            self.slow, self.next = 0, FIRST
            return
        self.slow += 1
        if self.slow >= 2:
            self.left, self.next = self.next, min(2 * self.next, MOST)
