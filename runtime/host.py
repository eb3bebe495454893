"""What this machine is and which versions run on it: for `graphad info` and for reports of problems."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from graphad.runtime.folders import effective_folder, wanted_folder
from graphad.runtime.lazy import lazy_import
from graphad.runtime.threads import default_threads

llvm = lazy_import("llvmlite.binding")


@dataclass(frozen=True)
class Host:
    """Facts, in the order they are shown. `vector_bytes` is the width of the widest vector register, 0 if unknown;
    `caches` are the bytes of the data caches that a core sees, nearest first, empty if unknown."""

    cpu: str
    vector_bytes: int
    caches: tuple[int, ...]
    threads: int
    platform: str
    python: str
    numpy: str
    numba: str
    llvmlite: str
    llvm: str
    cache_folder: Path


def host() -> Host:
    """The facts of this process."""
    return Host(
        cpu=llvm.get_host_cpu_name(),
        vector_bytes=vector_bytes(),
        caches=caches(),
        threads=default_threads(),
        platform=platform.platform(),
        python=platform.python_version(),
        numpy=np.__version__,
        numba=version("numba"),
        llvmlite=version("llvmlite"),
        llvm=".".join(str(part) for part in llvm.llvm_version_info),
        cache_folder=effective_folder() or wanted_folder(),
    )


def vector_bytes() -> int:
    """Bytes in the widest vector register that compiled code may use."""
    features = dict(llvm.get_host_cpu_features())
    for feature, width in (("avx512f", 64), ("avx", 32), ("sse2", 16), ("neon", 16)):
        if features.get(feature):
            return width
    return 16 if platform.machine().lower() in {"arm64", "aarch64"} else 0


@cache
def instruction_set() -> str:
    """The vectors that compiled code is made of: "avx512", "avx2", "sse" or "neon"; the narrowest where unknown."""
    features = dict(llvm.get_host_cpu_features())
    for name, feature in (("avx512", "avx512f"), ("avx2", "avx"), ("neon", "neon")):
        if features.get(feature):
            return name
    return "neon" if platform.machine().lower() in {"arm64", "aarch64"} else "sse"


def caches(root: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> tuple[int, ...]:
    """Bytes of the first core's data and unified caches by level, as Linux tells them; empty elsewhere."""
    found: dict[int, int] = {}
    for index in root.glob("index*"):
        try:
            level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
            if kind in {"Data", "Unified"}:
                found[int(level)] = int(size.removesuffix("K")) * 1024
        except (OSError, ValueError):
            return ()
    return tuple(found[level] for level in sorted(found))
