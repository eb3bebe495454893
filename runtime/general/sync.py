"""``barrier``, ``fail`` and ``stamp`` for programs that Numba compiles: it has no atomics on the CPU."""

from __future__ import annotations

from typing import Any

from graphad.runtime.general.numba_api import intrinsic, signature, types
from graphad.runtime.sync import emit_barrier, emit_stamp, record_failure


def _whole(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> list[Any]:
    """All arguments but the first, as int64."""
    return [context.cast(builder, a, kind, types.int64) for a, kind in zip(args[1:], sig.args[1:], strict=True)]


@intrinsic
def barrier(typingctx: Any, sync: Any, part: Any, parts: Any) -> Any:
    """Return when all `parts` threads are here; at once if there is only one."""

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        emit_barrier(builder, args[0], _whole(context, builder, sig, args)[1])
        return context.get_dummy_value()

    return signature(types.none, sync, part, parts), codegen


@intrinsic
def fail(typingctx: Any, status: Any, code: Any, detail: Any) -> Any:
    """Record a failure: `code` (not 0) and `detail`. A run's first one counts."""

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        record_failure(builder, args[0], *_whole(context, builder, sig, args))
        return context.get_dummy_value()

    return signature(types.none, status, code, detail), codegen


@intrinsic
def stamp(typingctx: Any, clock: Any, part: Any, i: Any) -> Any:
    """Write the time, in the processor's ticks, into clock[i]: by part 0, and only while profiling."""

    def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
        emit_stamp(builder, args[0], *_whole(context, builder, sig, args))
        return context.get_dummy_value()

    return signature(types.none, clock, part, i), codegen
