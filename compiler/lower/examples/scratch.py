"""Memory of one block of examples: every thread has one slab for each dtype, reused as values die."""

from dataclasses import dataclass, field

from graphad.compiler.lower.context import Context
from graphad.compiler.lower.storage import Storage

ALIGN = 64


@dataclass(eq=False)
class Scratch:
    """Storages by the step, counted from 0, that touches them first and last."""

    lives: dict[Storage, tuple[int, int]] = field(default_factory=dict)

    def touch(self, storage: Storage, step: int) -> None:
        first = self.lives.get(storage, (step, step))[0]
        self.lives[storage] = (first, step)

    def place(self, context: Context) -> dict[Storage, tuple[Storage, int]]:
        """Each storage's slab, and where in it, in elements; slabs are new memory of the context."""
        placed: dict[Storage, int] = {}
        for storage in sorted(self.lives, key=lambda s: (-_size(s), s.slot)):
            placed[storage] = self._lowest(storage, placed)
        slabs: dict[str, Storage] = {}
        for dtype in sorted({s.dtype for s in placed}):
            most = max(at + _size(s) for s, at in placed.items() if s.dtype == dtype)
            slabs[dtype] = context.local(dtype, most, per_part=True)
        return {s: (slabs[s.dtype], at) for s, at in placed.items()}

    def _lowest(self, storage: Storage, placed: dict[Storage, int]) -> int:
        first, last = self.lives[storage]
        busy = sorted(
            (at, at + _size(s))
            for s, at in placed.items()
            if s.dtype == storage.dtype and self.lives[s][0] <= last and first <= self.lives[s][1]
        )
        low = 0
        for start, end in busy:
            if start - low >= _size(storage):
                return low
            low = max(low, end)
        return low


def _size(storage: Storage) -> int:
    """Elements, whole cache lines of the smallest dtype."""
    assert isinstance(storage.size, int)
    return -(-storage.size // ALIGN) * ALIGN
