"""Computes: machine code for programs, its cache, memory, threads and time. README.md names the files in order."""

from graphad.runtime.cache import CacheInfo, cache_info, clear_cache
from graphad.runtime.errors import CacheError, CacheWarning, CompileError, GraphadError, GuardError
from graphad.runtime.executable import Executable, Stats, load, stats
from graphad.runtime.host import Host, host
from graphad.runtime.instance import Instance
from graphad.runtime.jit import jit
from graphad.runtime.measure import Timing, measure
from graphad.runtime.pool import pool
from graphad.runtime.program import ArraySpec, Layout, Program
from graphad.runtime.threads import default_threads

__all__ = [
    # the input language
    "ArraySpec", "Layout", "Program",
    # running it
    "load", "Executable", "Instance", "Stats", "stats", "pool", "default_threads",
    # the cache
    "CacheInfo", "cache_info", "clear_cache",
    # for planners, benchmarks and `graphad info`
    "jit", "measure", "Timing", "host", "Host",
    # errors of every room start here
    "GraphadError", "CacheError", "CacheWarning", "CompileError", "GuardError",
]  # fmt: skip
