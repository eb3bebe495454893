"""Memory planning: one arena for everything that does not leave the call, reused as values die."""

from collections.abc import Mapping, Sequence

from graphad.compiler.interpret import number
from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.storage import Storage

ALIGN = 64  # bytes
GAP = 4096
"""Bytes between threads' copies of a storage: processors fetch ahead, within a page, what is another thread's then."""


def plan_memory(
    launches: Sequence[Launch], storages: Sequence[Storage], sizes: Mapping[str, int], threads: int
) -> tuple[tuple[int, ...], int]:
    """Each storage's offset in bytes, and the arena's size.

    Largest first, each at the lowest offset free during its life: from the first launch that touches it to the last.
    """
    lives = _lives(launches)
    nbytes = {s: _bytes(s, sizes, threads) for s in storages}
    placed: list[tuple[Storage, int]] = []
    offsets: dict[Storage, int] = {}
    for storage in sorted(storages, key=lambda s: (-nbytes[s], s.slot)):
        if storage not in lives:
            offsets[storage] = 0
            continue
        offsets[storage] = _lowest(storage, placed, lives, nbytes)
        placed.append((storage, offsets[storage]))
    total = max((at + nbytes[s] for s, at in placed), default=0)
    return tuple(offsets[s] for s in storages), total


def _bytes(storage: Storage, sizes: Mapping[str, int], threads: int) -> int:
    one = _aligned(number(storage.size, sizes) * ITEMSIZE[storage.dtype])
    return one * threads + GAP * (threads - 1) if storage.per_part else one


def _aligned(nbytes: int) -> int:
    return (nbytes + ALIGN - 1) // ALIGN * ALIGN


def _lives(launches: Sequence[Launch]) -> dict[Storage, tuple[int, int]]:
    lives: dict[Storage, tuple[int, int]] = {}
    for i, launch in enumerate(launches):
        for storage in launch.storages:
            lives[storage] = (lives.get(storage, (i, i))[0], i)
    return lives


def _lowest(
    storage: Storage,
    placed: Sequence[tuple[Storage, int]],
    lives: Mapping[Storage, tuple[int, int]],
    nbytes: Mapping[Storage, int],
) -> int:
    first, last = lives[storage]
    busy = sorted((at, at + nbytes[s]) for s, at in placed if lives[s][0] <= last and first <= lives[s][1])
    low = 0
    for start, end in busy:
        if start - low >= nbytes[storage]:
            return low
        low = max(low, end)
    return low
