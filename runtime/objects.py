"""LLVM IR to object code: optimised and emitted a module at a time, modules side by side on the machine's cores."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from graphad.runtime import kernel_cache, target
from graphad.runtime.environment import content_hash
from graphad.runtime.llvm_api import llvm, unlocked
from graphad.runtime.threads import default_threads


@dataclass(frozen=True)
class Unit:
    """A module: LLVM's text, and how much LLVM is to make of it (0 to 3, as compilers' -O).

    ``reordered``: sums in it may change their order. Straight-line code is not searched for vectors then: of nested
    sums of products, such as 4 x 6 float64, LLVM 22's SLP vectorizer replaces a value by itself and ends the process.
    """

    name: str
    text: str
    level: int = 2
    shared: bool = True  # whether other programs may have the same
    reordered: bool = False


def emit_all(units: Iterable[Unit]) -> list[bytes]:
    """Object code of each. Units are taken as they come: the next is written while LLVM is busy with those before."""
    crew = _Crew(default_threads())
    try:
        jobs = [crew.submit(unit) for unit in units]
        crew.help()
    finally:
        crew.dismiss()
    return [job.result() for job in jobs]


class _Job:
    """A unit to emit, and what became of it."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.code = b""
        self.error: Exception | None = None

    def do(self) -> None:
        try:
            self.code = emit(self.unit)
        except Exception as error:  # for the one who asks for the result
            self.error = error

    def result(self) -> bytes:
        if self.error is not None:
            raise self.error
        return self.code


class _Crew:
    """Threads that emit; as many as the system gives, and at last the caller, so that none will do."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._threads: list[threading.Thread] = []
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()

    def submit(self, unit: Unit) -> _Job:
        job = _Job(unit)
        self._jobs.put(job)
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._work, name="graphad-compile", daemon=True)
            try:
                thread.start()
                self._threads.append(thread)
            except RuntimeError:  # no more
                self._most = len(self._threads)
        return job

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.do()

    def help(self) -> None:
        """Do what no thread has begun."""
        with contextlib.suppress(Empty):
            while (job := self._jobs.get_nowait()) is not None:
                job.do()

    def dismiss(self) -> None:
        """Wait until the threads are gone. What nobody has begun is not done any more."""
        with contextlib.suppress(Empty):
            while True:
                self._jobs.get_nowait()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()


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
    options.loop_vectorization = unit.level > 1
    options.slp_vectorization = unit.level > 1 and not unit.reordered
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
