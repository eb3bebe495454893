"""Compiled programs on disk: one folder for each content key, shared by any number of processes.

An entry is made in a folder of its own and renamed into place when complete, so a reader sees all of it or nothing.
A manifest with checksums tells a damaged entry from a good one before anything of it is used. Kernels' object code lies
beside them, by its own content (kernel_cache.py), and counts for the limit, too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphad.runtime import folders
from graphad.runtime.errors import CacheWarning, GraphadError
from graphad.runtime.folders import effective_folder
from graphad.runtime.kernel_cache import FOLDER

MANIFEST = "manifest.json"
BINARY = "program.bin"
LIMIT = "GRAPHAD_CACHE_LIMIT"
DEFAULT_LIMIT = 1 << 30  # bytes
_KEY = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Entry:
    """A compiled program on disk."""

    source_path: Path
    binary: bytes


@dataclass(frozen=True)
class CacheInfo:
    """What `graphad cache` shows; `bytes` counts files, not disk blocks."""

    folder: Path
    entries: int
    bytes: int


def module_name(program_name: str, key: str) -> str:
    """A module name unique for the content, and recognisable in a traceback."""
    return f"gad_{re.sub(r'[^0-9A-Za-z_]', '_', program_name)[:40]}_{key[:12]}"


def source_path(name: str, key: str) -> Path:
    """Where the text of a program that is about to be compiled will lie."""
    return folders.writable_folder() / key / f"{name}.py"


def find(key: str, name: str) -> Entry | None:
    """The entry, checked; None if there is none. A damaged one is removed, with a CacheWarning."""
    folder = effective_folder() / key
    try:
        manifest = (folder / MANIFEST).read_text()
    except (FileNotFoundError, NotADirectoryError):
        if folder.is_dir() and not (folder / MANIFEST).exists():  # in this order: it may have come into being just now
            discard(key, folder / MANIFEST, "it is missing")
        return None
    except (OSError, UnicodeDecodeError) as error:
        discard(key, folder / MANIFEST, str(error))
        return None
    damaged, why, binary = _check(folder, manifest, name)
    if damaged is not None:
        if folder.is_dir():  # else another process evicted it meanwhile
            discard(key, damaged, why)
        return None
    with contextlib.suppress(OSError):  # a folder that can only be read serves as well
        os.utime(folder / MANIFEST)  # last used now
    return Entry(folder / f"{name}.py", binary)


def _check(folder: Path, manifest: str, name: str) -> tuple[Path | None, str, bytes]:
    """The first damaged file and what is wrong with it, or None, "" and the machine code."""
    try:
        sums = json.loads(manifest)["sha256"]
        expected = {file: str(sums[file]) for file in (f"{name}.py", BINARY)}
    except (ValueError, KeyError, TypeError):
        return folder / MANIFEST, "it is not readable", b""
    data = b""
    for file, wanted in expected.items():
        try:
            data = (folder / file).read_bytes()
        except OSError as error:
            return folder / file, str(error), b""
        if hashlib.sha256(data).hexdigest() != wanted:
            return folder / file, "its checksum is wrong", b""
    return None, "", data


def discard(key: str, file: Path, why: str) -> None:
    """Warn about a damaged file and remove its entry; the program is then compiled anew."""
    warnings.warn(
        f"compiled program in {file} cannot be used: {why}; it is removed and compiled anew", CacheWarning, stacklevel=2
    )
    _remove(effective_folder() / key)


def store(key: str, name: str, source: str, binary: bytes) -> Path:
    """Put an entry into place and return the path of its text. If another process was first, its entry stays."""
    try:
        return _store(effective_folder(), key, name, source, binary)
    except OSError as error:
        folders.fall_back(str(error))
        return _store(effective_folder(), key, name, source, binary)


def _store(folder: Path, key: str, name: str, source: str, binary: bytes) -> Path:
    temporary = folders.temporary_folder(folder)
    try:
        files = {f"{name}.py": source.encode(), BINARY: binary}
        for file, data in files.items():
            (temporary / file).write_bytes(data)
        sums = {file: hashlib.sha256(data).hexdigest() for file, data in files.items()}
        (temporary / MANIFEST).write_text(json.dumps({"sha256": sums}, indent=1))
        try:
            os.rename(temporary, folder / key)
        except OSError:
            if not (folder / key).is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _evict(folder, keep=key)
    return folder / key / f"{name}.py"


def _remove(entry: Path) -> None:
    """Renamed first: nobody finds half an entry."""
    with contextlib.suppress(OSError):
        gone = folders.temporary_folder(effective_folder())
        os.rename(entry, gone / entry.name)
        shutil.rmtree(gone, ignore_errors=True)


def _evict(folder: Path, keep: str) -> None:
    """Remove the least recently used entries until the rest is within the limit. The one just made stays."""
    folders.sweep(folder)
    entries = _entries(folder)
    excess = sum(size for _, size, _ in entries) - _limit()
    for _, size, entry in sorted(entries):
        if excess <= 0:
            return
        if entry.name != keep:
            _remove(entry)
            excess -= size


def _limit() -> int:
    text = os.environ.get(LIMIT, "").strip()
    if not text:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit():
        raise GraphadError(f"{LIMIT}={text!r} is not a size; set it to a whole number of bytes, or unset it")
    return int(text)


def _entries(folder: Path) -> list[tuple[float, int, Path]]:
    """(last use, bytes, path) of every program's folder and every kernel's file, but those that vanish meanwhile."""
    return [*_programs(folder), *_kernels(folder / FOLDER)]


def _kernels(folder: Path) -> Iterator[tuple[float, int, Path]]:
    for file in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            known = file.stat()
            yield known.st_mtime, known.st_size, file


def _programs(folder: Path) -> list[tuple[float, int, Path]]:
    found = []
    for entry in folder.iterdir() if folder.is_dir() else ():
        if _KEY.fullmatch(entry.name):
            with contextlib.suppress(OSError):
                size = sum(file.stat().st_size for file in entry.iterdir())
                found.append(((entry / MANIFEST).stat().st_mtime, size, entry))
    return found


def cache_info() -> CacheInfo:
    """Where compiled programs lie, how many, and how large they are together."""
    folder = effective_folder()
    sizes = [size for _, size, _ in _entries(folder)]
    return CacheInfo(folder, len(_programs(folder)), sum(sizes))


def clear_cache() -> int:
    """Remove all compiled programs and kernels; return how many programs. Those already loaded keep working."""
    folder = effective_folder()
    count = len(_programs(folder))
    for _, _, entry in _entries(folder):
        _remove(entry)
    with contextlib.suppress(OSError):
        (folder / FOLDER).rmdir()
    return count
