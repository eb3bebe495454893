"""Kernels' text to LLVM IR, without Numba's front end.

Generated kernels use a small part of Python: loops over ranges, assignments to scalars and buffer elements,
arithmetic, calls of named scalar functions and of other kernels. Types follow from the arguments in one walk, so the
walk can emit instructions directly; Numba's general way (bytecode, type inference, lowering) takes some ten times as
long for the same machine code. What is outside this part raises UnsupportedError, and Numba compiles that program.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from graphad.runtime import target
from graphad.runtime.expressions import BYTES, I8, I64, SCALAR, Expressions, UnsupportedError, Value, llvm_type
from graphad.runtime.ir import ir
from graphad.runtime.lane_plan import plan_lanes
from graphad.runtime.lanes import Lanes
from graphad.runtime.panels import emit_panel
from graphad.runtime.spmd import Together, used
from graphad.runtime.transposes import emit_transpose


class Translator(Expressions):
    """One kernel, for one list of argument dtypes, as a function of ``module``."""

    def __init__(
        self,
        module: Any,
        name: str,
        definition: ast.FunctionDef,
        dtypes: Sequence[str],
        flags: tuple[str, ...],
        callee: Callable[[str, Sequence[str]], Any],
        status: Callable[..., None],
    ) -> None:
        self.callee, self.record_failure = callee, status
        names = [a.arg for a in definition.args.args]
        if len(names) != len(dtypes):
            raise TypeError(f"kernel {definition.name} takes {len(names)} arguments, got {len(dtypes)}")
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), [llvm_type(d) for d in dtypes]), name)
        self.function.attributes.add("noinline")  # keeps what its arguments promise
        for argument, dtype in zip(self.function.args, dtypes, strict=True):
            if dtype.endswith("*"):
                argument.add_attribute("noalias")
        self.entry = ir.IRBuilder(self.function.append_basic_block("entry"))
        super().__init__(
            ir.IRBuilder(self.function.append_basic_block("body")), tuple(f for f in flags if f == "contract")
        )
        self.sum_flags = flags
        self.loops = 0
        self.streams = False  # whether stores pass the caches by
        self.arguments = {n: Value(a, d) for n, a, d in zip(names, self.function.args, dtypes, strict=True)}
        body = self.builder.block
        self.block(definition.body)
        if self.streams:
            self.builder.fence("seq_cst")  # such stores are not in order with others, as with the barrier's behind it
        self.builder.ret_void()
        self.entry.branch(body)

    # -- statements --------------------------------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.BinOp(left=ast.Name(id=same) as left, op=op, right=right)
            ) if name == same:
                self.assign(name, self.accumulated(op, self.value(left), self.value(right)))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.assign(name, self.value(value))
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=index)], value=value):
                self.store(name, self.index(index), self.value(value))
            case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=bounds), body=body):
                self.loop(name, [self.index(b) for b in bounds], body)
            case ast.For(
                target=ast.Name(id=name),
                iter=ast.Call(func=ast.Name(id="lanes"), args=[ast.Constant(value=int(lanes))]),
                body=body,
            ):
                self.together(name, lanes, body)
            case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="lanes"), args=bounds), body=body):
                self.lanes(name, bounds, body)
            case ast.If(test=test, body=body, orelse=[]):
                with self.builder.if_then(self.truth(self.value(test))):
                    self.block(body)
            case ast.Expr(value=ast.Call(func=ast.Name(id=name), args=arguments)):
                self.call(name, arguments)
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case _:
                raise UnsupportedError(ast.unparse(statement))

    def accumulated(self, op: ast.operator, total: Value, more: Value) -> Value:
        """total op more: the only place where a sum may change its order.

        Elsewhere that would turn (a + b) - (a + b) into 0, which is NaN for infinities.
        """
        plain, self.flags = self.flags, self.sum_flags
        try:
            return self.binary(op, total, more)
        finally:
            self.flags = plain

    def assign(self, name: str, value: Value) -> None:
        if name in self.arguments:
            raise UnsupportedError(f"assignment to argument {name}")
        if name not in self.variables:
            self.variables[name] = Value(self.entry.alloca(SCALAR[value.dtype], name=name), value.dtype)
        target = self.variables[name]
        if target.dtype != value.dtype:
            raise UnsupportedError(f"{name} is {target.dtype}, then {value.dtype}")
        self.builder.store(value.ir, target.ir)

    def store(self, name: str, index: Any, value: Value) -> None:
        dtype = self.buffer(name)
        converted = self.cast(value, dtype).ir
        if dtype == "bool":
            converted = self.builder.zext(converted, I8)
        self.builder.store(converted, self.address(name, index), align=BYTES[dtype])

    def loop(self, name: str, bounds: list[Any], body: Sequence[ast.stmt]) -> None:
        builder = self.builder
        start, stop, step = {
            1: lambda: (I64(0), bounds[0], I64(1)),
            2: lambda: (bounds[0], bounds[1], I64(1)),
            3: lambda: (bounds[0], bounds[1], bounds[2]),
        }[len(bounds)]()
        before = builder.block
        head = builder.append_basic_block(f"{name}.head")
        inside = builder.append_basic_block(f"{name}.body")
        after = builder.append_basic_block(f"{name}.end")
        builder.branch(head)
        builder.position_at_end(head)
        variable = builder.phi(I64, name=name)
        variable.add_incoming(start, before)
        builder.cbranch(builder.icmp_signed("<", variable, stop), inside, after)
        builder.position_at_end(inside)
        outer = self.arguments.get(name)
        self.arguments[name] = Value(variable, "int64")
        self.block(body)
        variable.add_incoming(builder.add(variable, step, flags=("nsw",)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        if outer is None:
            del self.arguments[name]
        else:
            self.arguments[name] = outer

    def lanes(self, name: str, bounds: Sequence[ast.expr], body: Sequence[ast.stmt]) -> None:
        """A loop over independent points, as a function of vectors; as it is, where vectors cannot write it."""
        start, stop = (self.index(b) for b in bounds)
        arguments, scalars = ({n: v.dtype for n, v in found.items()} for found in (self.arguments, self.variables))
        plan = plan_lanes(name, body, arguments, scalars, target.vector_bytes())
        if plan is None:
            self.loop(name, [start, stop], body)
            return
        outside, totals = {n: self._name(n) for n in plan.outside}, {n: self.variables[n] for n in plan.folds}
        self.loops += 1
        symbol, given = f"{self.function.name}.{self.loops}", (name, plan, outside, totals, self.flags, target.fused())
        points, quick = plan.whole(*(_number(b) for b in (start, stop))), None
        values = [v.ir for v in (*outside.values(), *totals.values())]
        if points:
            quick = Lanes(self.builder.module, f"{symbol}.whole", *given, points)
            quick.write(body)
        if quick and not plan.streamed:
            self.builder.call(quick.function, values)
            return
        inside = Lanes(self.builder.module, symbol, *given, None, quick)
        inside.write(body)
        self.builder.call(inside.function, [*values, start, stop])
        self.streams = self.streams or plan.streamed

    def together(self, name: str, lanes: int, body: Sequence[ast.stmt]) -> None:
        """The same program in every lane, as a function of vectors."""
        names = used(body)
        outside = {n: v for n, v in self.arguments.items() if n in names}
        self.loops += 1
        title = f"{self.function.name}.{self.loops}"
        inner = _together(body)
        pixel = None if inner is None else (name, lanes)
        lane, text = ((name, lanes), body) if inner is None else inner
        inside = Together(self.builder.module, title, lane, pixel, outside, self.flags, target.fused())
        inside.write(text)
        self.builder.call(inside.function, [v.ir for v in outside.values()])

    def call(self, name: str, arguments: Sequence[ast.expr]) -> None:
        if name == "fail":
            status, code, detail = arguments
            values = [self.cast(self.value(a), "int64").ir for a in (code, detail)]
            self.record_failure(self.builder, self.value(status).ir, *values)
            return
        if name == "prefetch":  # element by element it does not pay
            return
        if name == "stream":
            buffer, index, value, _ = arguments
            assert isinstance(buffer, ast.Name)
            self.store(buffer.id, self.index(index), self.value(value))
            return
        values = [self._argument(a) for a in arguments]
        if name == "multiply_panel":
            *numbers, rows, columns, lanes = (v.ir for v in values[4:])
            buffers = [v.ir for v in values[:4]]
            tile = rows.constant, columns.constant, lanes.constant
            emit_panel(self.builder, buffers, numbers, *tile, self.flags)
            return
        if name == "transpose_panel":
            operands = [v.ir for v in values]
            emit_transpose(self.builder, operands[:2], operands[2:5], operands[5].constant)
            return
        function = self.callee(name, [v.dtype for v in values])
        self.builder.call(function, [v.ir for v in values])

    def _argument(self, tree: ast.expr) -> Value:
        match tree:
            case ast.Call(func=ast.Name(id="offset"), args=[ast.Name(id=name), index]):
                return Value(self.address(name, self.index(index)), f"{self.buffer(name)}*")
            case ast.Name(id=name) if name in self.arguments and self.arguments[name].dtype.endswith("*"):
                return self.arguments[name]
        return Value(self.index(tree), "int64")


def _together(body: Sequence[ast.stmt]) -> tuple[tuple[str, int], list[ast.stmt]] | None:
    """The variable, the lanes and the body of a block for all lanes, if there is nothing else."""
    match body:
        case [
            ast.For(
                target=ast.Name(id=name),
                iter=ast.Call(func=ast.Name(id="lanes"), args=[ast.Constant(value=int(lanes))]),
                body=inner,
            )
        ]:
            return (name, lanes), inner
        case _:
            return None


def _number(word: Any) -> int | None:
    """The value of an index that is known."""
    constant = getattr(word, "constant", None)
    return constant if isinstance(constant, int) else None
