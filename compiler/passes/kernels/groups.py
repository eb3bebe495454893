"""Groups of nodes that become kernels, and the merges that bring them together."""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import After, Contract, Fold, Map, Reduce, Scatter
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.verify import needs_kernel
from graphad.compiler.passes.kernels.points import Points, is_anchor
from graphad.compiler.passes.kernels.stored import LARGE, cost
from graphad.runtime.once import cached_property


def closure(roots: Sequence[Node], stored: Mapping[Node, Node]) -> set[Node]:
    """The roots and everything inlined into their kernel."""
    found = set(roots)
    stack = list(roots)
    while stack:
        for operand in stack.pop().operands:
            if operand not in found and operand not in stored and needs_kernel(operand):
                found.add(operand)
                stack.append(operand)
    return found


class Group:
    """A kernel to be: what it stores, all that it computes, and the anchors among them.

    ``parts``: the groups that became this one because they go through the same rows.
    """

    def __init__(self, points: Points, stores: list[Node], nodes: set[Node]) -> None:
        self.points, self.stores, self.nodes = points, stores, nodes
        self.anchors = [n for n in stores if is_anchor(n)]
        self.joins = any(points.joins(n) for n in stores)
        self.parts: tuple[Group, ...] = ()

    @cached_property
    def size(self) -> int:
        """Flops a point."""
        return sum(cost(n.kind.scalar) for n in self.nodes if isinstance(n.kind, Map))

    @cached_property
    def space(self) -> Shape | None:
        """The points that one loop nest walks, None where that is not one nest of maps."""
        return None if self.anchors else self.points.space[self.stores[0]]

    @cached_property
    def waits(self) -> frozenset[Node]:
        """What has to be there before these nodes may be computed."""
        return frozenset(n.operands[1] for n in self.nodes if isinstance(n.kind, After))

    @cached_property
    def reads(self) -> frozenset[Node]:
        """Stored nodes and leaves of other kernels."""
        return frozenset(o for n in self.nodes for o in n.operands if o not in self.nodes)

    @cached_property
    def _moved(self) -> set[Node]:
        """Nodes that a store needs at other points than its own, or that are not computed point by point."""
        stack = [n for n in self.nodes if not self._pointwise(n)]
        found = set(stack)
        while stack:
            for x in stack.pop().operands:
                if x in self.nodes and x not in found:
                    found.add(x)
                    stack.append(x)
        return found

    def _pointwise(self, node: Node) -> bool:
        points = self.points
        return isinstance(node.kind, Map) or points.small_view(node) or points.joins(node)

    def straight_above(self, node: Node) -> bool:
        """From ``node`` up to the stores everything is read in place."""
        return node not in self._moved

    def absorb(self, other: "Group", anchors: list[Node]) -> None:
        """Computes what ``other`` computes, around its anchors."""
        for name in ("size", "space", "reads", "waits", "_moved"):
            self.__dict__.pop(name, None)
        self.nodes |= other.nodes
        self.anchors = anchors


def group_stores(points: Points, stored: Mapping[Node, Node]) -> list[Group]:
    """A group for each stored node, one for all results of the same straight-line code; each behind what it reads."""
    together: dict[Node, list[Node]] = {}
    for node in points.graph.nodes:
        if node in stored:
            together.setdefault(stored[node], []).append(node)
    return _sorted([Group(points, stores, closure(stores, stored)) for stores in together.values()], points.graph)


def _sorted(groups: Sequence[Group], graph: Graph) -> list[Group]:
    """In the order of the graph, by their last results, as far as what they read allows."""
    place = {n: i for i, n in enumerate(graph.nodes)}
    home = {s: g for g in groups for s in g.stores}
    needs = {g: {home[x] for x in g.reads if x in home} for g in groups}
    readers: dict[Group, list[Group]] = {g: [] for g in groups}
    for group in groups:
        for other in needs[group]:
            readers[other].append(group)
    key = {g: max(place[s] for s in g.stores) for g in groups}
    by_key = {key[g]: g for g in groups}
    ready: list[int] = []
    for group in groups:
        if not needs[group]:
            heappush(ready, key[group])
    found: list[Group] = []
    while ready:
        group = by_key[heappop(ready)]
        found.append(group)
        for reader in readers[group]:
            needs[reader].remove(group)
            if not needs[reader]:
                heappush(ready, key[reader])
    assert len(found) == len(groups)
    return found


def absorb_contractions(groups: list[Group], graph: Graph) -> list[Group]:
    """A contraction that only a fold reads is computed inside it, block by block: a convolution's input gradient."""
    home = {s: g for g in groups for s in g.stores}
    inside = folded_back(graph)
    gone: set[Group] = set()
    for group in groups:
        fold = group.stores[0]
        if isinstance(fold.kind, Fold) and fold.operands[0] in inside:
            source = fold.operands[0]
            gone.add(home[source])
            group.absorb(home[source], [source, fold])
    return [g for g in groups if g not in gone]


def folded_back(graph: Graph) -> set[Node]:
    """The contractions that only a fold reads: windows' cotangents, which have no memory of their own."""
    roots = set(graph.roots)
    sources = ((fold, fold.operands[0]) for fold in graph.nodes if isinstance(fold.kind, Fold))
    return {x for fold, x in sources if isinstance(x.kind, Contract) and graph.users[x] == (fold,) and x not in roots}


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
                other.absorb(group, [*other.anchors, node])
                continue
            first[key] = group
        kept.append(group)
    return kept


def merge_maps(groups: list[Group]) -> list[Group]:
    """Maps over one space share a kernel where no kernel between them stands in the way.

    Kernels that each finish an anchor stay apart: each becomes the epilogue of its own, so no weight's gradient has to
    be kept until all that are to be added or subtracted are there.
    """
    merged = list(groups)
    i = 0
    while i < len(merged):
        group = merged[i]
        if group.space is None:
            i += 1
            continue
        for j in range(i - 1, max(-1, i - 33), -1):  # a window, so that a long list stays linear
            before = merged[j]
            if before.space != group.space or before.size + group.size > LARGE or not _reads_in_place(group, before):
                continue
            if before.waits != group.waits:
                continue  # each has its moment
            if _finishes(before) and _finishes(group):
                continue
            between = merged[j + 1 : i]
            late = {s for g in between for s in g.stores}
            if not (group.reads & late):
                merged[j] = _joined(before, group)
                del merged[i]
                i -= 1
                break
            mine = set(before.stores)
            if not any(g.reads & mine for g in between):
                merged[i] = _joined(before, group)
                del merged[j]
                i -= 1
                break
        i += 1
    return merged


def _finishes(group: Group) -> bool:
    """Stores one value, and alone reads some anchor of its shape, at the element that it computes."""
    shape, users = group.stores[0].type.shape, group.points.graph.users
    return len(group.stores) == 1 and any(
        is_anchor(n)
        and n.type.shape == shape
        and group.nodes.issuperset(users[n])
        and all(isinstance(user.kind, Map) for user in users[n])
        for n in group.reads
    )


def _joined(first: Group, second: Group) -> Group:
    return Group(first.points, [*first.stores, *second.stores], first.nodes | second.nodes)


def _reads_in_place(group: Group, before: Group) -> bool:
    """What ``group`` reads of ``before``'s stores, it reads at the point that it computes; no joins, though."""
    stores = group.reads.intersection(before.stores)
    if any(before.points.joins(s) for s in stores):
        return False
    return not stores or all(group.straight_above(n) for n in group.nodes if not stores.isdisjoint(n.operands))


def merge_epilogues(groups: list[Group], graph: Graph) -> list[Group]:
    """An anchor that one map kernel alone reads, at its own element, computes those maps when its value is there."""
    home = {s: g for g in groups for s in g.stores}
    roots = set(graph.roots)
    readers: dict[Node, set[Group]] = {}
    for g in groups:
        for n in g.reads:
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
        if target.anchors or target.joins or any(s.type.shape != anchor.type.shape for s in target.stores):
            continue
        users = [n for n in target.nodes if anchor in n.operands]
        if target in gone or not all(target.straight_above(n) for n in users):
            continue
        target.absorb(group, group.anchors)
        gone.add(group)
        home[anchor] = target
        for n in group.reads:
            readers[n].discard(group)
            readers[n].add(target)
    return [g for g in groups if g not in gone]
