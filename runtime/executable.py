"""Programs made callable: load finds or compiles machine code, instantiate binds it to sizes and storage."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphad.runtime import cache, forks
from graphad.runtime.code import Code
from graphad.runtime.environment import content_hash
from graphad.runtime.errors import CompileError
from graphad.runtime.instance import Array, Instance
from graphad.runtime.lazy import lazy_import
from graphad.runtime.linking import Linked
from graphad.runtime.program import Layout, Program
from graphad.runtime.turns import Turn

native = lazy_import("graphad.runtime.native")  # not needed for what the cache has
_lock = threading.RLock()
forks.hold(_lock)  # LLVM has locks of its own, which a child could not make anew


@dataclass
class Stats:
    """What happened in this process."""

    compiles: int = 0
    cache_hits: int = 0


stats = Stats()


class Executable:
    """Machine code of a program, for all sizes."""

    def __init__(
        self, program: Program, linked: Linked, source_path: Path, compile_seconds: float, *, from_cache: bool
    ) -> None:
        self.program = program
        self.source_path = source_path
        self.compile_seconds = compile_seconds  # or the seconds it took to load
        self.from_cache = from_cache
        self._linked = linked
        self._constants = tuple(np.require(array, requirements="C") for array in program.constants)

    def with_program(self, program: Program) -> Executable:
        """The same machine code for a program of the same text, with constants of its own."""
        return Executable(program, self._linked, self.source_path, self.compile_seconds, from_cache=self.from_cache)

    def instantiate(self, layout: Layout, states: Sequence[Array], turn: Turn | None = None) -> Instance:
        """Bind sizes and storage. The states must be C-contiguous; they are read and written where they lie.

        ``turn``: what of them runs read and write; without one, runs at once must not disturb each other.
        """
        return Instance(self.program, self._linked, layout, states, self._constants, turn)


def load(program: Program, loaded: dict[str, Executable] | None = None) -> Executable:
    """Machine code for a program: from ``loaded``, by its key, from the cache on disk, or compiled now.

    What was not in ``loaded`` is added.
    """
    started = time.perf_counter()
    loaded = {} if loaded is None else loaded
    key = content_key(program)
    with _lock:  # so that of two threads the second finds what the first made
        found = load_known(program, key, loaded)
        if found is None:
            linked, path = _compile(program, key, cache.module_name(program.name, key))
            found = Executable(program, linked, path, time.perf_counter() - started, from_cache=False)
            loaded[key] = found
    return found


def load_known(program: Program, key: str, loaded: dict[str, Executable]) -> Executable | None:
    """Machine code by its key, from ``loaded`` or from the cache on disk; None if it is not there any more."""
    started = time.perf_counter()
    with _lock:
        if key in loaded:
            return loaded[key].with_program(program)
        found = _find(key, cache.module_name(program.name, key))
        if found is None:
            return None
        loaded[key] = Executable(program, *found, time.perf_counter() - started, from_cache=True)
        return loaded[key]


def _find(key: str, name: str) -> tuple[Linked, Path] | None:
    entry = cache.find(key, name)
    if entry is None:
        return None
    try:
        linked = Code.from_bytes(entry.binary).linked()
    except Exception:  # LLVM and Numba raise what they like; it is made anew
        cache.discard(key)
        return None
    stats.cache_hits += 1
    return linked, entry.source_path


def _compile(program: Program, key: str, name: str) -> tuple[Linked, Path]:
    source = program.source
    try:
        code = native.compile_program(program, name, str(cache.source_path(name, key)))
        linked = code.linked()
    except Exception as error:  # Numba and LLVM raise what they like
        reason = str(error) or type(error).__name__
        kernel = _kernel_in(source, "\n".join((reason, *getattr(error, "__notes__", ()))))
        raise CompileError(program.name, kernel, _kept(name, source), reason) from error
    stats.compiles += 1
    return linked, cache.store(key, name, source, code.to_bytes())


def _kernel_in(source: str, reason: str) -> str:
    """The kernel of the text that a message names, or "" if it names none."""
    names: list[str] = re.findall(r"^def (\w+)\(", source, re.MULTILINE)
    return next((name for name in names if name != "run" and re.search(rf"\b{name}\b", reason)), "")


def _kept(name: str, source: str) -> str:
    """A file outside the cache, which holds working programs only, with the text of one that failed."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix=f"{name}_", suffix=".py", delete=False, encoding="utf-8") as file:
            file.write(source)
    except OSError:
        return "memory (no file can be written)"
    return file.name


def content_key(program: Program) -> str:
    """Everything the machine code depends on, as 40 hexadecimal digits.

    Comments do not count: they name the user's lines, which move when a line is added above them.
    """
    code = "\n".join(line for line in program.source.splitlines() if not line.lstrip().startswith("#"))
    return content_hash(code, repr((program.inputs, program.outputs, program.flushes)), program.name)
