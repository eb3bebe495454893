"""``run`` of a program's text, as LLVM IR: sizes, stamps, barriers, and calls of kernels."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from graphad.runtime.expressions import Expressions, UnsupportedError, Value, llvm_type
from graphad.runtime.ir import ir
from graphad.runtime.sync import emit_barrier, emit_stamp
from graphad.runtime.units import Units

RUN_DTYPES = {
    "table": "int64*", "sizes": "int64*", "part": "int64", "parts": "int64", "sync": "int64*", "clock": "int64*",
    "status": "int64*",
}  # fmt: skip
_AT = {f"{dtype}_at": f"{dtype}*" for dtype in ("float32", "float64", "int32", "int64", "bool")}
WORDS = ir.IntType(64).as_pointer()


def run_type() -> Any:
    """The type of ``run``."""
    return ir.FunctionType(ir.VoidType(), [llvm_type(d) for d in RUN_DTYPES.values()])


class RunBody(Expressions):
    """Writes statements of ``run`` into a function that takes what it takes; some calls are only for part 0."""

    def __init__(self, function: Any, units: Units) -> None:
        self.function, self.units = function, units
        super().__init__(ir.IRBuilder(function.append_basic_block("entry")), ())
        pairs = zip(RUN_DTYPES.items(), function.args[: len(RUN_DTYPES)], strict=True)
        self.arguments = {name: Value(argument, dtype) for (name, dtype), argument in pairs}

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name not in self.arguments:
                self.arguments[name] = self.value(value)
            case ast.If(test=test, body=body, orelse=[]) if not any(isinstance(s, ast.Assign) for s in body):
                with self.builder.if_then(self.truth(self.value(test))):
                    self.block(body)
            case ast.Return(value=None):
                self.leave()
            case ast.Expr(value=ast.Call(func=ast.Name(id=name), args=arguments)):
                self.call(name, [self.value(a) for a in arguments])
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case _:
                raise UnsupportedError(ast.unparse(statement), "run")

    def leave(self) -> None:
        """The run is over."""
        self.builder.ret_void()

    def call(self, name: str, values: Sequence[Value]) -> None:
        words = [v.ir if v.dtype.endswith("*") else self.cast(v, "int64").ir for v in values]
        if name == "stamp":
            emit_stamp(self.builder, *words)
        elif name == "barrier":
            emit_barrier(self.builder, words[0], words[2])
        else:
            dtypes = [v.dtype if v.dtype.endswith("*") else "int64" for v in values]
            self.builder.call(self.units.declared(self.function.module, name, dtypes), words)

    def function_call(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        if name in _AT:
            table, index = arguments
            address = self.builder.load(self.builder.gep(self.value(table).ir, [self.index(index)]))
            return Value(self.builder.inttoptr(address, llvm_type(_AT[name])), _AT[name])
        if name == "offset":
            buffer = self.value(arguments[0])
            return Value(self.builder.gep(buffer.ir, [self.index(arguments[1])], inbounds=True), buffer.dtype)
        return super().function_call(name, arguments)


def write_run(module: Any, definition: ast.FunctionDef, units: Units) -> Any:
    """``run`` as it is written, a function of the module."""
    if [a.arg for a in definition.args.args] != list(RUN_DTYPES):
        raise UnsupportedError(f"run must take {', '.join(RUN_DTYPES)}")
    function = ir.Function(module, run_type(), "run")
    function.linkage = "internal"
    body = RunBody(function, units)
    body.block(definition.body)
    if not body.builder.block.is_terminated:
        body.builder.ret_void()
    return function
