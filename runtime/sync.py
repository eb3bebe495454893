"""What the threads of one run share: a barrier, the first failure, a clock.

Each is a few LLVM instructions with real atomics.
"""

from __future__ import annotations

import platform
from typing import Any

from graphad.runtime.ir import insert_function, ir
from graphad.runtime.symbols import CAN_YIELD, FUTEX, SYSCALL, YIELD

SPINS = 400  # some microseconds: longer than threads of one balanced kernel differ
YIELDS = 300
"""Then as often another thread may run, some 100 us if none wants to; then the waiting one sleeps.

To be woken takes some 50 us, in which the others reach the next barrier: sleeping sooner, all would sleep in turn.
"""
I64 = ir.IntType(64)
_MACHINE = platform.machine().lower()
_WAIT, _WAKE = 128, 129  # FUTEX_WAIT and FUTEX_WAKE, of this process's threads


def emit_barrier(builder: Any, sync: Any, parts: Any) -> None:
    """Return when all `parts` threads are here; at once if there is only one.

    Spins, then yields, then sleeps: another process may hold a core that one of the threads needs, and the system is
    quick to run a thread that it wakes.
    """
    with builder.if_then(builder.icmp_signed(">", parts, I64(1)), likely=False):
        builder.call(_barrier_function(builder.module), [sync, parts])


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
    emit_pause(builder)
    with builder.if_then(builder.icmp_signed(">", turns, I64(SPINS)), likely=False):
        emit_yield(builder)
    with builder.if_then(builder.icmp_signed(">", turns, I64(SPINS + YIELDS)), likely=False):
        _sleep(builder, arrivals, generation, mine)
    turns.add_incoming(builder.add(turns, I64(1)), builder.block)
    builder.branch(wait)

    builder.position_at_end(leave)
    builder.ret_void()


def _sleep(builder: Any, arrivals: Any, generation: Any, mine: Any) -> None:
    """Until the generation is another than ``mine``, or for no reason: the caller looks again."""
    if FUTEX is None:
        return
    sleepers = builder.gep(arrivals, [I64(9)])
    builder.atomic_rmw("add", sleepers, I64(1), "seq_cst")
    _system_call(builder, [I64(FUTEX), builder.ptrtoint(generation, I64), I64(_WAIT), mine, I64(0)])
    builder.atomic_rmw("sub", sleepers, I64(1), "seq_cst")


def _wake(builder: Any, arrivals: Any, generation: Any) -> None:
    """Everybody who sleeps: a thread either counted itself before the generation changed, or sees the change."""
    if FUTEX is None:
        return
    asleep = builder.load_atomic(builder.gep(arrivals, [I64(9)]), "seq_cst", 8)
    with builder.if_then(builder.icmp_signed(">", asleep, I64(0)), likely=False):
        _system_call(builder, [I64(FUTEX), builder.ptrtoint(generation, I64), I64(_WAKE), I64(0x7FFFFFFF), I64(0)])


def _system_call(builder: Any, arguments: list[Any]) -> None:
    kind = ir.FunctionType(I64, [I64] * len(arguments))
    builder.call(insert_function(builder.module, kind, SYSCALL), arguments)


def emit_pause(builder: Any) -> None:
    if _MACHINE in ("x86_64", "amd64", "i386", "i686"):
        kind = ir.FunctionType(ir.VoidType(), [])
        builder.call(insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
    elif _MACHINE in ("aarch64", "arm64"):
        builder.asm(ir.FunctionType(ir.VoidType(), []), "yield", "", [], side_effect=True)


def emit_yield(builder: Any) -> None:
    if CAN_YIELD:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(insert_function(builder.module, kind, YIELD), [])


def record_failure(builder: Any, status: Any, code: Any, detail: Any) -> None:
    """Keep `code` (not 0) and `detail` in status. A run's first failure counts, and its two numbers stay together."""
    result = builder.cmpxchg(builder.gep(status, [I64(2)]), I64(0), I64(1), "acq_rel", "monotonic")
    with builder.if_then(builder.extract_value(result, 1), likely=False):
        builder.store(code, builder.gep(status, [I64(0)]))
        builder.store(detail, builder.gep(status, [I64(1)]))


def emit_stamp(builder: Any, clock: Any, part: Any, i: Any) -> None:
    """Write the time, in the processor's ticks, into clock[i]: by part 0, and only while profiling (clock not null)."""
    profiling = builder.icmp_unsigned("!=", builder.ptrtoint(clock, I64), I64(0))
    wanted = builder.and_(profiling, builder.icmp_signed("==", part, I64(0)))
    with builder.if_then(wanted, likely=False):
        builder.store(_ticks(builder), builder.gep(clock, [i]))


def _ticks(builder: Any) -> Any:
    """On ARM the cycle counter is closed to user programs; its timer is open."""
    kind = ir.FunctionType(I64, [])
    if _MACHINE in ("aarch64", "arm64"):
        return builder.asm(kind, "mrs $0, cntvct_el0", "=r", [], side_effect=True)
    return builder.call(insert_function(builder.module, kind, "llvm.readcyclecounter"), [])
