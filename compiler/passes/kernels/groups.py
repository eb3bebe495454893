"""Groups of nodes that become kernels, and the merges that bring them together."""

from dataclasses import dataclass, field

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Contract, Fold, Map, Reduce, Scatter
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.verify import needs_kernel
from graphad.compiler.passes.kernels.stored import LARGE, cost, is_anchor


def closure(root: Node, stored: set[Node]) -> set[Node]:
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
class Group:
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


def absorb_contractions(groups: list[Group], graph: Graph) -> list[Group]:
    """A contraction that only a fold reads is computed inside it, block by block: a convolution's input gradient."""
    home = {s: g for g in groups for s in g.stores}
    roots = set(graph.roots)
    gone: set[Group] = set()
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


def merge_siblings(groups: list[Group]) -> list[Group]:
    """Reductions of one operand over the same axes: one loop."""
    first: dict[object, Group] = {}
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


def merge_maps(groups: list[Group], graph: Graph) -> list[Group]:
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


def _joined(first: Group, second: Group) -> Group:
    return Group([*first.stores, *second.stores], first.nodes | second.nodes)


def _reads_in_place(group: Group, before: Group) -> bool:
    """What ``group`` reads of ``before``'s stores, it reads at the element that it computes: through maps only."""
    stores = set(before.stores)
    return all(_only_maps_above(n, group) for n in group.nodes for o in n.operands if o in stores)


def _only_maps_above(node: Node, group: Group) -> bool:
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


def merge_epilogues(groups: list[Group], graph: Graph) -> list[Group]:
    """An anchor that one map kernel alone reads, at its own element, computes those maps when its value is there."""
    home = {s: g for g in groups for s in g.stores}
    roots = set(graph.roots)
    readers: dict[Node, set[Group]] = {}
    for g in groups:
        for n in g.reads():
            readers.setdefault(n, set()).add(g)
    gone: set[Group] = set()
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
