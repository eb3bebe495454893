"""LLVM IR to object code: optimised and emitted a module at a time, modules side by side on the machine's cores."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from graphad.runtime import kernel_cache, target
from graphad.runtime.environment import content_hash
from graphad.runtime.llvm_api import llvm, unlocked
from graphad.runtime.threads import default_threads


@dataclass(frozen=True)
class Unit:
    """A module: LLVM's text, and how much LLVM is to make of it (0 to 3, as compilers' -O)."""

    name: str
    text: str
    level: int = 2
    shared: bool = True  # whether other programs may have the same


def emit_all(units: Iterable[Unit]) -> list[bytes]:
    """Object code of each. Units are taken as they come: the next is written while LLVM is busy with those before."""
    with ThreadPoolExecutor(default_threads(), "graphad-compile") as threads:
        waiting = [threads.submit(emit, unit) for unit in units]
        return [one.result() for one in waiting]


def emit(unit: Unit) -> bytes:
    """Object code of one module, from the cache or made now."""
    key = content_hash(unit.text, str(unit.level)) if unit.shared else ""
    kept = kernel_cache.find(key) if key else None
    if kept is not None:
        return kept
    code = _compiled(unit)
    if key:
        kernel_cache.store(key, code)
    return code


def _compiled(unit: Unit) -> bytes:
    try:
        return _emitted(optimised(unit))
    except Exception as error:
        error.add_note(f"in kernel {unit.name}")
        raise


def optimised(unit: Unit) -> Any:
    """The module after LLVM's passes, in a context of its own: nothing is shared with what other threads compile."""
    machine = target.machine()
    module = llvm.parse_assembly(unit.text, llvm.create_context())
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=unit.level)
    options.loop_vectorization = options.slp_vectorization = unit.level > 1
    builder = llvm.create_pass_builder(machine, options)
    passes = builder.getModulePassManager()
    unlocked(llvm.ffi.lib.LLVMPY_RunNewModulePassManager)(passes, module, builder)
    return module


def _emitted(module: Any) -> bytes:
    lib = llvm.ffi.lib
    with llvm.ffi.OutputString() as message:
        buffer = unlocked(lib.LLVMPY_TargetMachineEmitToMemory)(target.machine(), module, 1, message)
        if not buffer:
            raise RuntimeError(str(message))
    try:
        return ctypes.string_at(lib.LLVMPY_GetBufferStart(buffer), lib.LLVMPY_GetBufferSize(buffer))
    finally:
        lib.LLVMPY_DisposeMemoryBuffer(buffer)
