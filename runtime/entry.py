"""The functions around a program's kernels, as LLVM IR: ``run`` of its text, and what Python calls.

    graphad_run(frame, part, parts)         one part of a run
    graphad_call(self, arguments, count)    a function of Python's C interface: call(parts, frame, team, *arrays)

Arrays are read as NumPy lays them out: behind the head that every object has lies the address of their elements.
"""

from __future__ import annotations

from typing import Any

from graphad.runtime.flushing import flushing
from graphad.runtime.ir import insert_function, ir
from graphad.runtime.objects import Unit
from graphad.runtime.run_body import WORDS, write_run
from graphad.runtime.steps import write_steps
from graphad.runtime.symbols import CALL, HEAD, RUN, TYPE_ERROR
from graphad.runtime.teams import write_fork, write_work
from graphad.runtime.units import Units

I8, I64 = ir.IntType(8), ir.IntType(64)
OBJECT = I8.as_pointer()


def entry_unit(units: Units, arrays: int, flushes: bool) -> Unit:
    """The module of a program's entry points, which takes so many arrays; its kernels are then among the units."""
    module = ir.Module("entry")
    steps, definition = units.steps, units.functions.get("run")
    body = write_run(module, definition, units) if definition else write_steps(module, steps, units)
    frame, builder = _run_function(module)
    table, sizes, sync, clock, status = _header(builder, frame)
    part, parts = builder.function.args[1:]
    with flushing(builder, flushes):
        builder.call(body, [table, sizes, part, parts, sync, clock, status])
    builder.ret_void()
    _write_call(module, arrays)
    return Unit("run", str(module), 0, shared=False)


def numba_unit(symbol: str, arrays: int, flushes: bool) -> Unit:
    """The same around Numba's code, which answers through a pointer and has one for exceptions."""
    module = ir.Module("entry")
    frame, builder = _run_function(module)
    kind = ir.FunctionType(ir.IntType(32), [OBJECT, OBJECT, I64, I64, I64])
    places = [builder.bitcast(builder.alloca(I64), OBJECT) for _ in range(2)]
    numbers = [builder.ptrtoint(frame, I64), *builder.function.args[1:]]
    with flushing(builder, flushes):
        builder.call(ir.Function(module, kind, symbol), [*places, *numbers])
    builder.ret_void()
    _write_call(module, arrays)
    return Unit("run", str(module), 0, shared=False)


def _run_function(module: Any) -> tuple[Any, Any]:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [WORDS, I64, I64]), RUN)
    return function.args[0], ir.IRBuilder(function.append_basic_block("entry"))


def _header(builder: Any, frame: Any) -> list[Any]:
    """Table, sizes, sync, clock, status: frame.py says where they stand."""
    return [builder.inttoptr(builder.load(builder.gep(frame, [I64(k)])), WORDS) for k in range(5)]


def _write_call(module: Any, arrays: int) -> None:
    """Writes the arrays' addresses into the table, then runs: alone, or with a team."""
    write_work(module)
    function = ir.Function(module, ir.FunctionType(OBJECT, [OBJECT, OBJECT.as_pointer(), I64]), CALL)
    _, arguments, count = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    with builder.if_then(builder.icmp_signed("!=", count, I64(3 + arrays)), likely=False):
        builder.ret(_refused(builder, f"this program takes {arrays} arrays"))

    def argument(k: int) -> Any:
        return builder.load(builder.gep(arguments, [I64(k)]))

    def python(name: str, result: Any, *values: Any) -> Any:
        kind = ir.FunctionType(result, [v.type for v in values])
        return builder.call(insert_function(module, kind, name), values)

    parts, *addresses = (python("PyLong_AsLongLong", I64, argument(k)) for k in range(3))
    frame, team = (builder.inttoptr(a, WORDS) for a in addresses)
    table, _, _, _, status = _header(builder, frame)
    for k in range(arrays):
        data = builder.bitcast(builder.gep(argument(3 + k), [I64(HEAD)]), WORDS)
        builder.store(builder.load(data), builder.gep(table, [I64(k)]))
    state = python("PyEval_SaveThread", OBJECT)
    with builder.if_else(builder.icmp_signed(">", parts, I64(1))) as (several, one):
        with several:
            builder.call(write_fork(module), [team, frame, parts])
        with one:
            builder.call(module.globals[RUN], [frame, I64(0), I64(1)])
    python("PyEval_RestoreThread", ir.VoidType(), state)
    builder.ret(python("PyLong_FromLongLong", OBJECT, builder.load(status)))


def _refused(builder: Any, message: str) -> Any:
    """Raises TypeError: what a function of Python answers then."""
    module = builder.module
    text = bytearray(message.encode() + b"\0")
    kept = ir.GlobalVariable(module, ir.ArrayType(I8, len(text)), "message")
    kept.initializer, kept.linkage, kept.global_constant = ir.Constant(kept.value_type, text), "internal", True
    kind = ir.GlobalVariable(module, OBJECT, TYPE_ERROR)
    raising = insert_function(module, ir.FunctionType(ir.VoidType(), [OBJECT, OBJECT]), "PyErr_SetString")
    builder.call(raising, [builder.load(kind), builder.bitcast(kept, OBJECT)])
    return OBJECT(None)
