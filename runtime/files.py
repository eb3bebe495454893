"""Files of any kind: read up to a bound, written whole or not at all, and leftovers of writers that were killed."""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Final

from graphad.runtime.errors import FormatError

STALE: Final = 86400.0
"""Seconds after which a leftover may go, whoever made it."""
_WITHOUT_WAITING: Final = getattr(os, "O_NONBLOCK", 0)  # a pipe's other end may never come


def open_regular(path: str | PathLike[str]) -> BinaryIO:
    """A file opened for reading, in binary. Errors: OSError; FormatError for a pipe, a device, a socket."""
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | _WITHOUT_WAITING))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise FormatError("", "it is no regular file")
    return file


def size(file: BinaryIO) -> int:
    """The bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def read(path: str | PathLike[str], most: int) -> bytes:
    """A file's bytes. Errors: OSError; FormatError for one of more than ``most`` bytes, before it is read."""
    with open_regular(path) as file:
        found = size(file)
        content = file.read(found + 1) if found <= most else b""  # one more, in case that it grows
    if found > most or len(content) > most:
        raise FormatError("", f"it is larger than {most} bytes")
    return content


def replace(path: str | PathLike[str], content: bytes) -> None:
    """Writes ``content`` under a temporary name beside ``path``, makes sure it is on the disk, and renames it.

    Whoever reads ``path``, also after a crash, finds the old file or the new one, never a part.
    Errors: OSError where the folder cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link stays one
    _clear(target)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)


def _clear(target: Path) -> None:
    """Removes what writers of the same file left behind when they were killed, a day ago or earlier."""
    leftover = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{16}}")
    with suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            if leftover.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE:
                        os.unlink(entry.path)


def _sync_folder(folder: Path) -> None:
    """The renaming itself reaches the disk; systems whose folders cannot be opened do without."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
