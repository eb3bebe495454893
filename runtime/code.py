"""A program's object code: as bytes, and in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass

from graphad.runtime.errors import FormatError
from graphad.runtime.lazy import lazy_import
from graphad.runtime.linking import Linked, link
from graphad.runtime.schema import array, integer, parse_json, record, text

general = lazy_import("graphad.runtime.general.compiling")
_HEAD = record({"objects": array(integer()), "numba": text(), "refused": text()})


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
        """The inverse. Raises FormatError for other bytes, and where Numba is another than then."""
        head, _, rest = data.partition(b"\n")
        facts = parse_json(head, _HEAD)
        sizes, numba, refused = facts["objects"], facts["numba"], facts["refused"]
        if len(rest) != sum(sizes):
            raise FormatError("", f"its object code has {len(rest)} bytes, not {sum(sizes)}")
        if numba and numba != general.version():
            raise FormatError("", f"it was made by Numba {numba}")
        ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
        return cls(tuple(rest[end - size : end] for end, size in zip(ends, sizes, strict=True)), numba, refused)

    def linked(self) -> Linked:
        """The program, ready to be called."""
        if self.numba:
            general.prepare()
        return link(self.objects)
