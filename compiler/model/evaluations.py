"""How often one kernel evaluates each of its nodes, and how often it loads what other kernels stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graphad.compiler.ir.graph import Kernel
from graphad.compiler.ir.kinds import Constant, Contract, Gather, Join, Map, Scatter, View
from graphad.compiler.ir.node import Node
from graphad.compiler.passes.kernels.joins import keeps_order
from graphad.compiler.passes.kernels.points import is_anchor

Size = Callable[[Node], int]


@dataclass(frozen=True, slots=True)
class Evaluations:
    """Times that nodes inside a kernel are computed, and that elements from outside it are loaded."""

    computed: Mapping[Node, float]
    loaded: Mapping[Node, float]


def evaluations(kernel: Kernel, size: Size, pulled: Callable[[Node], tuple[float, float]]) -> Evaluations:
    """Counted from the stores backwards, as lowering evaluates on demand.

    A node that maps read is computed once an element; each view that reads it elsewhere has it computed
    anew. ``pulled`` says
    how many elements of each operand a contraction evaluates: none where it reads them where they lie.
    """
    inside = set(kernel.nodes)
    counts: dict[Node, float] = {n: float(size(n)) for n in kernel.stores}
    shared: dict[Node, float] = dict(counts)  # the greatest count among the maps that read a node
    loaded: dict[Node, float] = {}

    def ask(x: Node, times: float, again: bool) -> None:
        if x not in inside:
            if not (isinstance(x.kind, Constant) and x.kind.value.size == 1):
                loaded[x] = loaded.get(x, 0.0) + times
            return
        if again:
            counts[x] = counts.get(x, 0.0) + times
            return
        known = shared.get(x, 0.0)
        if times > known:
            counts[x] = counts.get(x, 0.0) + times - known
            shared[x] = times

    for node in reversed(kernel.nodes):
        times = counts.setdefault(node, 0.0)
        for x, n, again in _asked(node, times, size, pulled):
            ask(x, n, again)
    return Evaluations(counts, loaded)


def _asked(
    node: Node, times: float, size: Size, pulled: Callable[[Node], tuple[float, float]]
) -> list[tuple[Node, float, bool]]:
    """What one node asks of its operands: elements, and whether at an index of its own."""
    match node.kind:
        case Map():
            return [(x, times, False) for x in dict.fromkeys(node.operands)]
        case View():
            return [(node.operands[0], times, not keeps_order(node))]
        case Join():
            return [(x, float(size(x)), False) for x in dict.fromkeys(node.operands)]
        case Gather():
            x, places = node.operands
            return [(x, times, True), (places, times * size(places) / max(size(node), 1), True)]
        case Contract():
            return [(x, n, True) for x, n in zip(node.operands, pulled(node), strict=True)]
        case Scatter():
            return [(x, float(size(x)), True) for x in node.operands]
        case _ if is_anchor(node):
            return [(node.operands[0], float(size(node.operands[0])), False)]
        case _:
            return []
