"""What the machine can do, as two contenders: multiply-adds that touch no memory, and copies of 64 MiB.

Written in LLVM's language and compiled by llvmlite, apart from graphad's compiler, which is measured by it. A call is a
fixed amount of work, split among threads (which run at once: a foreign call lets go of the interpreter's lock).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from benchmarks.worker import Task, arguments, serve
from graphad.runtime import host

TASKS = ("fma-float32", "fma-float64", "copy", "copy-streaming")
CHAINS = 12
"""Sums at once: more than latency times units, fewer than there are registers."""
TURNS = 1_000_000
COPIED = 64 * 2**20


def fma_text(dtype: str, vector_bytes: int = 0) -> str:
    """A function of a count: so many turns of CHAINS independent multiply-adds of vectors, else the widest.

    The factors are 0.5 and what the sum was, so that nothing overflows; the sums are stored once, lest they be dropped.
    """
    kind, size, letter = ("float", 4, "f32") if dtype == "float32" else ("double", 8, "f64")
    lanes = max(1, (vector_bytes or host().vector_bytes) // size)
    vector, call = f"<{lanes} x {kind}>", f"@llvm.fma.v{lanes}{letter}"
    start = "<" + ", ".join([f"{kind} 0.5"] * lanes) + ">"
    phis = "\n".join(f"  %s{k} = phi {vector} [ {start}, %entry ], [ %t{k}, %loop ]" for k in range(CHAINS))
    steps = "\n".join(
        f"  %t{k} = call {vector} {call}({vector} %s{k}, {vector} {start}, {vector} {start})" for k in range(CHAINS)
    )
    stores = "\n".join(f"  store volatile {vector} %t{k}, ptr %out, align 4" for k in range(CHAINS))
    return f"""
declare {vector} {call}({vector}, {vector}, {vector})
define void @work(ptr %out, i64 %count) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
{phis}
{steps}
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %loop, label %done
done:
{stores}
  ret void
}}
"""


def copy_text() -> str:
    """A function of target, source and a number of bytes, with stores past the caches."""
    lanes = max(1, host().vector_bytes // 4)
    vector, width = f"<{lanes} x float>", 4 * lanes
    return f"""
define void @work(ptr %target, ptr %source, i64 %bytes) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %from = getelementptr i8, ptr %source, i64 %i
  %to = getelementptr i8, ptr %target, i64 %i
  %v = load {vector}, ptr %from, align {width}
  store {vector} %v, ptr %to, align {width}, !nontemporal !0
  %next = add i64 %i, {width}
  %more = icmp ult i64 %next, %bytes
  br i1 %more, label %loop, label %done
done:
  ret void
}}
!0 = !{{i32 1}}
"""


def compiled(text: str, *types: Any) -> tuple[Callable[..., None], Any]:
    """The function `work` of the text, and what keeps it alive."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    # LLVM would keep to half of the widest registers of many processors
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features + ",-prefer-256-bit", opt=3
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(text), machine)
    engine.finalize_object()
    return ctypes.CFUNCTYPE(None, *types)(engine.get_function_address("work")), engine


def aligned(size: int) -> np.ndarray:
    """Bytes that begin on a cache line, already touched."""
    raw = np.ones(size + 64, np.uint8)
    return raw[-raw.ctypes.data % 64 :][:size]


def fma(threads: int, dtype: str) -> tuple[list[Callable[[], object]], dict[str, Any]]:
    work, engine = compiled(fma_text(dtype), ctypes.c_void_p, ctypes.c_int64)
    lanes = max(1, host().vector_bytes // np.dtype(dtype).itemsize)
    outs = [aligned(64) for _ in range(threads)]
    calls = [lambda out=out: work(out.ctypes.data, TURNS) for out in outs]
    return calls, {"flops": 2 * lanes * CHAINS * TURNS * threads, "keep": engine}


def copies(threads: int, streaming: bool) -> tuple[list[Callable[[], object]], dict[str, Any]]:
    source, target = aligned(COPIED), aligned(COPIED)
    part = COPIED // threads // 64 * 64
    pieces = [(target[k * part :][:part], source[k * part :][:part]) for k in range(threads)]
    facts = {"bytes": 2 * part * threads}
    if not streaming:
        return [lambda t=t, s=s: np.copyto(t, s) for t, s in pieces], facts
    work, engine = compiled(copy_text(), ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    return [lambda t=t, s=s: work(t.ctypes.data, s.ctypes.data, part) for t, s in pieces], facts | {"keep": engine}


def task(name: str, threads: int) -> Task:
    kind, _, rest = name.partition("-")
    calls, facts = fma(threads, rest) if kind == "fma" else copies(threads, rest == "streaming")
    engine = facts.pop("keep", None)
    pool = ThreadPoolExecutor(threads)

    def call(engine: Any = engine) -> None:
        first, *others = calls
        waiting = [pool.submit(other) for other in others]
        first()
        for future in waiting:
            future.result()

    return Task(call, facts=facts)


if __name__ == "__main__":
    known = arguments(TASKS)
    serve(lambda: task(known.task, known.threads))
