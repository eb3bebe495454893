"""What the machine's memory gives: seconds to copy a block with plain and with non-temporal stores, by threads."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import llvmlite.binding as llvm
import numpy as np

from graphad.runtime import host

LINE = 64  # bytes

_COPY = """
define void @{name}(ptr noalias %to, ptr noalias %from, i64 %lines) {{
entry:
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %j, %next ]
  %p = getelementptr <16 x float>, ptr %from, i64 %i
  %q = getelementptr <16 x float>, ptr %to, i64 %i
  %v = load <16 x float>, ptr %p, align 64
  store <16 x float> %v, ptr %q, align 64{hint}
  %j = add i64 %i, 1
  %more = icmp slt i64 %j, %lines
  br i1 %more, label %next, label %done
done:
  fence seq_cst
  ret void
}}
"""
_HINTS = {"plain": "", "stream": ", !nontemporal !0"}


class Copies:
    """Copies of one block of ``nbytes`` into another, both touched before."""

    def __init__(self, nbytes: int) -> None:
        self.lines = nbytes // LINE
        self._blocks = [np.zeros(nbytes + LINE, np.uint8) for _ in range(2)]
        for block in self._blocks:
            block[:] = 1
        self._to, self._from = (b.ctypes.data + -b.ctypes.data % LINE for b in self._blocks)
        self._engine, self._copies = _compiled()
        self._helpers = ThreadPoolExecutor(8)

    def calls(self, threads: int) -> dict[str, Callable[[], None]]:
        """A call each of ``plain`` and ``stream`` that copies the block on so many threads."""
        return {name: lambda f=f: self._run(f, threads) for name, f in self._copies.items()}  # type: ignore[misc]

    def _run(self, copy: Callable[[int, int, int], None], threads: int) -> None:
        cuts = [self.lines * k // threads for k in range(threads + 1)]
        parts = [(self._to + a * LINE, self._from + a * LINE, b - a) for a, b in pairwise(cuts)]
        waiting = [self._helpers.submit(copy, *part) for part in parts[1:]]
        copy(*parts[0])
        for one in waiting:
            one.result()


def _compiled() -> tuple[llvm.ExecutionEngine, dict[str, Callable[[int, int, int], None]]]:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=host().cpu, features=llvm.get_host_cpu_features().flatten() + ",-prefer-256-bit", opt=3
    )
    text = "".join(_COPY.format(name=n, hint=h) for n, h in _HINTS.items()) + "!0 = !{i32 1}\n"
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(text), machine)
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
    return engine, {name: kind(engine.get_function_address(name)) for name in _HINTS}
