"""Kernels' object code on disk, by content: a program finds what any other has compiled, whatever else is in it.

What was measured of a program lies here, too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings

from graphad.runtime import folders
from graphad.runtime.errors import CacheWarning
from graphad.runtime.folders import effective_folder

FOLDER = "kernels"
_DIGEST = 32  # bytes of a checksum, before the code


def find(key: str) -> bytes | None:
    """The object code; None if there is none. A damaged file is removed, with a CacheWarning."""
    path = effective_folder() / FOLDER / key
    try:
        data = path.read_bytes()
    except OSError:
        return None
    code = data[_DIGEST:]
    if hashlib.sha256(code).digest() != data[:_DIGEST]:
        warnings.warn(f"compiled kernel in {path} is damaged; it is removed and compiled anew", CacheWarning, 2)
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    with contextlib.suppress(OSError):  # a folder that can only be read serves as well
        os.utime(path)  # last used now
    return code


def store(key: str, code: bytes) -> None:
    """Keep object code, if the folder can be written: the program's own entry, stored later, tells if it cannot."""
    with contextlib.suppress(OSError):
        target = effective_folder() / FOLDER / key
        temporary = folders.temporary_folder(effective_folder())
        try:
            (temporary / key).write_bytes(hashlib.sha256(code).digest() + code)
            target.parent.mkdir(exist_ok=True)
            os.replace(temporary / key, target)
        finally:
            with contextlib.suppress(OSError):
                (temporary / key).unlink()
            temporary.rmdir()
