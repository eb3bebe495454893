"""What the threads of one run share: a barrier, the first failure, a clock.

Each is a few LLVM instructions with real atomics. Numba has no atomics on the CPU, and its own locks need the GIL.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import Any

from graphad.runtime.numba_api import insert_function, intrinsic, ir, llvm, signature, types

SYNC_WORDS = 16  # arrivals in word 0; generation in word 8, sleepers in word 9: two cache lines
STATUS_WORDS = 8  # code, detail, taken
SPINS = 400  # some microseconds: longer than threads of one balanced kernel differ
YIELDS = 8  # then as often another thread may run; then the waiting one sleeps
I64 = ir.IntType(64)
_MACHINE = platform.machine().lower()
_YIELD = "graphad_yield"


def _register_yield() -> Any:
    """Make the system's "let another thread run" callable from compiled code; None where there is none."""
    library, name = (ctypes.CDLL(None), "sched_yield") if sys.platform != "win32" else _kernel32()
    function = getattr(library, name, None)
    if function is not None:
        llvm.add_symbol(_YIELD, ctypes.cast(function, ctypes.c_void_p).value)
    return function


def _kernel32() -> tuple[Any, str]:
    return ctypes.CDLL("kernel32.dll"), "SwitchToThread"


def _register_futex() -> int | None:
    """Make Linux's system calls callable from compiled code; the number of the one to sleep and wake by."""
    number = {"x86_64": 202, "aarch64": 98}.get(_MACHINE)
    if not sys.platform.startswith("linux") or number is None:
        return None
    llvm.add_symbol(_SYSCALL, ctypes.cast(ctypes.CDLL(None).syscall, ctypes.c_void_p).value)
    return number


_SYSCALL = "graphad_syscall"
_WAIT, _WAKE = 128, 129  # FUTEX_WAIT and FUTEX_WAKE, of this process's threads
_system_yield = _register_yield()  # kept: the symbol is its address
_futex = _register_futex()


@intrinsic
def barrier(typingctx: Any, sync: Any, part: Any, parts: Any) -> Any:
    """Return when all `parts` threads are here; at once if there is only one.

    Spins, then yields, then sleeps: another process may hold a core that one of the threads needs, and the system is
    quick to run a thread that it wakes.
    """

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        parts_value = context.cast(builder, args[2], sig.args[2], types.int64)
        with builder.if_then(builder.icmp_signed(">", parts_value, I64(1)), likely=False):
            builder.call(_barrier_function(builder.module), [args[0], parts_value])
        return context.get_dummy_value()

    return signature(types.none, sync, part, parts), codegen


def _barrier_function(module: Any) -> Any:
    """The barrier's body, once a module: inlined at every call it would swell the program."""
    kind = ir.FunctionType(ir.VoidType(), [I64.as_pointer(), I64])
    function = insert_function(module, kind, "graphad_barrier")
    if function.is_declaration:
        function.linkage = "linkonce_odr"
        function.attributes.add("noinline")
        _fill_barrier(function)
    return function


def _fill_barrier(function: Any) -> None:
    """The last to arrive resets the count and starts a new generation; the others wait for it."""
    arrivals, parts = function.args
    start, last, wait, idle, leave = (
        function.append_basic_block(name) for name in ("start", "last", "wait", "idle", "leave")
    )
    builder = ir.IRBuilder(start)
    generation = builder.gep(arrivals, [I64(8)])
    mine = builder.load_atomic(generation, "acquire", 8)
    before = builder.atomic_rmw("add", arrivals, I64(1), "acq_rel")
    builder.cbranch(builder.icmp_signed("==", builder.add(before, I64(1)), parts), last, wait)

    builder.position_at_end(last)
    builder.store_atomic(I64(0), arrivals, "monotonic", 8)
    builder.atomic_rmw("xchg", generation, builder.add(mine, I64(1)), "seq_cst")
    _wake(builder, arrivals, generation)
    builder.branch(leave)

    builder.position_at_end(wait)
    turns = builder.phi(I64)
    turns.add_incoming(I64(0), start)
    current = builder.load_atomic(generation, "acquire", 8)
    builder.cbranch(builder.icmp_signed("==", current, mine), idle, leave)

    builder.position_at_end(idle)
    _pause(builder)
    with builder.if_then(builder.icmp_signed(">", turns, I64(SPINS)), likely=False):
        _yield(builder)
    with builder.if_then(builder.icmp_signed(">", turns, I64(SPINS + YIELDS)), likely=False):
        _sleep(builder, arrivals, generation, mine)
    turns.add_incoming(builder.add(turns, I64(1)), builder.block)
    builder.branch(wait)

    builder.position_at_end(leave)
    builder.ret_void()


def _sleep(builder: Any, arrivals: Any, generation: Any, mine: Any) -> None:
    """Until the generation is another than ``mine``, or for no reason: the caller looks again."""
    if _futex is None:
        return
    sleepers = builder.gep(arrivals, [I64(9)])
    builder.atomic_rmw("add", sleepers, I64(1), "seq_cst")
    _system_call(builder, [I64(_futex), builder.ptrtoint(generation, I64), I64(_WAIT), mine, I64(0)])
    builder.atomic_rmw("sub", sleepers, I64(1), "seq_cst")


def _wake(builder: Any, arrivals: Any, generation: Any) -> None:
    """Everybody who sleeps: a thread either counted itself before the generation changed, or sees the change."""
    if _futex is None:
        return
    asleep = builder.load_atomic(builder.gep(arrivals, [I64(9)]), "seq_cst", 8)
    with builder.if_then(builder.icmp_signed(">", asleep, I64(0)), likely=False):
        _system_call(builder, [I64(_futex), builder.ptrtoint(generation, I64), I64(_WAKE), I64(0x7FFFFFFF), I64(0)])


def _system_call(builder: Any, arguments: list[Any]) -> None:
    kind = ir.FunctionType(I64, [I64] * len(arguments))
    builder.call(insert_function(builder.module, kind, _SYSCALL), arguments)


def _pause(builder: Any) -> None:
    if _MACHINE in ("x86_64", "amd64", "i386", "i686"):
        kind = ir.FunctionType(ir.VoidType(), [])
        builder.call(insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
    elif _MACHINE in ("aarch64", "arm64"):
        builder.asm(ir.FunctionType(ir.VoidType(), []), "yield", "", [], side_effect=True)


def _yield(builder: Any) -> None:
    if _system_yield is not None:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(insert_function(builder.module, kind, _YIELD), [])


@intrinsic
def fail(typingctx: Any, status: Any, code: Any, detail: Any) -> Any:
    """Record a failure: `code` (not 0) and `detail`. A run's first one counts, and its two numbers stay together."""

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        code_value, detail_value = (
            context.cast(builder, value, kind, types.int64) for value, kind in zip(args[1:], sig.args[1:], strict=True)
        )
        record_failure(builder, args[0], code_value, detail_value)
        return context.get_dummy_value()

    return signature(types.none, status, code, detail), codegen


def record_failure(builder: Any, status: Any, code: Any, detail: Any) -> None:
    """The instructions of ``fail``: status is an int64 pointer, code and detail int64."""
    result = builder.cmpxchg(builder.gep(status, [I64(2)]), I64(0), I64(1), "acq_rel", "monotonic")
    with builder.if_then(builder.extract_value(result, 1), likely=False):
        builder.store(code, builder.gep(status, [I64(0)]))
        builder.store(detail, builder.gep(status, [I64(1)]))


@intrinsic
def stamp(typingctx: Any, clock: Any, part: Any, i: Any) -> Any:
    """Write the time, in the processor's ticks, into clock[i]: by part 0, and only while profiling (clock not null)."""

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        part_value = context.cast(builder, args[1], sig.args[1], types.int64)
        profiling = builder.icmp_unsigned("!=", builder.ptrtoint(args[0], I64), I64(0))
        wanted = builder.and_(profiling, builder.icmp_signed("==", part_value, I64(0)))
        with builder.if_then(wanted, likely=False):
            index = context.cast(builder, args[2], sig.args[2], types.int64)
            builder.store(_ticks(builder), builder.gep(args[0], [index]))
        return context.get_dummy_value()

    return signature(types.none, clock, part, i), codegen


def _ticks(builder: Any) -> Any:
    """On ARM the cycle counter is closed to user programs; its timer is open."""
    kind = ir.FunctionType(I64, [])
    if _MACHINE in ("aarch64", "arm64"):
        return builder.asm(kind, "mrs $0, cntvct_el0", "=r", [], side_effect=True)
    return builder.call(insert_function(builder.module, kind, "llvm.readcyclecounter"), [])
