"""A program's object code: as bytes, and as a callable."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from graphad.runtime.lazy import lazy_import
from graphad.runtime.linking import link

general = lazy_import("graphad.runtime.general.compiling")


@dataclass(frozen=True)
class Code:
    """A program's object code. ``numba`` is Numba's version, if Numba had to compile it: ``refused`` says why."""

    objects: tuple[bytes, ...]
    numba: str = ""
    refused: str = ""

    def to_bytes(self) -> bytes:
        """One line that says what follows, then the objects."""
        head = {"objects": [len(o) for o in self.objects], "numba": self.numba, "refused": self.refused}
        return b"".join((json.dumps(head).encode(), b"\n", *self.objects))

    @classmethod
    def from_bytes(cls, data: bytes) -> Code:
        """The inverse. Raises ValueError for other bytes, and where Numba is another than then."""
        head, _, rest = data.partition(b"\n")
        try:
            facts = json.loads(head)
            sizes, numba, refused = facts["objects"], facts["numba"], facts["refused"]
        except (ValueError, KeyError, TypeError):
            raise ValueError("it is not object code of this version") from None
        if len(rest) != sum(sizes):
            raise ValueError(f"its object code has {len(rest)} bytes, not {sum(sizes)}")
        if numba and numba != general.version():
            raise ValueError(f"it was made by Numba {numba}")
        ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
        return cls(tuple(rest[end - size : end] for end, size in zip(ends, sizes, strict=True)), numba, refused)

    def callable(self) -> Callable[..., int]:
        """`call(part, parts, frame_address, *inputs, *outputs)` runs a part; its answer is 0 if all is well.

        With part = -1 it only writes the arrays' addresses into the frame's table, for a run by several threads to
        follow. It takes exactly the arrays of the program's specs and checks only how many there are.
        """
        if self.numba:
            general.prepare()
        return link(self.objects)
