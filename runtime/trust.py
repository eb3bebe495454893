"""Whose files may be run: those of this user, below a folder that nobody else may write.

Machine code from the cache is executed as it is. No checksum protects from those who can write it, since they may write
the checksum, too. So what counts is who owns and who may write the folder, the files, and all on the way to them, as
with ssh's keys; checksums tell damage, and files that lie under another's name.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from graphad.runtime.lazy import lazy_import

grp = lazy_import("grp")  # not on Windows
pwd = lazy_import("pwd")

POSIX: Final = os.name == "posix"
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_known: dict[Path, tuple[tuple[int, ...], str]] = {}  # a folder as it was, and what was found


def checksum(name: str, content: bytes) -> str:
    """Of a file's name and content, so that one that lies under another's name has a wrong one."""
    found = hashlib.sha256(f"{len(name)} {name} ".encode())
    found.update(content)
    return found.hexdigest()


def distrust(folder: Path) -> str:
    """Why others may change what lies in a folder, or come to; "" where they may not. No links on the way to it."""
    if not POSIX:
        return ""
    try:
        facts = os.lstat(folder)
    except OSError:
        return _above(folder)  # it is yet to be made
    now = (facts.st_dev, facts.st_ino, facts.st_uid, facts.st_mode)
    if folder not in _known or _known[folder][0] != now:
        _known[folder] = now, _not_own(facts) or _above(folder)
    return _known[folder][1]


def _not_own(facts: os.stat_result) -> str:
    if facts.st_uid != os.geteuid():
        return f"it belongs to {_user(facts.st_uid)}"
    if stat.S_ISLNK(facts.st_mode):
        return "it is a link"
    if _writable(facts):
        return f"others may write it (its mode is {stat.S_IMODE(facts.st_mode):04o}; chmod go-w)"
    return ""


def _above(folder: Path) -> str:
    """Whether others may rename the folder, or one above it, and put their own into its place."""
    for parent in folder.parents:
        with suppress(OSError):
            facts = os.lstat(parent)
            if facts.st_mode & stat.S_ISVTX:  # only what is one's own can be renamed there
                continue
            if _writable(facts):
                return f"others may write {parent} (its mode is {stat.S_IMODE(facts.st_mode):04o}; chmod go-w)"
    return ""


def _writable(facts: os.stat_result) -> bool:
    """By another user than this one and root."""
    return bool(facts.st_mode & stat.S_IWOTH) or bool(facts.st_mode & stat.S_IWGRP and not _private(facts.st_gid))


@functools.lru_cache(32)
def _private(group: int) -> bool:
    """Whether a group has no member but this user and root, as a user's own group on most systems."""
    try:
        members = {pwd.getpwnam(name).pw_uid for name in grp.getgrgid(group).gr_mem}
    except KeyError:
        return False
    members |= {user.pw_uid for user in pwd.getpwall() if user.pw_gid == group}
    return members <= {0, os.geteuid()}


def _user(number: int) -> str:
    try:
        return str(pwd.getpwuid(number).pw_name)
    except KeyError:
        return f"user {number}"


def read(folder: Path, names: tuple[str, ...], files: tuple[str, ...]) -> list[bytes]:
    """Files in the folder that ``names`` lead to below ``folder``.

    Everything on the way is opened before it is looked at, so that nothing can be put in its place in between.
    Errors: OSError; PermissionError for what is another's, or a link.
    """
    if not POSIX:
        return [folder.joinpath(*names, file).read_bytes() for file in files]
    handle = _opened(str(folder), None)
    try:
        for name in names:
            handle, outer = _opened(name, handle), handle
            os.close(outer)
        return [_content(file, handle) for file in files]
    finally:
        os.close(handle)


def _opened(name: str, folder: int | None) -> int:
    """A folder. Errors: see ``read``."""
    handle = os.open(name, _FOLDER, dir_fd=folder)
    try:
        _check(os.fstat(handle), stat.S_ISDIR)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _content(name: str, folder: int) -> bytes:
    handle = os.open(name, _FILE, dir_fd=folder)
    with os.fdopen(handle, "rb", buffering=0) as file:
        _check(os.fstat(handle), stat.S_ISREG)
        return file.read()


def _check(facts: os.stat_result, kind: Callable[[int], bool]) -> None:
    why = _not_own(facts)
    if why or not kind(facts.st_mode):
        raise PermissionError(why or "it is of another kind")


def write(path: Path, content: bytes) -> None:
    """A new file that only this user may read and write. Errors: OSError, also where there is one."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
