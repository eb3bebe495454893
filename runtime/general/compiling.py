"""A program's text to object code through Numba."""

from __future__ import annotations

import linecache
import sys
import types as python_types
from typing import Any

from graphad.runtime.general.numba_api import VERSION, cpu_target, global_compiler_lock, int64, njit, rtsys
from graphad.runtime.general.pipeline import ProgramCompiler
from graphad.runtime.symbols import register

RUN = "graphad_general_run"
_ENTRY = f"""

from graphad.runtime.kernel import buffer_at, int64_at


def {RUN}(frame, part, parts):
    header = buffer_at(frame)
    run(
        int64_at(header, 0), int64_at(header, 1), part, parts,
        int64_at(header, 2), int64_at(header, 3), int64_at(header, 4),
    )
    return 0
"""


def version() -> str:
    """Numba's, which such code works with."""
    return VERSION


def prepare() -> None:
    """Make all functions that such code may call known to LLVM, which ends the process where one is missing.

    What is compiled here is also put into Numba's own engine, and linked there when the next program is compiled.
    """
    register()
    with global_compiler_lock:
        rtsys.initialize(cpu_target.target_context)


def compile_source(source: str, name: str, path: str) -> tuple[bytes, str]:
    """Object code, and the symbol of a function of Numba's convention that takes frame, part and parts."""
    text = source.rstrip() + _ENTRY
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    module = python_types.ModuleType(name)
    module.__file__ = path
    sys.modules[name] = module
    exec(compile(text, path, "exec"), module.__dict__)
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    with global_compiler_lock:
        prepare()
        dispatcher = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, pipeline_class=ProgramCompiler, **options)(
            getattr(module, RUN)
        )
        kinds = (int64, int64, int64)
        dispatcher.compile(kinds)
        result = dispatcher.overloads[kinds]
        return bytes(result.library._get_compiled_object()), str(result.fndesc.llvm_func_name)
