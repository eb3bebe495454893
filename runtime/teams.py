"""Fork and join in compiled code: a team of threads that wait for work without Python, and how a run is given to them.

A waiting thread spins, then yields, then sleeps. Between the calls of a loop it spins, so that a hand-over takes a
microsecond or two; an idle team sleeps and costs nothing. Sleeping goes by Python's lock, which any thread may release:
each sleeper has one of its own and a flag that says it will sleep. Whoever takes the flag back, the sleeper that found
work or the other who brings it, settles whether the lock is released.

A team in memory, in words of 64 bits (pool.py makes it):

    0 whether a call uses it    8 threads still at work    9 flag and 10 lock of the caller
    16 + 16 (part - 1): a thread's slot of two cache lines
        0 its ticket, another one for each run    1 frame    2 parts    3 the program's graphad_run
        8 flag    9 lock    10 part    11 the team
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from graphad.runtime.ir import insert_function, ir
from graphad.runtime.symbols import ACQUIRE, RELEASE, RUN, WORK
from graphad.runtime.sync import emit_pause, emit_yield

I8, I32, I64 = (ir.IntType(n) for n in (8, 32, 64))
WORDS = I64.as_pointer()
VOID = ir.VoidType()
RUN_TYPE = ir.FunctionType(VOID, [WORDS, I64, I64])
SPINS = 1000  # 10 to 50 us, as processors' pauses go: what a program does between two steps
YIELDS = 300  # some 100 us, as at barriers
SLOT, FIRST = 16, 16  # words of a slot, and where the first one is
FLAG, LOCK = 8, 9  # of a slot


def write_fork(module: Any) -> Any:
    """graphad_fork(team, frame, parts): runs all parts, one itself; as a single part, if the team is taken."""
    run = module.globals[RUN]
    function = ir.Function(module, ir.FunctionType(VOID, [WORDS, WORDS, I64]), "graphad_fork")
    function.linkage = "internal"
    team, frame, parts = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    taken = b.extract_value(b.cmpxchg(team, I64(0), I64(1), "acq_rel", "monotonic"), 1)
    with b.if_then(b.not_(taken), likely=False):
        b.call(run, [frame, I64(0), I64(1)])
        b.ret_void()
    pending = b.gep(team, [I64(8)])
    b.store_atomic(b.sub(parts, I64(1)), pending, "monotonic", 8)
    with _counting(b, parts) as part:
        slot = b.gep(team, [b.add(I64(FIRST - SLOT), b.mul(part, I64(SLOT)))])
        for k, value in ((1, b.ptrtoint(frame, I64)), (2, parts), (3, b.ptrtoint(run, I64))):
            b.store(value, b.gep(slot, [I64(k)]))
        b.atomic_rmw("add", slot, I64(1), "seq_cst")
        _wake(b, b.gep(slot, [I64(FLAG)]), b.gep(slot, [I64(LOCK)]))
    b.call(run, [frame, I64(0), parts])
    flag, lock = b.gep(team, [I64(9)]), b.gep(team, [I64(10)])
    _wait(b, lambda: b.icmp_signed("!=", b.load_atomic(pending, "seq_cst", 8), I64(0)), flag, lock)
    b.store_atomic(I64(0), team, "release", 8)
    b.ret_void()
    return function


def write_work(module: Any) -> None:
    """graphad_work(slot): what a thread of the team does, for ever."""
    function = ir.Function(module, ir.FunctionType(VOID, [WORDS]), WORK)
    (slot,) = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))
    flag, lock = (b.gep(slot, [I64(k)]) for k in (FLAG, LOCK))
    part = b.load(b.gep(slot, [I64(10)]))
    team = b.inttoptr(b.load(b.gep(slot, [I64(11)])), WORDS)
    entry, again = b.block, b.append_basic_block("again")
    b.branch(again)
    b.position_at_end(again)
    done = b.phi(I64)
    done.add_incoming(I64(0), entry)
    _wait(b, lambda: b.icmp_signed("==", b.load_atomic(slot, "seq_cst", 8), done), flag, lock)
    frame, parts, run = (b.load(b.gep(slot, [I64(k)])) for k in (1, 2, 3))
    b.call(b.inttoptr(run, RUN_TYPE.as_pointer()), [b.inttoptr(frame, WORDS), part, parts])
    left = b.atomic_rmw("sub", b.gep(team, [I64(8)]), I64(1), "seq_cst")
    with b.if_then(b.icmp_signed("==", left, I64(1))):
        _wake(b, b.gep(team, [I64(9)]), b.gep(team, [I64(10)]))
    done.add_incoming(b.add(done, I64(1)), b.block)
    b.branch(again)


@contextmanager
def _counting(b: Any, parts: Any) -> Iterator[Any]:
    """A loop over parts 1 to parts - 1."""
    before = b.block
    head, body, end = (b.append_basic_block(f"parts.{name}") for name in ("head", "body", "end"))
    b.branch(head)
    b.position_at_end(head)
    part = b.phi(I64)
    part.add_incoming(I64(1), before)
    b.cbranch(b.icmp_signed("<", part, parts), body, end)
    b.position_at_end(body)
    yield part
    part.add_incoming(b.add(part, I64(1)), b.block)
    b.branch(head)
    b.position_at_end(end)


def _wait(b: Any, waiting: Callable[[], Any], flag: Any, lock: Any) -> None:
    """Until ``waiting`` does not hold any more; what it writes is written twice."""
    before = b.block
    look, idle, doze, end = (b.append_basic_block(f"wait.{name}") for name in ("look", "idle", "doze", "end"))
    b.branch(look)
    b.position_at_end(look)
    turns = b.phi(I64)
    turns.add_incoming(I64(0), before)
    b.cbranch(waiting(), idle, end)

    b.position_at_end(idle)
    emit_pause(b)
    with b.if_then(b.icmp_signed(">", turns, I64(SPINS)), likely=False):
        emit_yield(b)
    turns.add_incoming(b.add(turns, I64(1)), b.block)
    b.cbranch(b.icmp_signed(">", turns, I64(SPINS + YIELDS)), doze, look)

    b.position_at_end(doze)
    b.atomic_rmw("xchg", flag, I64(1), "seq_cst")
    still = waiting()
    asleep = b.append_basic_block("wait.asleep")
    awake = b.append_basic_block("wait.awake")
    b.cbranch(still, asleep, awake)
    b.position_at_end(awake)  # was the flag still there? if not, the lock is released, or about to be
    kept = b.atomic_rmw("xchg", flag, I64(0), "seq_cst")
    b.cbranch(b.icmp_signed("==", kept, I64(1)), end, asleep)
    b.position_at_end(asleep)
    _locking(b, ACQUIRE, I32, lock, I32(1))
    turns.add_incoming(I64(0), asleep)
    b.branch(look)
    b.position_at_end(end)


def _wake(b: Any, flag: Any, lock: Any) -> None:
    """Whoever said that it will sleep; what it waits for has been written before."""
    asleep = b.load_atomic(flag, "seq_cst", 8)
    with b.if_then(b.icmp_signed("==", asleep, I64(1)), likely=False):
        taken = b.atomic_rmw("xchg", flag, I64(0), "seq_cst")
        with b.if_then(b.icmp_signed("==", taken, I64(1))):
            _locking(b, RELEASE, VOID, lock)


def _locking(b: Any, name: str, result: Any, lock: Any, *options: Any) -> None:
    kind = ir.FunctionType(result, [I8.as_pointer(), *(o.type for o in options)])
    b.call(insert_function(b.module, kind, name), [b.inttoptr(b.load(lock), I8.as_pointer()), *options])
