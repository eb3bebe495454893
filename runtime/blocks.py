"""Memory of large results, used again when the caller has dropped them.

A fresh block of memory is zeroed page by page as it is touched, which takes longer than most kernels take to fill it.
Results belong to the caller; when the last array that looks into a block is gone, the block waits here for the next
result of its size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LARGE: Final = 1 << 20  # bytes; what is smaller comes from malloc, which keeps it as well
KEPT: Final = 256 << 20  # bytes that may wait at a time
_ALIGNMENT: Final = 4096
"""Bytes: a page. A load waits for a store before it that has the same place in some other page, even in part. malloc's
large arrays begin 16 bytes into a page, so a loop that stores what it loads runs into that, unless its results begin
before there."""

_waiting: dict[int, list[NDArray[np.uint8]]] = {}  # by size; no lock: what is done to it is atomic


class _Block:
    """Memory that goes back when nobody looks into it any more: the base of the array that is handed out."""

    __slots__ = ("__array_interface__", "_memory")

    def __init__(self, memory: NDArray[np.uint8], shape: Sequence[int], dtype: np.dtype[Any]) -> None:
        self._memory = memory
        address = memory.ctypes.data + -memory.ctypes.data % _ALIGNMENT
        self.__array_interface__ = {
            "version": 3, "shape": tuple(shape), "typestr": dtype.str, "data": (address, False)
        }  # fmt: skip

    def __del__(self) -> None:
        _give(self._memory)


def empty(shape: Sequence[int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array whose elements are not set. Large ones begin with a page, and their memory is used again.

    Up to 256 MiB wait for that in the process; ``release`` gives them back to the system.

    >>> a = empty((1024, 1024), np.dtype("float32"))
    >>> a.shape, a.flags.writeable, a.ctypes.data % 4096
    ((1024, 1024), True, 0)
    """
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes < LARGE:
        return np.empty(shape, dtype)
    return np.asarray(_Block(_take(nbytes + _ALIGNMENT), shape, dtype))


def release() -> int:
    """Give the memory that waits for results back to the system; answers how many bytes it was.

    >>> a = empty((1024, 1024), np.dtype("float32"))
    >>> del a
    >>> release() > 4 * 1024 * 1024, release()
    (True, 0)
    """
    total = 0
    for size in list(_waiting):
        total += size * len(_waiting.pop(size, ()))
    return total


def _take(size: int) -> NDArray[np.uint8]:
    try:
        return _waiting[size].pop()
    except (KeyError, IndexError):
        return np.empty(size, np.uint8)


def _give(memory: NDArray[np.uint8]) -> None:
    """Keep the memory, and if that is too much, not what waits for another size, the one that waited longest first."""
    size = memory.nbytes
    for other in list(_waiting):
        if _held() + size <= KEPT:
            break
        if other != size:
            _waiting.pop(other, None)
    if _held() + size <= KEPT:
        _waiting.setdefault(size, []).append(memory)


def _held() -> int:
    return sum(size * len(blocks) for size, blocks in list(_waiting.items()))
