"""The cache's folder: where it is, what to do if nothing can be written there, and whose leftovers may go."""

from __future__ import annotations

import atexit
import contextlib
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

from graphad.runtime.errors import CacheError, CacheWarning

VARIABLE = "GRAPHAD_CACHE_DIR"
TEMPORARY = "tmp-"
STALE = 86400.0  # seconds after which a leftover of unknown owner may go
_private: dict[Path, Path] = {}  # wanted folder -> this process's own folder in its place


def wanted_folder() -> Path:
    """GRAPHAD_CACHE_DIR, else the user's cache folder."""
    text = os.environ.get(VARIABLE, "")
    return Path(text).expanduser().absolute() if text else Path(platformdirs.user_cache_dir("graphad"))


def effective_folder() -> Path:
    """The folder in use: the wanted one, or a private one once the wanted one turned out to be unwritable."""
    wanted = wanted_folder()
    return _private.get(wanted, wanted)


def writable_folder() -> Path:
    """The folder in use, after making sure that something can be written there."""
    try:
        temporary_folder(effective_folder()).rmdir()
    except OSError as error:
        fall_back(str(error))
    return effective_folder()


def fall_back(why: str) -> None:
    """Go on from a private folder that lives as long as this process; warn, once for each folder."""
    wanted = wanted_folder()
    if wanted in _private:
        raise CacheError(f"nothing can be written in {_private[wanted]}: {why}; set {VARIABLE} to a writable folder")
    try:
        private = Path(tempfile.mkdtemp(prefix="graphad-"))
    except OSError as error:
        raise CacheError(
            f"nothing can be written in {wanted}: {why}; nor in the temporary folder: {error}; "
            f"set {VARIABLE} to a writable folder"
        ) from error
    _private[wanted] = private
    atexit.register(_remove_own, private, os.getpid())
    warnings.warn(
        f"compiled programs cannot be kept in {wanted}: {why}; every process compiles its own until you set "
        f"{VARIABLE} to a writable folder",
        CacheWarning,
        stacklevel=2,
    )


def _remove_own(private: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child leaves its parent's folder alone
        shutil.rmtree(private, ignore_errors=True)


def temporary_folder(folder: Path) -> Path:
    """A new folder inside the cache, named after its owner. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # machine code is run from here: for this user only
    path = folder / f"{TEMPORARY}{_host()}-{os.getpid()}-{uuid.uuid4().hex}"
    path.mkdir()
    return path


def sweep(folder: Path) -> None:
    """Remove what dead processes left behind."""
    for path in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if _abandoned(path):
                shutil.rmtree(path, ignore_errors=True)


def _abandoned(path: Path) -> bool:
    host, _, process = path.name.removeprefix(TEMPORARY).rpartition("-")[0].rpartition("-")
    if host == _host() and process.isdigit() and sys.platform != "win32":  # there, signal 0 ends a process
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False
    return time.time() - path.stat().st_mtime > STALE


def _host() -> str:
    return "".join(c if c.isalnum() else "_" for c in socket.gethostname())
