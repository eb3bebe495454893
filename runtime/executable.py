"""Programs made callable: load finds or compiles machine code, instantiate binds it to sizes and storage."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import llvmlite
import numba
import numpy as np

from graphad.runtime import cache, native
from graphad.runtime.errors import CompileError
from graphad.runtime.instance import Array, Instance
from graphad.runtime.numba_api import config, global_compiler_lock, llvm
from graphad.runtime.program import Layout, Program

FORMAT = 1  # of an entry in the cache; changes with this room's conventions
_TEXTS = (
    "buffers.py",
    "kernel.py",
    "scalars.py",
    "emitters.py",
    "sync.py",
    "pipeline.py",
    "native.py",
    "numba_api.py",
    "expressions.py",
    "translate.py",
    "translated.py",
    "assembly.py",
    "indices.py",
    "lane_plan.py",
    "folds.py",
    "panels.py",
    "transposes.py",
    "spmd.py",
    "spmd_memory.py",
    "spmd_values.py",
    "lanes.py",
    "streams.py",
    "target.py",
    "elementary/real.py",
    "elementary/exponential.py",
    "elementary/logarithm.py",
    "elementary/circular.py",
    "elementary/functions.py",
)


@dataclass
class Stats:
    """What happened in this process."""

    compiles: int = 0
    cache_hits: int = 0


stats = Stats()


class Executable:
    """Machine code of a program, for all sizes."""

    def __init__(
        self, program: Program, code: native.Native, source_path: Path, compile_seconds: float, *, from_cache: bool
    ) -> None:
        self.program = program
        self.source_path = source_path
        self.compile_seconds = compile_seconds  # or the seconds it took to load
        self.from_cache = from_cache
        self._code = code
        self._constants = tuple(np.require(array, requirements="C") for array in program.constants)

    def instantiate(self, layout: Layout, states: Sequence[Array]) -> Instance:
        """Bind sizes and storage. The states must be C-contiguous; they are read and written where they lie."""
        return Instance(self.program, self._code.call, layout, states, self._constants)


def load(program: Program) -> Executable:
    """Machine code for a program: from this process, from the cache on disk, or compiled now."""
    started = time.perf_counter()
    source = native.full_source(program)
    key = content_key(program, source)
    name = cache.module_name(program.name, key)
    with global_compiler_lock:  # so that of two threads the second finds what the first made
        code, path, from_cache = _find(key, name) or _compile(program, source, key, name)
    return Executable(program, code, path, time.perf_counter() - started, from_cache=from_cache)


def _find(key: str, name: str) -> tuple[native.Native, Path, bool] | None:
    entry = cache.find(key, name)
    if entry is None:
        return None
    try:
        code = native.from_bytes(entry.binary, name, str(entry.source_path))
    except Exception as error:  # a pickle of another shape can raise anything
        cache.discard(key, entry.source_path.with_name(cache.BINARY), f"{type(error).__name__}: {error}")
        return None
    stats.cache_hits += 1
    return code, entry.source_path, True


def _compile(program: Program, source: str, key: str, name: str) -> tuple[native.Native, Path, bool]:
    try:
        code = native.compile_source(program, source, name, str(cache.source_path(name, key)))
    except Exception as error:  # Numba and LLVM raise what they like
        reason = str(error) or type(error).__name__
        kernel = _kernel_in(source, "\n".join((reason, *getattr(error, "__notes__", ()))))
        raise CompileError(program.name, kernel, _kept(name, source), reason) from error
    stats.compiles += 1
    return code, cache.store(key, name, source, native.to_bytes(code)), False


def _kernel_in(source: str, reason: str) -> str:
    """The kernel of the text that a message names, or "" if it names none."""
    names: list[str] = re.findall(r"^def (\w+)\(", source, re.MULTILINE)
    return next((name for name in names if name != "run" and re.search(rf"\b{name}\b", reason)), "")


def _kept(name: str, source: str) -> str:
    """A file outside the cache, which holds working programs only, with the text of one that failed."""
    with tempfile.NamedTemporaryFile("w", prefix=f"{name}_", suffix=".py", delete=False, encoding="utf-8") as file:
        file.write(source)
    return file.name


def content_key(program: Program, source: str) -> str:
    """Everything the machine code depends on, as 40 hexadecimal digits.

    Comments do not count: they name the user's lines, which move when a line is added above them.
    """
    code = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith("#"))
    parts = (code, repr((program.inputs, program.outputs)), program.name, *_environment())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def _environment() -> tuple[str, ...]:
    """This machine and everything between the text and its machine code."""
    return (
        str(FORMAT), _room(), numba.__version__, llvmlite.__version__, np.__version__, sys.version, platform.platform(),
        llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(),
        str(config.CPU_NAME), str(config.CPU_FEATURES), str(config.OPT),
    )  # fmt: skip


def _room() -> str:
    """Hash of this room's files that shape machine code."""
    folder = Path(__file__).parent
    return hashlib.sha256(b"\0".join((folder / text).read_bytes() for text in _TEXTS)).hexdigest()
