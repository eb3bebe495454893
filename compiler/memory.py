"""Memory planning: one arena for everything that does not leave the call, reused as values die."""

from collections.abc import Mapping, Sequence

from graphad.compiler.interpret import number
from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.storage import Storage
from graphad.compiler.packing import Packing

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
    arena = Packing()
    offsets = dict.fromkeys(storages, 0)
    for storage in sorted((s for s in storages if s in lives), key=lambda s: (-nbytes[s], s.slot)):
        offsets[storage] = arena.place(nbytes[storage], *lives[storage])
    return tuple(offsets[s] for s in storages), arena.most


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
