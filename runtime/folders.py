"""The cache's folder: where it is, what to do if it is not to be trusted or written, and whose leftovers may go."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import socket
import sys
import tempfile
import time
import uuid
import warnings
from pathlib import Path

import platformdirs

from graphad.runtime import trust
from graphad.runtime.errors import CacheError, CacheWarning
from graphad.runtime.files import STALE

VARIABLE = "GRAPHAD_CACHE_DIR"
TEMPORARY = "tmp-"
PRIVATE = "graphad-"
_instead: dict[Path, Path | None] = {}  # wanted folder -> this process's own one; None: there is nowhere to write


def wanted_folder() -> Path:
    """GRAPHAD_CACHE_DIR, else the user's cache folder; without links. Errors: CacheError for a ~ of nobody."""
    given = os.environ.get(VARIABLE, "")
    home = tuple(os.environ.get(name) for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "USERPROFILE"))
    return _wanted(given, home, "" if os.path.isabs(given) else _here())


@functools.lru_cache(32)
def _wanted(given: str, home: tuple[str | None, ...], here: str) -> Path:
    """Of what it depends on. One without a home folder, "~/...", stays what it is: no folder."""
    try:
        path = Path(here, Path(given).expanduser()) if given else Path(platformdirs.user_cache_dir("graphad"))
    except RuntimeError as error:
        raise CacheError(f"{VARIABLE}={given!r} is no folder: {error}; write it without ~") from error
    return Path(os.path.realpath(path)) if path.is_absolute() else path


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it is gone
        return ""


def effective_folder() -> Path | None:
    """The folder in use: the wanted one, or a private one where that is not to be trusted or cannot be written.

    None where nothing can be written at all.
    """
    wanted = wanted_folder()
    if wanted not in _instead and (why := _unusable(wanted)):
        fall_back(why)
    return _instead.get(wanted, wanted)


def _unusable(wanted: Path) -> str:
    return trust.distrust(wanted) if wanted.is_absolute() else "there is no home folder"


def writable_folder() -> Path | None:
    """The folder in use, after making sure that something can be written there."""
    folder = effective_folder()
    if folder is not None:
        try:
            temporary_folder(folder).rmdir()
        except OSError as error:
            fall_back(str(error))
    return effective_folder()


def fall_back(why: str) -> None:
    """Go on in a private folder that lives as long as this process, or in memory; warn, once for each folder."""
    wanted = wanted_folder()
    if wanted in _instead:  # the private one fails, too
        _instead[wanted] = None
        return
    _instead[wanted] = _private_folder()
    warnings.warn(
        f"compiled programs cannot be kept in {wanted}: {why}; every process compiles its own until you set "
        f"{VARIABLE} to a folder that you, and only you, can write",
        CacheWarning,
        stacklevel=2,
    )


def _private_folder() -> Path | None:
    try:
        _sweep_private(Path(tempfile.gettempdir()))
        private = Path(os.path.realpath(tempfile.mkdtemp(prefix=f"{PRIVATE}{_host()}-{os.getpid()}-")))
    except OSError:
        return None
    if trust.distrust(private):
        shutil.rmtree(private, ignore_errors=True)
        return None
    atexit.register(_remove_own, private, os.getpid())
    return private


def _remove_own(private: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child leaves its parent's folder alone
        shutil.rmtree(private, ignore_errors=True)


def temporary_folder(folder: Path) -> Path:
    """A new folder inside the cache, named after its owner. Raises OSError."""
    if not folder.is_dir():
        for above in reversed(folder.parents):
            if not above.is_dir():
                above.mkdir(exist_ok=True, mode=0o755)
        folder.mkdir(exist_ok=True, mode=0o700)  # machine code is run from here: for this user only
    path = folder / f"{TEMPORARY}{_host()}-{os.getpid()}-{uuid.uuid4().hex}"
    path.mkdir(mode=0o700)
    return path


def sweep(folder: Path) -> None:
    """Remove what dead processes left behind in the cache, and whatever is older than a day."""
    for path in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if _alive(path, TEMPORARY) is False or time.time() - path.lstat().st_mtime > STALE:
                shutil.rmtree(path, ignore_errors=True)


def _sweep_private(folder: Path) -> None:
    """Remove private folders of dead processes, which had no time to do it."""
    for path in folder.glob(f"{PRIVATE}*"):
        if _alive(path, PRIVATE) is False:
            shutil.rmtree(path, ignore_errors=True)


def _alive(path: Path, prefix: str) -> bool | None:
    """Whether the process that a leftover's name tells is running; None if that cannot be known."""
    host, _, process = path.name.removeprefix(prefix).rpartition("-")[0].rpartition("-")
    known = process.isascii() and process.isdigit()
    if host != _host() or not known or sys.platform == "win32":  # there, signal 0 ends a process
        return None
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _host() -> str:
    return "".join(c if c.isalnum() else "_" for c in socket.gethostname())
