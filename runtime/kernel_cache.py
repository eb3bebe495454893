"""Kernels' object code on disk, by content: a program finds what any other has compiled, whatever else is in it.

What was measured of a program lies here, too, and what binds one that is known by its graph. A file is a checksum of
its name and content, then the content; what is none is replaced without a word.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from graphad.runtime import folders, trust
from graphad.runtime.folders import effective_folder

FOLDER = "kernels"
_DIGEST = 64  # bytes of a checksum, before the content


def find(key: str) -> bytes | None:
    """What was stored under the key; None if nothing was."""
    folder = effective_folder()
    if folder is None:
        return None
    path = folder / FOLDER / key
    try:
        (data,) = trust.read(folder, (FOLDER,), (key,))
    except FileNotFoundError:
        return None
    except OSError:
        _remove(path)
        return None
    content = data[_DIGEST:]
    if data[:_DIGEST] != trust.checksum(key, content).encode():
        _remove(path)
        return None
    with contextlib.suppress(OSError):  # a folder that can only be read serves as well
        os.utime(path)  # last used now
    return content


def _remove(path: os.PathLike[str]) -> None:
    """Whatever it is, a folder of another's too."""
    with contextlib.suppress(OSError):
        os.unlink(path)
    shutil.rmtree(path, ignore_errors=True)


def discard(key: str) -> None:
    """Remove what is not of the form that it should have."""
    folder = effective_folder()
    if folder is not None:
        _remove(folder / FOLDER / key)


def store(key: str, content: bytes) -> None:
    """Keep something, if the folder can be written: the program's own entry, stored later, tells if it cannot."""
    folder = effective_folder()
    if folder is None:
        return
    with contextlib.suppress(OSError):
        target = folder / FOLDER / key
        temporary = folders.temporary_folder(folder)
        try:
            trust.write(temporary / key, trust.checksum(key, content).encode() + content)
            if trust.distrust(target.parent):  # nothing would be read from it
                _remove(target.parent)
            target.parent.mkdir(exist_ok=True, mode=0o700)
            os.replace(temporary / key, target)
        finally:
            with contextlib.suppress(OSError):
                (temporary / key).unlink()
            temporary.rmdir()
