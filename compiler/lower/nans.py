"""nan_guard: after each value is stored, a look for the first NaN in it."""

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.node import Node
from graphad.compiler.loops.ir import At, Fail, Load, Prim
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.context import Context

BASE = 1_000_000  # failure codes from here on name a watched node


def watch(context: Context, node: Node, watched: list[Node]) -> list[Launch]:
    """A kernel that fails at a NaN in ``node``; the first failure of a run is the one reported."""
    if not is_float(node.type.dtype):
        return []
    watched.append(node)
    builder = context.builder("watch", ())[0]
    with builder.loop(node.type.size) as i:
        value = builder.let("v", Load(builder.buffer(context.stored[node]), i, node.type.dtype))
        with builder.when(Prim("isnan", (value,), "bool")):
            builder.emit(Fail(BASE + len(watched) - 1, At(i)))
    builder.kernel.parallel = False
    return [builder.launch((node,), "nan_guard")]
