"""fuse: nodes grouped into kernels. The last pass on the graph.

Before:  %2 = contract(%0, %1); %4 = add(%2, %3); %5 = relu(%4); return %5
After:   the same, and   kernel 0: %2, %4, %5 -> %5

An *anchor* (reduction, contraction, scan, fold, scatter) needs a loop nest of its own; views and cheap maps are
evaluated inside whoever reads them; other maps are stored when several kernels read them or a view repeats them. Then
maps of one shape share a kernel, an anchor takes the maps that alone read it as its epilogue, and reductions of one
operand over the same axes become one loop. Relies on cse (equal nodes are one node) and dce; leaves order in memory and
the loops themselves to later stages.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graphad.compiler.ir.graph import Graph, Kernel
from graphad.compiler.ir.kinds import (
    Contract,
    Fold,
    Gather,
    Map,
    Reduce,
    Scan,
    Scatter,
    View,
)
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import VIEW
from graphad.compiler.ir.scalar import COMPARE, LOGIC, PREDICATE, Apply, Cast, Scalar
from graphad.compiler.ir.verify import needs_kernel
from graphad.compiler.ir.view import Affine, identity

CHEAP = 4  # flops that are rather computed again than stored and loaded
LARGE = 160  # flops inlined into one kernel, beyond which compile time outweighs a store
_EXPENSIVE = 20  # flops a transcendental function is worth
_PLAIN = COMPARE | LOGIC | PREDICATE | {"neg", "abs", "add", "sub", "mul", "min", "max", "select"}


def is_anchor(node: Node) -> bool:
    """Needs a loop nest of its own."""
    return isinstance(node.kind, Reduce | Contract | Scan | Fold | Scatter)


def fuse(graph: Graph) -> Graph:
    """The graph with its kernels."""
    graph = separate_roots(graph)
    stored = choose_stored(graph)
    groups = [_Group([n], _closure(n, stored)) for n in graph.nodes if n in stored]
    groups = _merge_siblings(_absorb_contractions(groups, graph))
    groups = _merge_maps(groups, graph)
    groups = _merge_epilogues(groups, graph)
    order = {n: i for i, n in enumerate(graph.nodes)}
    kernels = tuple(_kernel(g, order) for g in _updates_last(groups, graph))
    return Graph(graph.inputs, graph.outputs, graph.updates, kernels)


def unfused(graph: Graph) -> Graph:
    """Every node a kernel of its own (views, too), so that each value can be looked at."""
    graph = separate_roots(graph)
    kernels = tuple(Kernel((n,), (n,)) for n in graph.nodes if needs_kernel(n))
    return Graph(graph.inputs, graph.outputs, graph.updates, kernels)


def separate_roots(graph: Graph) -> Graph:
    """Each output and update a node of its own: a leaf, or a node asked for twice, is copied by an identity view."""
    seen: set[Node] = set()

    def own(node: Node) -> Node:
        if node in seen or not needs_kernel(node):
            node = Node(VIEW, View(identity(node.type.shape)), (node,), node.type, node.site)
        seen.add(node)
        return node

    outputs = tuple(own(n) for n in graph.outputs)
    updates = tuple((leaf, own(value)) for leaf, value in graph.updates)
    return Graph(graph.inputs, outputs, updates)


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


def _closure(root: Node, stored: set[Node]) -> set[Node]:
    """The root and everything inlined into its kernel."""
    found = {root}
    stack = [root]
    while stack:
        for operand in stack.pop().operands:
            if operand not in found and operand not in stored and needs_kernel(operand):
                found.add(operand)
                stack.append(operand)
    return found


@dataclass(eq=False)
class _Group:
    stores: list[Node]
    nodes: set[Node]
    anchors: list[Node] = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.anchors = [n for n in self.stores if is_anchor(n)]
        self.size = sum(cost(n.kind.scalar) for n in self.nodes if isinstance(n.kind, Map))

    def reads(self) -> set[Node]:
        """Stored nodes and leaves of other kernels."""
        return {o for n in self.nodes for o in n.operands if o not in self.nodes}


def _absorb_contractions(groups: list[_Group], graph: Graph) -> list[_Group]:
    """A contraction that only a fold reads is computed inside it, block by block: a convolution's input gradient."""
    home = {s: g for g in groups for s in g.stores}
    roots = set(graph.roots)
    gone: set[_Group] = set()
    for group in groups:
        fold = group.stores[0]
        if not isinstance(fold.kind, Fold):
            continue
        source = fold.operands[0]
        if isinstance(source.kind, Contract) and graph.users[source] == (fold,) and source not in roots:
            gone.add(home[source])
            group.nodes |= home[source].nodes
            group.anchors = [source, fold]
    return [g for g in groups if g not in gone]


def _merge_siblings(groups: list[_Group]) -> list[_Group]:
    """Reductions of one operand over the same axes: one loop."""
    first: dict[object, _Group] = {}
    kept = []
    for group in groups:
        node = group.stores[0]
        if isinstance(node.kind, Reduce):
            key = (node.operands[0], node.kind.axes)
            if key in first:
                other = first[key]
                other.stores.append(node)
                other.anchors.append(node)
                other.nodes |= group.nodes
                continue
            first[key] = group
        kept.append(group)
    return kept


def _merge_maps(groups: list[_Group], graph: Graph) -> list[_Group]:
    """Maps over one shape share a kernel where no kernel between them stands in the way."""
    merged = list(groups)
    i = 0
    while i < len(merged):
        group = merged[i]
        if group.anchors:
            i += 1
            continue
        for j in range(i - 1, max(-1, i - 33), -1):  # a window, so that a long list stays linear
            before = merged[j]
            if before.anchors or before.stores[0].type.shape != group.stores[0].type.shape:
                continue
            if before.size + group.size > LARGE or not _reads_in_place(group, before):
                continue
            between = merged[j + 1 : i]
            late = {s for g in between for s in g.stores}
            if not (group.reads() & late):
                merged[j] = _joined(before, group)
                del merged[i]
                i -= 1
                break
            mine = set(before.stores)
            if not any(g.reads() & mine for g in between):
                merged[i] = _joined(before, group)
                del merged[j]
                i -= 1
                break
        i += 1
    return merged


def _joined(first: _Group, second: _Group) -> _Group:
    return _Group([*first.stores, *second.stores], first.nodes | second.nodes)


def _reads_in_place(group: _Group, before: _Group) -> bool:
    """What ``group`` reads of ``before``'s stores, it reads at the element that it computes: through maps only."""
    stores = set(before.stores)
    return all(_only_maps_above(n, group) for n in group.nodes for o in n.operands if o in stores)


def _only_maps_above(node: Node, group: _Group) -> bool:
    """From ``node`` up to the group's stores there are maps only."""
    stack, seen = [node], {node}
    users: dict[Node, list[Node]] = {}
    for n in group.nodes:
        for o in n.operands:
            users.setdefault(o, []).append(n)
    while stack:
        n = stack.pop()
        if not isinstance(n.kind, Map):
            return False
        for user in users.get(n, ()):
            if user not in seen:
                seen.add(user)
                stack.append(user)
    return True


def _merge_epilogues(groups: list[_Group], graph: Graph) -> list[_Group]:
    """An anchor that one map kernel alone reads, at its own element, computes those maps when its value is there."""
    home = {s: g for g in groups for s in g.stores}
    roots = set(graph.roots)
    readers: dict[Node, set[_Group]] = {}
    for g in groups:
        for n in g.reads():
            readers.setdefault(n, set()).add(g)
    gone: set[_Group] = set()
    for group in groups:
        if len(group.stores) != 1 or not group.anchors or isinstance(group.anchors[-1].kind, Scatter):
            continue
        anchor = group.anchors[-1]
        found = readers.get(anchor, set())
        if anchor in roots or len(found) != 1:
            continue
        (target,) = found
        users = [n for n in target.nodes if anchor in n.operands]
        if target.anchors or target in gone or not all(_only_maps_above(n, target) for n in users):
            continue
        target.nodes |= group.nodes
        target.anchors = group.anchors
        gone.add(group)
        home[anchor] = target
        for n in group.reads():
            readers[n].discard(group)
            readers[n].add(target)
    return [g for g in groups if g not in gone]


def _updates_last(groups: list[_Group], graph: Graph) -> list[_Group]:
    """Kernels that only store new values of states come last, so that no one reads the state after it changed."""
    values = {v for _, v in graph.updates}
    late: set[_Group] = set()
    needed_early: set[Node] = set()
    for group in reversed(groups):
        if all(s in values and s not in needed_early for s in group.stores):
            late.add(group)
        else:
            needed_early |= group.reads()
    return [g for g in groups if g not in late] + [g for g in groups if g in late]


def _kernel(group: _Group, order: Mapping[Node, int]) -> Kernel:
    def sort(nodes: Iterable[Node]) -> tuple[Node, ...]:
        return tuple(sorted(nodes, key=order.__getitem__))

    return Kernel(sort(group.nodes), sort(group.stores))


__all__ = ["cost", "fuse", "is_anchor", "unfused"]
