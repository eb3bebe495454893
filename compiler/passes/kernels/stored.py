"""Which nodes have memory of their own; the others are evaluated inside the kernels that read them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import After, Contract, Gather, Join, Map, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.scalar import COMPARE, LOGIC, PREDICATE, Scalar, operations
from graphad.compiler.ir.verify import needs_kernel
from graphad.compiler.ir.view import Affine
from graphad.compiler.passes.kernels.points import Points, is_anchor, moved_readers

CHEAP: Final = 4  # flops that are rather computed again than stored and loaded
LARGE: Final = 160  # flops computed again, or merged without need, beyond which compile time outweighs a store
_EXPENSIVE: Final = 20  # flops a transcendental function is worth
_PLAIN: Final = COMPARE | LOGIC | PREDICATE | {"neg", "abs", "add", "sub", "mul", "min", "max", "select"}


@lru_cache(maxsize=4096)
def cost(scalar: Scalar) -> int:
    """Flops of one evaluation, a transcendental function weighing more."""
    return sum(1 if p in _PLAIN else 4 if p in ("div", "sqrt", "require") else _EXPENSIVE for p in operations(scalar))


def choose_stored(points: Points) -> dict[Node, Node]:
    """The nodes with memory of their own, found from the roots backwards, each with what stands for its kernel.

    Stored are roots, anchors, joins that do not dissolve, what a product packs, and what would be computed again or out
    of order: what two kernels read, a view repeats or an index jumbles, if it takes more than CHEAP flops; what is read
    elsewhere than in place, if it takes more than LARGE; and what straight-line code reads from other points, if that
    were more work than its own. Straight-line code is not cut: each of its nodes is computed once a point, however many
    there are. Two functions of a value that nothing else reads are stored instead of it.
    """
    graph = points.graph
    roots = set(graph.roots)
    weight, heavy = _weights(points)
    heavy |= _too_often(points, weight)
    partial, products = _partial_sums(points), _above_products(graph)
    stored: dict[Node, Node] = {}
    owners: dict[Node, Node | None] = {}  # the one kernel that reads a node; None for several
    repeated: set[Node] = set()  # read more than once an element, by a view
    packed: set[Node] = set()  # an operand of a contraction, through views
    jumped: dict[Node, int] = {}  # how many elements are read by an index, through views
    for node in reversed(graph.nodes):
        if not needs_kernel(node):
            continue
        users = graph.users[node]
        waited = False  # what is waited for has memory of its own, or there would be no moment to wait for
        for user in users:
            inlined = user not in stored
            waited |= isinstance(user.kind, After) and user.operands[1] is node and not isinstance(node.kind, After)
            if _repeats(user) or (inlined and user in repeated):
                repeated.add(node)
            if isinstance(user.kind, Contract) or (isinstance(user.kind, View | After) and inlined and user in packed):
                packed.add(node)
            if isinstance(user.kind, Gather) and node is user.operands[0]:
                jumped[node] = jumped.get(node, 0) + _count(user)
            elif isinstance(user.kind, View) and inlined and user in jumped:
                jumped[node] = jumped.get(node, 0) + jumped[user]
        found = {owners[u] for u in users}
        if len(found) > 1 and _need_not_be_kept(points, node, weight, products):
            stored.update((u, u) for u in users if u not in stored)
            owners.update((u, u) for u in users)
        owner = found.pop() if len(found) == 1 else None
        again = bool(users) and (owner is None or node in repeated)
        computed = isinstance(node.kind, Map | Gather)
        # an index reads about as many elements as there are: in order they are computed in vectors
        jumbled = isinstance(node.kind, Map) and 0 < _count(node) <= 2 * jumped.get(node, 0)
        if node not in points.dissolved and (
            node in roots
            or waited
            or node in partial
            or is_anchor(node)
            or isinstance(node.kind, Join)
            or (computed and (node in packed or node in heavy or ((again or jumbled) and weight[node] > CHEAP)))
        ):
            code = points.code(node)
            stored[node] = owner = node if code is None else code
        owners[node] = owner
    return stored


def _need_not_be_kept(points: Points, node: Node, weight: Mapping[Node, int], products: set[Node]) -> bool:
    """Whether an anchor's value, or what little is made of it, is read by two expensive maps of it alone.

    A layer's activation and, later, its derivative: stored both where the anchor is finished, they take no more memory
    than the value and the activation, and the anchor keeps its epilogue.
    """
    users = set(points.graph.users[node])
    if len(users) != 2 or node in points.graph.leaving or weight[node] > CHEAP or node not in products:
        return False
    return all(
        isinstance(u.kind, Map)
        and len(u.operands) == 1
        and cost(u.kind.scalar) >= _EXPENSIVE
        and points.code(u) is None
        for u in users
    )


def _above_products(graph: Graph) -> set[Node]:
    """Products, and what views and maps make of them."""
    found: set[Node] = set()
    for node in graph.nodes:
        made = isinstance(node.kind, View | Map) and not found.isdisjoint(node.operands)
        if made or isinstance(node.kind, Contract):
            found.add(node)
    return found


def _partial_sums(points: Points) -> set[Node]:
    """Maps of two anchors that others are joined to: a weight's gradient, summed up over time steps.

    Stored, each is finished where its last anchor is, as that one's epilogue; inlined, all the anchors would have to be
    kept until the last of them is there. Either way an anchor costs one store and one load.
    """
    found: set[Node] = set()
    anchors: dict[Node, int] = {}  # those that only this node needs, through maps
    for node in points.graph.nodes:
        alone = len(set(points.graph.users[node])) == 1
        if is_anchor(node):
            anchors[node] = int(alone)
        elif isinstance(node.kind, Map):
            operands = dict.fromkeys(node.operands)
            if sum(anchors[o] for o in operands) > 2:
                joined = [o for o in operands if anchors[o] > 1]
                found.update(joined)
                anchors.update(dict.fromkeys(joined, 1))
            anchors[node] = sum(anchors[o] for o in operands) if alone else 0
        else:
            anchors[node] = 0
    return found


def _count(node: Node) -> int:
    """Elements; 0 for a number not known yet."""
    return node.type.size if isinstance(node.type.size, int) else 0


def _weights(points: Points) -> tuple[dict[Node, int], set[Node]]:
    """Flops to evaluate one element with everything behind it, and the nodes for which that is too much to do again.

    What has memory counts 0 to its readers; numbers stop just above LARGE.
    """
    moved = set(moved_readers(points))
    weight: dict[Node, int] = {}
    heavy: set[Node] = set()
    for node in points.graph.nodes:
        if is_anchor(node) or not needs_kernel(node) or (isinstance(node.kind, Join) and node not in points.dissolved):
            weight[node] = 0
            continue
        own = cost(node.kind.scalar) if isinstance(node.kind, Map) else 3 if isinstance(node.kind, Gather) else 0
        weight[node] = min(own + sum(0 if o in heavy else weight[o] for o in _read(node)), LARGE + 1)
        if weight[node] > LARGE and node in moved and isinstance(node.kind, Map):
            heavy.add(node)
    return weight, heavy


def _read(node: Node) -> tuple[Node, ...]:
    """The operands that are read; not what is only waited for."""
    return node.operands[:1] if isinstance(node.kind, After) else node.operands


def _too_often(points: Points, weight: Mapping[Node, int]) -> set[Node]:
    """What straight-line code reads at other points, if that takes more flops than all of its own, and than LARGE."""
    own: dict[Node, int] = {}
    moved: dict[Node, dict[Node, Node]] = {}  # by code: the views that move, and what they read
    for node in points.graph.nodes:
        code = points.code(node)
        if code is None or not isinstance(node.kind, Map):
            continue
        own[code] = own.get(code, 0) + cost(node.kind.scalar)
        for x in node.operands:
            if isinstance(x.kind, View) and points.code(x) is None and weight[x]:
                moved.setdefault(code, {})[x] = _beneath(x)
    return {
        x
        for code, views in moved.items()
        if sum(weight[v] for v in views) > max(LARGE, own[code])
        for x in views.values()
        if weight[x] > CHEAP and isinstance(x.kind, Map | Gather)
    }


def _beneath(x: Node) -> Node:
    while isinstance(x.kind, View):
        x = x.operands[0]
    return x


def _repeats(user: Node) -> bool:
    """A view that reads elements more than once: a broadcast, windows that overlap, one element with padding around."""
    if not isinstance(user.kind, View) or not isinstance(user.kind.map, Affine):
        return False
    found = user.kind.map
    unused = any(i not in found.used() and d != 1 for i, d in enumerate(found.shape))
    if unused or any(len(a.terms) > 1 for a in found.axes):
        return True
    alone = (a for a, d in zip(found.axes, user.operands[0].type.shape, strict=True) if a.guarded and d == 1)
    return any(found.shape[j] != 1 for a in alone for j, _ in a.terms)
