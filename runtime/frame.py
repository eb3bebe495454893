"""The memory of one call in flight: its table of addresses, its locals, and what its threads share."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphad.runtime.program import Layout, Program
from graphad.runtime.turns import Visit

ALIGNMENT = 4096  # bytes: a page
SKEW = 2048  # bytes from the beginning of a page to the arena
PAGE = 1 << 21  # bytes of a large page
MOST = 1 << 47  # bytes that a process can address
HEADER_WORDS = 8  # addresses of table, sizes, sync, clock, status
STATUS_WORDS = 8  # code, detail, taken
SYNC_WORDS = 16  # of a barrier: arrivals in word 0; generation in word 8, sleepers in word 9: two cache lines


def _padded(words: int) -> int:
    return -(-words // 8) * 8


def _skewed(words: int) -> int:
    """The first word from there on that lies in the middle of a page."""
    return words + (SKEW // 8 - words) % (ALIGNMENT // 8)


def _block(nbytes: int) -> tuple[NDArray[np.uint8], int]:
    """Memory, and where in it an aligned block of so many bytes begins; of large pages, if it is large.

    Kernels walk many channels side by side, each on pages of its own: more than the processor remembers the addresses
    of, unless pages are large.
    """
    if nbytes > MOST:
        raise MemoryError(f"{nbytes} bytes")
    alignment = PAGE if nbytes >= PAGE else ALIGNMENT
    raw = np.empty(nbytes + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    if nbytes >= PAGE and _advise is not None:
        _advise(ctypes.c_void_p(raw.ctypes.data + start), ctypes.c_size_t(nbytes // PAGE * PAGE), _HUGE)  # a wish
    return raw, start


def _madvise() -> Any:
    """The system's call that asks for large pages; None where there is none."""
    return getattr(ctypes.CDLL(None), "madvise", None) if sys.platform == "linux" else None


_advise = _madvise()
_HUGE = 14  # MADV_HUGEPAGE


class Frame:
    """One block: header, status, sync, sizes, table, arena; `address` is where it starts.

    A load waits for a store before it that has the same place in some other page, even in part. Large arrays begin
    where pages begin, or soon after, so the arena begins in the middle of one. It is not cleared: a program writes a
    local before it reads it.
    """

    def __init__(
        self,
        program: Program,
        layout: Layout,
        states: Sequence[NDArray[np.generic]],
        constants: Sequence[NDArray[np.generic]],
        visit: Visit | None = None,
    ) -> None:
        self.visit = visit  # of a call that touches states
        bound = len(program.inputs) + len(program.outputs)
        entries = bound + len(states) + len(constants) + program.locals
        at_sync = HEADER_WORDS + STATUS_WORDS
        at_sizes = at_sync + SYNC_WORDS
        at_table = at_sizes + _padded(len(layout.sizes))
        at_arena = _skewed(at_table + entries)
        raw, start = _block(8 * at_arena + layout.nbytes)
        self._raw = raw
        self.address = raw.ctypes.data + start
        self.words = raw[start : start + 8 * at_arena].view(np.int64)
        self.words[:] = 0
        self.header = self.words[:HEADER_WORDS]
        self.status = self.words[HEADER_WORDS:at_sync]
        self.header[:5] = [self.address + 8 * at for at in (at_table, at_sizes, at_sync, 0, HEADER_WORDS)]
        self.header[3] = 0  # no clock: not profiling
        self.words[at_sizes : at_sizes + len(layout.sizes)] = layout.sizes
        arena = self.address + 8 * at_arena
        fixed = [array.ctypes.data for array in (*states, *constants)] + [arena + at for at in layout.offsets]
        self.words[at_table + bound : at_table + entries] = fixed

    def failure(self) -> tuple[int, int] | None:
        """Code and detail of the guard that failed, which are then forgotten; None if none did."""
        code, detail = int(self.status[0]), int(self.status[1])
        if code == 0:
            return None
        self.status[:] = 0
        return code, detail
