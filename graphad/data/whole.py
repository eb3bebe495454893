"""Files written whole or not at all."""

import os
import secrets
from contextlib import suppress
from os import PathLike
from pathlib import Path


def replace(path: str | PathLike[str], content: bytes) -> None:
    """Writes ``content`` under a temporary name beside ``path``, makes sure it is on the disk, and renames it.

    Whoever reads ``path``, also after a crash, finds the old file or the new one, never a part.
    Errors: OSError where the folder cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link stays one
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


def _sync_folder(folder: Path) -> None:
    """The renaming itself reaches the disk; systems whose folders cannot be opened do without."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
