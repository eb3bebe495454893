"""What machine code depends on besides its text: this machine, and everything between the two."""

from __future__ import annotations

import functools
import hashlib
import platform
import sys
from pathlib import Path

import numpy as np

from graphad.runtime import target
from graphad.runtime.llvm_api import VERSION

FORMAT = 3  # of what the cache holds; changes with this room's conventions


def content_hash(*parts: str) -> str:
    """The parts and the environment as 40 hexadecimal digits."""
    return hashlib.sha256("\0".join((*parts, *environment())).encode()).hexdigest()[:40]


def environment() -> tuple[str, ...]:
    """All of it."""
    return (
        str(FORMAT), _room(), VERSION, np.__version__, sys.version, sys.platform, platform.machine(),
        target.cpu(), target.feature_string(),
    )  # fmt: skip


@functools.cache
def _room() -> str:
    """Hash of this room's files, any of which may shape machine code."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
