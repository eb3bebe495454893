"""nan_guard: a look for the first NaN in each result, before any state changes."""

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import symbol
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
    builder.kernel.scalars += ["n", "code"]  # arguments, so that all of a dtype are one kernel
    with builder.loop(symbol("n")) as i:
        value = builder.let("v", Load(builder.buffer(context.stored[node]), i, node.type.dtype))
        with builder.when(Prim("isnan", (value,), "bool")):
            builder.emit(Fail(symbol("code"), At(i)))
    builder.kernel.parallel = False
    launch = builder.launch((node,), "nan_guard")
    launch.kernel.sites = ()
    launch.arguments = {"n": node.type.size, "code": BASE + len(watched) - 1}
    return [launch]
