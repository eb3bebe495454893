"""Memory of one block of examples: every thread has one slab for each dtype, reused as values die."""

from dataclasses import dataclass, field

from graphad.compiler.lower.context import Context
from graphad.compiler.lower.storage import Storage
from graphad.compiler.packing import Packing

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
        arenas: dict[str, Packing] = {}
        placed: dict[Storage, int] = {}
        for storage in sorted(self.lives, key=lambda s: (-_size(s), s.slot)):
            arena = arenas.setdefault(storage.dtype, Packing())
            placed[storage] = arena.place(_size(storage), *self.lives[storage])
        slabs = {dtype: context.local(dtype, arenas[dtype].most, per_part=True) for dtype in sorted(arenas)}
        return {s: (slabs[s.dtype], at) for s, at in placed.items()}


def _size(storage: Storage) -> int:
    """Elements, whole cache lines of the smallest dtype."""
    assert isinstance(storage.size, int)
    return -(-storage.size // ALIGN) * ALIGN
