"""From a program's text to a callable, and to bytes that a later process turns into the same callable."""

from __future__ import annotations

import linecache
import pickle
import sys
import types as python_types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphad.runtime.numba_api import (
    boolean,
    cpu_target,
    dumps,
    float32,
    float64,
    global_compiler_lock,
    int32,
    int64,
    njit,
    rebuild,
    rtsys,
    types,
)
from graphad.runtime.pipeline import ProgramCompiler
from graphad.runtime.program import ArraySpec, Program
from graphad.runtime.translated import translation, without_bodies

CALL = "graphad_call"
_ELEMENT = {
    "float32": float32, "float64": float64, "int32": int32, "int64": int64, "bool": boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Native:
    """`call(part, parts, frame_address, *inputs, *outputs)` runs one part and returns the status code (0: all is well).

    With part = -1 it only writes the arrays' addresses into the frame's table, for a run by several threads to follow.
    It takes exactly the arrays of the program's specs and checks almost nothing.
    """

    call: Callable[..., int]
    result: Any  # Numba's, which owns the machine code


def full_source(program: Program) -> str:
    """The program's text with the entry point that Python calls."""
    arrays = [f"a{i}" for i in range(len(program.inputs) + len(program.outputs))]
    parameters = ", ".join(["part", "parts", "frame", *arrays])
    binds = "".join(f"        bind(table, {i}, {array})\n" for i, array in enumerate(arrays)) or "        pass\n"
    return (
        f"{program.source.rstrip()}\n\n\nfrom graphad.runtime.kernel import bind, buffer_at, int64_at\n\n\n"
        f"def {CALL}({parameters}):\n"
        "    header = buffer_at(frame)\n"
        "    table = int64_at(header, 0)\n"
        "    status = int64_at(header, 4)\n"
        "    if part < 0 or parts == 1:\n"
        f"{binds}"
        "    if part >= 0:\n"
        "        run(table, int64_at(header, 1), part, parts, int64_at(header, 2), int64_at(header, 3), status)\n"
        "    return status[0]\n"
    )


def compile_source(program: Program, source: str, module_name: str, path: str) -> Native:
    """Compile the text as the module of that name and file; the file need not exist yet.

    Its kernels are translated directly; a program with a kernel beyond that goes through Numba as a whole.
    """
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    with global_compiler_lock:  # the translation's switch is the process's
        try:
            return _compile_module(program, source, module_name, path)
        except Exception:
            if not translation.refused:
                raise
            refused = tuple(translation.refused)
        with translation.off():
            try:
                return _compile_module(program, source, module_name, path)
            except Exception as error:
                error.add_note(f"not translated either: {', '.join(refused)}")
                raise


def _compile_module(program: Program, source: str, module_name: str, path: str) -> Native:
    translation.refused.clear()
    module = _module(module_name, path)
    exec(compile(without_bodies(source, path) if translation.enabled else source, path, "exec"), module.__dict__)
    arrays = (_array(spec) for spec in (*program.inputs, *program.outputs))
    integer = int64
    dispatcher = njit(
        nogil=True, error_model="numpy", boundscheck=False, no_cfunc_wrapper=True, pipeline_class=ProgramCompiler
    )(getattr(module, CALL))
    kinds = (integer, integer, integer, *arrays)
    dispatcher.compile(kinds)
    result = dispatcher.overloads[kinds]
    return Native(result.entry_point, result)


def to_bytes(native: Native) -> bytes:
    """Machine code and what is needed to call it."""
    return bytes(dumps(native.result._reduce()))


def from_bytes(data: bytes, module_name: str, path: str) -> Native:
    """The inverse, in a process that never compiled the program. Raises whatever unpickling bad bytes raises."""
    if module_name not in sys.modules:
        _module(module_name, path)  # looked up by name while unpickling; its text is not needed
    with global_compiler_lock:
        context = cpu_target.target_context
        rtsys.initialize(
            context
        )  # all that the code calls; Numba's own loader registers every function it knows: 0.2 s
        result = rebuild(context, *pickle.loads(data))
    return Native(result.entry_point, result)


def _module(name: str, path: str) -> python_types.ModuleType:
    module = python_types.ModuleType(name)
    module.__file__ = path
    sys.modules[name] = module
    return module


def _array(spec: ArraySpec) -> Any:
    return types.Array(_ELEMENT[spec.dtype], spec.ndim, "C")
