"""Raw typed pointers for generated code.

A Numba array is a struct of seven fields whose indexing tests for negative indices: too slow in loops with run-time
bounds, and slow to compile. A `Buffer` is one pointer, and `buf[i]` one address computation and one load.
"""

from __future__ import annotations

import operator
from typing import Any

from graphad.runtime.general.numba_api import (
    AbstractTemplate,
    PrimitiveModel,
    Type,
    infer_global,
    intrinsic,
    lower_builtin,
    register_model,
    signature,
    types,
)


class Buffer(Type):  # type: ignore[misc]
    """The address of elements of one dtype. No length: the generated code knows it."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Buffer({dtype})")


@register_model(Buffer)
class BufferModel(PrimitiveModel):  # type: ignore[misc]
    """A pointer to elements as they lie in memory: a bool takes a byte there."""

    def __init__(self, manager: Any, buffer: Buffer) -> None:
        super().__init__(manager, buffer, manager[buffer.dtype].get_data_type().as_pointer())


@infer_global(operator.getitem)
class BufferGetItem(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        if len(args) == 2 and isinstance(args[0], Buffer) and isinstance(args[1], types.Integer):
            return signature(args[0].dtype, args[0], args[1])
        return None


@infer_global(operator.setitem)
class BufferSetItem(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        if len(args) == 3 and isinstance(args[0], Buffer) and isinstance(args[1], types.Integer):
            return signature(types.none, args[0], args[1], args[0].dtype)
        return None


def _element(context: Any, builder: Any, buffer: Any, index_type: Any, index: Any) -> Any:
    """Address of an element. The index is taken as it is: negative means before the start."""
    return builder.gep(buffer, [context.cast(builder, index, index_type, types.intp)], inbounds=True)


@lower_builtin(operator.getitem, Buffer, types.Integer)
def _lower_getitem(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
    buffer, dtype = sig.args[0], sig.args[0].dtype
    address = _element(context, builder, args[0], sig.args[1], args[1])
    loaded = builder.load(address, align=_alignment(context, buffer))
    return context.data_model_manager[dtype].from_data(builder, loaded)


@lower_builtin(operator.setitem, Buffer, types.Integer, types.Any)
def _lower_setitem(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
    buffer, dtype = sig.args[0], sig.args[0].dtype
    address = _element(context, builder, args[0], sig.args[1], args[1])
    value = context.data_model_manager[dtype].as_data(builder, args[2])
    builder.store(value, address, align=_alignment(context, buffer))
    return context.get_dummy_value()


def _alignment(context: Any, buffer: Buffer) -> int:
    return int(context.get_abi_sizeof(context.get_data_type(buffer.dtype)))


def _address_reader(name: str, dtype: Any) -> Any:
    """An intrinsic `name(table, i)`: entry i of a buffer of addresses, as a buffer."""
    buffer = Buffer(dtype)

    def at(typingctx: Any, table: Any, i: Any) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
            address = builder.load(_element(context, builder, args[0], sig.args[1], args[1]))
            return builder.inttoptr(address, context.get_value_type(buffer))

        return signature(buffer, table, i), codegen

    at.__name__ = at.__qualname__ = name
    at.__doc__ = f"Entry i of a buffer of addresses, as a buffer of {dtype}."
    return intrinsic(at)


float32_at = _address_reader("float32_at", types.float32)
float64_at = _address_reader("float64_at", types.float64)
int32_at = _address_reader("int32_at", types.int32)
int64_at = _address_reader("int64_at", types.int64)
bool_at = _address_reader("bool_at", types.boolean)


@intrinsic
def offset(typingctx: Any, buffer: Any, n: Any) -> Any:
    """The buffer that starts n elements later."""

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        return _element(context, builder, args[0], sig.args[1], args[1])

    return signature(buffer, buffer, n), codegen


@intrinsic
def prefetch(typingctx: Any, buffer: Any, i: Any) -> Any:
    """buffer[i] and its neighbours are read soon: only loops over lanes make use of that, a line at a time."""

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        return context.get_dummy_value()

    return signature(types.none, buffer, i), codegen


@intrinsic
def stream(typingctx: Any, buffer: Any, i: Any, value: Any, size: Any) -> Any:
    """buffer[i] = value, a result of so many elements that nobody reads soon: only the translator makes use of that."""

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        converted = context.cast(builder, args[2], sig.args[2], buffer.dtype)
        address = _element(context, builder, args[0], sig.args[1], args[1])
        data = context.data_model_manager[buffer.dtype].as_data(builder, converted)
        builder.store(data, address, align=_alignment(context, buffer))
        return context.get_dummy_value()

    return signature(types.none, buffer, i, value, size), codegen


@intrinsic
def buffer_at(typingctx: Any, address: Any) -> Any:
    """The int64 buffer at an address: how an entry point gets its table."""
    buffer = Buffer(types.int64)

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(buffer))

    return signature(buffer, types.int64), codegen
