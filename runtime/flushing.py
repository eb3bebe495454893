"""Subnormal numbers as zeros, for as long as a part runs.

Processors take some hundred cycles for an operation on one. A momentum that nothing feeds any more, as behind a ReLU
that is always zero, shrinks until it is one, and then stays: multiplied by 0.9, the smallest rounds to itself.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graphad.runtime.ir import insert_function, ir

I32, I64 = ir.IntType(32), ir.IntType(64)
_BITS = 0x8040  # FTZ and DAZ of MXCSR: results, and operands
_FZ = 1 << 24  # of FPCR
_MACHINE = platform.machine().lower()


@contextmanager
def flushing(builder: Any, wanted: bool) -> Iterator[None]:
    """The instructions written meanwhile see zeros. As it was before, after them."""
    if wanted and _MACHINE in ("x86_64", "amd64"):
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
        store, load = (insert_function(builder.module, kind, f"llvm.x86.sse.{n}mxcsr") for n in ("st", "ld"))
        before, meanwhile = builder.alloca(I32), builder.alloca(I32)
        raw = [builder.bitcast(place, ir.IntType(8).as_pointer()) for place in (before, meanwhile)]
        builder.call(store, raw[:1])
        builder.store(builder.or_(builder.load(before), I32(_BITS)), meanwhile)
        builder.call(load, raw[1:])
        yield
        builder.call(load, raw[:1])
    elif wanted and _MACHINE in ("aarch64", "arm64"):
        reads, writes = ir.FunctionType(I64, []), ir.FunctionType(ir.VoidType(), [I64])
        before = builder.asm(reads, "mrs $0, fpcr", "=r", [], side_effect=True)
        builder.asm(writes, "msr fpcr, $0", "r", [builder.or_(before, I64(_FZ))], side_effect=True)
        yield
        builder.asm(writes, "msr fpcr, $0", "r", [before], side_effect=True)
    else:
        yield
