"""Computes: machine code for programs, its cache, memory, threads and time. README.md names the files in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphad.runtime.blocks import empty, release
from graphad.runtime.cache import CacheInfo, cache_info, clear_cache
from graphad.runtime.collection import collection_paused
from graphad.runtime.errors import (
    CacheError,
    CacheWarning,
    CompileError,
    FormatError,
    GraphadError,
    GuardError,
    ThreadWarning,
)
from graphad.runtime.host import Host, host
from graphad.runtime.jit import jit
from graphad.runtime.lazy import load_module
from graphad.runtime.measure import Timing, measure
from graphad.runtime.program import ArraySpec, Layout, Program
from graphad.runtime.threads import allowed_threads, default_threads
from graphad.runtime.turns import Turn

if TYPE_CHECKING:
    from graphad.runtime.executable import Executable, Stats, load, stats
    from graphad.runtime.instance import Instance
    from graphad.runtime.known import Known, recall, remember
    from graphad.runtime.measured import recall_measured, remember_measured

_ON_FIRST_USE = {  # they bring Numba
    "Executable": "executable", "Stats": "executable", "load": "executable", "stats": "executable",
    "Instance": "instance", "Known": "known", "recall": "known", "remember": "known",
    "recall_measured": "measured", "remember_measured": "measured",
}  # fmt: skip

__all__ = [
    # the input language
    "ArraySpec", "Layout", "Program",
    # running it
    "load", "Executable", "Instance", "Stats", "stats", "Turn", "default_threads", "allowed_threads",
    # what was found out about it, by other processes too
    "Known", "recall", "remember", "recall_measured", "remember_measured",
    # memory of results
    "empty", "release",
    # the cache
    "CacheInfo", "cache_info", "clear_cache",
    # for planners, benchmarks and `graphad info`
    "jit", "collection_paused", "measure", "Timing", "host", "Host",
    # errors of every room start here
    "GraphadError", "CacheError", "CacheWarning", "CompileError", "FormatError", "GuardError", "ThreadWarning",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'graphad.runtime' has no attribute {name!r}")
    return getattr(load_module(f"graphad.runtime.{_ON_FIRST_USE[name]}"), name)
