"""Which nodes have memory of their own; the others are evaluated inside the kernels that read them."""

from typing import Final

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Contract, Fold, Gather, Map, Reduce, Scan, Scatter, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.scalar import COMPARE, LOGIC, PREDICATE, Apply, Cast, Scalar
from graphad.compiler.ir.verify import needs_kernel
from graphad.compiler.ir.view import Affine

CHEAP: Final = 4  # flops that are rather computed again than stored and loaded
LARGE: Final = 160  # flops inlined into one kernel, beyond which compile time outweighs a store
_EXPENSIVE: Final = 20  # flops a transcendental function is worth
_PLAIN: Final = COMPARE | LOGIC | PREDICATE | {"neg", "abs", "add", "sub", "mul", "min", "max", "select"}


def is_anchor(node: Node) -> bool:
    """Needs a loop nest of its own."""
    return isinstance(node.kind, Reduce | Contract | Scan | Fold | Scatter)


def cost(scalar: Scalar) -> int:
    """Flops of one evaluation, a transcendental function weighing more."""
    match scalar:
        case Apply(primitive, args):
            own = 1 if primitive in _PLAIN else _EXPENSIVE if primitive not in ("div", "sqrt", "require") else 4
            return own + sum(cost(a) for a in args)
        case Cast(_, arg):
            return cost(arg)
        case _:
            return 0


def choose_stored(graph: Graph) -> set[Node]:
    """The nodes with memory of their own, found from the roots backwards."""
    roots = set(graph.roots)
    weight = _weights(graph)
    stored: set[Node] = set()
    owners: dict[Node, set[Node]] = {}
    repeated: set[Node] = set()  # read more than once an element, by a view
    packed: set[Node] = set()  # an operand of a contraction, through views
    for node in reversed(graph.nodes):
        if not needs_kernel(node):
            continue
        users = graph.users[node]
        for user in users:
            inlined = user not in stored
            if _repeats(user) or (inlined and user in repeated):
                repeated.add(node)
            if isinstance(user.kind, Contract) or (isinstance(user.kind, View) and inlined and user in packed):
                packed.add(node)
        owner = set().union(*(owners[u] for u in users)) if users else set()
        again = len(owner) > 1 or node in repeated
        if (
            node in roots
            or is_anchor(node)
            or (isinstance(node.kind, Map | Gather) and node in packed)
            or (isinstance(node.kind, Map | Gather) and again and weight[node] > CHEAP)
            or (isinstance(node.kind, Map) and weight[node] > LARGE)
        ):
            stored.add(node)
            owner = {node}
        owners[node] = owner
    return stored


def _weights(graph: Graph) -> dict[Node, int]:
    """Flops to evaluate one element with everything behind it inlined, up to a bound where it would be stored."""
    weight: dict[Node, int] = {}
    for node in graph.nodes:
        if is_anchor(node) or not needs_kernel(node):
            weight[node] = 0
            continue
        own = cost(node.kind.scalar) if isinstance(node.kind, Map) else 3 if isinstance(node.kind, Gather) else 0
        total = own + sum(weight[o] for o in node.operands)
        weight[node] = own if total - own > LARGE else total
    return weight


def _repeats(user: Node) -> bool:
    """A view that reads elements more than once: a broadcast, or windows that overlap."""
    if not isinstance(user.kind, View) or not isinstance(user.kind.map, Affine):
        return False
    found = user.kind.map
    unused = any(i not in found.used() and d != 1 for i, d in enumerate(found.shape))
    return unused or any(len(a.terms) > 1 for a in found.axes)
