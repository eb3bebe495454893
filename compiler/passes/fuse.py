"""fuse: nodes grouped into kernels. The last pass on the graph.

Before:  %2 = contract(%0, %1); %4 = add(%2, %3); %5 = relu(%4); return %5
After:   the same, and   kernel 0: %2, %4, %5 -> %5

An *anchor* (reduction, contraction, scan, fold, scatter) needs a loop nest of its own; views and cheap maps are
evaluated inside whoever reads them; other maps are stored when several kernels read them or a view repeats them. Then
maps of one shape share a kernel, an anchor takes the maps that alone read it as its epilogue, and reductions of one
operand over the same axes become one loop. What one walk over rows can compute, reductions over the last axis and maps
around them, becomes one kernel as well. Kernels are ordered for little memory, and as ``after`` says, which goes
then. Relies on cse (equal nodes are one node) and dce; leaves the loops themselves to later stages.
"""

from collections.abc import Iterable, Iterator, Mapping

from graphad.compiler.ir.graph import Graph, Kernel
from graphad.compiler.ir.kinds import After, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import VIEW
from graphad.compiler.ir.verify import needs_kernel
from graphad.compiler.ir.view import identity
from graphad.compiler.passes.kernels.groups import (
    Group,
    absorb_contractions,
    group_stores,
    merge_epilogues,
    merge_maps,
    merge_siblings,
)
from graphad.compiler.passes.kernels.order import order_groups
from graphad.compiler.passes.kernels.points import Points
from graphad.compiler.passes.kernels.rowwise import merge_rows
from graphad.compiler.passes.kernels.stored import choose_stored


def fuse(graph: Graph) -> Graph:
    """The graph with its kernels."""
    graph = separate_roots(graph)
    points = Points(graph)
    groups = group_stores(points, choose_stored(points))
    groups = merge_siblings(absorb_contractions(groups, graph))
    groups = merge_maps(groups)
    groups = merge_rows(merge_epilogues(groups, graph))
    order = {n: i for i, n in enumerate(graph.nodes)}
    kernels = tuple(_kernel(g, order) for g in order_groups(groups, graph))
    return without_waits(Graph(graph.inputs, graph.outputs, graph.updates, kernels))


def without_waits(graph: Graph) -> Graph:
    """The graph whose kernels are in order, so that nobody has to wait: ``after(x, y)`` is ``x``."""
    if not any(isinstance(n.kind, After) for n in graph.nodes):
        return graph
    assert graph.kernels is not None
    done: dict[Node, Node] = {}

    def make(node: Node, operands: tuple[Node, ...]) -> Node:
        done[node] = operands[0] if isinstance(node.kind, After) else node.with_operands(operands)
        return done[node]

    bare = graph.rebuild(make)

    def moved(kernels: Iterable[Kernel]) -> Iterator[Kernel]:
        for kernel in kernels:
            nodes = tuple(done[n] for n in kernel.nodes if not isinstance(n.kind, After))
            if nodes:
                yield Kernel(nodes, tuple(done[n] for n in kernel.stores), tuple(moved(kernel.parts)))

    return Graph(bare.inputs, bare.outputs, bare.updates, tuple(moved(graph.kernels)))


def separate_roots(graph: Graph) -> Graph:
    """Each output and update a node of its own: a leaf, or a node asked for twice, is copied by an identity view."""
    seen: set[Node] = set()

    def own(node: Node) -> Node:
        if node in seen or not needs_kernel(node) or isinstance(node.kind, After):
            node = Node(VIEW, View(identity(node.type.shape)), (node,), node.type, node.site)
        seen.add(node)
        return node

    outputs = tuple(own(n) for n in graph.outputs)
    updates = tuple((leaf, own(value)) for leaf, value in graph.updates)
    return Graph(graph.inputs, outputs, updates)


def _kernel(group: Group, order: Mapping[Node, int]) -> Kernel:
    def sort(nodes: Iterable[Node]) -> tuple[Node, ...]:
        return tuple(sorted(nodes, key=order.__getitem__))

    return Kernel(sort(group.nodes), sort(group.stores), tuple(_kernel(part, order) for part in group.parts))
