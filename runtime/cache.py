"""Compiled programs on disk: one folder for each content key, shared by any number of processes.

An entry is made in a folder of its own and renamed into place when complete, so a reader sees all of it or nothing.
A manifest with checksums, which cover the key too, tells an entry from a damaged one, a foreign one and one that lies
under another's key, before anything of it is used; such are replaced without a word. Kernels' object code lies beside
them, by its own content (kernel_cache.py), and counts for the limit, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphad.runtime import folders, trust
from graphad.runtime.errors import CacheError, FormatError
from graphad.runtime.folders import effective_folder
from graphad.runtime.kernel_cache import FOLDER
from graphad.runtime.schema import mapping, parse_json, record, text

MANIFEST = "manifest.json"
BINARY = "program.bin"
LIMIT = "GRAPHAD_CACHE_LIMIT"
DEFAULT_LIMIT = 1 << 30  # bytes
_KEY = re.compile(r"[0-9a-f]{40}")
_MANIFEST = record({"checksums": mapping(text("[0-9a-f]{64}"))})


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
    return _entry(folders.writable_folder(), key) / f"{name}.py"


def _entry(folder: Path | None, key: str) -> Path:
    """A program's own folder; where nothing can be written, a name for messages."""
    return Path("<memory>") if folder is None else folder / key


def find(key: str, name: str) -> Entry | None:
    """The entry, checked; None if there is none. What is not as it was stored is removed."""
    folder = effective_folder()
    if folder is None or not os.path.lexists(folder / key):
        return None
    try:
        binary = _read(folder, key, name)
    except (OSError, FormatError):
        discard(key)
        return None
    with contextlib.suppress(OSError):  # a folder that can only be read serves as well
        os.utime(folder / key / MANIFEST)  # last used now
    return Entry(folder / key / f"{name}.py", binary)


def _read(folder: Path, key: str, name: str) -> bytes:
    """The machine code, after a look at everything. Errors: OSError, FormatError."""
    files = (f"{name}.py", BINARY)
    manifest, *contents = trust.read(folder, (key,), (MANIFEST, *files))
    sums = parse_json(manifest, _MANIFEST)["checksums"]
    for file, data in zip(files, contents, strict=True):
        if sums.get(file) != trust.checksum(f"{key}/{file}", data):
            raise FormatError(file, "its checksum is wrong")
    return contents[-1]


def discard(key: str) -> None:
    """Remove an entry, if there is one; the program is then compiled anew."""
    folder = effective_folder()
    if folder is not None and os.path.lexists(folder / key):
        _remove(folder, folder / key)


def store(key: str, name: str, source: str, binary: bytes) -> Path:
    """Put an entry into place and return the path of its text. If another process was first, its entry stays."""
    for _ in range(2):  # in the wanted folder, then in a private one
        folder = effective_folder()
        if folder is not None:
            try:
                return _store(folder, key, name, source, binary)
            except OSError as error:
                folders.fall_back(str(error))
    return _entry(None, key) / f"{name}.py"


def _store(folder: Path, key: str, name: str, source: str, binary: bytes) -> Path:
    temporary = folders.temporary_folder(folder)
    try:
        files = {f"{name}.py": source.encode(), BINARY: binary}
        for file, data in files.items():
            trust.write(temporary / file, data)
        sums = {file: trust.checksum(f"{key}/{file}", data) for file, data in files.items()}
        trust.write(temporary / MANIFEST, json.dumps({"checksums": sums}, indent=1).encode())
        try:
            os.rename(temporary, folder / key)
        except OSError:
            if not (folder / key).is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _evict(folder, keep=key)
    return folder / key / f"{name}.py"


def _remove(folder: Path, entry: Path) -> None:
    """Renamed first: nobody finds half an entry."""
    with contextlib.suppress(OSError):
        gone = folders.temporary_folder(folder)
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
            _remove(folder, entry)
            excess -= size


def _limit() -> int:
    text = os.environ.get(LIMIT, "").strip()
    if not text:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit():
        raise CacheError(f"{LIMIT}={text!r} is not a size; set it to a whole number of bytes, or unset it")
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
    if folder is None:
        return CacheInfo(folders.wanted_folder(), 0, 0)
    sizes = [size for _, size, _ in _entries(folder)]
    return CacheInfo(folder, len(_programs(folder)), sum(sizes))


def clear_cache() -> int:
    """Remove all compiled programs and kernels; return how many programs. Those already loaded keep working."""
    folder = effective_folder()
    if folder is None:
        return 0
    count = len(_programs(folder))
    for _, _, entry in _entries(folder):
        _remove(folder, entry)
    with contextlib.suppress(OSError):
        (folder / FOLDER).rmdir()
    return count
