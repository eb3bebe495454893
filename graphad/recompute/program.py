"""A gradient as a program of numbered items: the values with memory of their own, forward ones first, in order.

What is not stored (views, cheap maps) is computed inside the items that read it, as the compiler's kernels do; the rule
is the compiler's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graphad.autodiff.modes import pull_back
from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.graph import Graph, topological
from graphad.compiler.ir.kinds import Contract, Map, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, evaluate
from graphad.compiler.ir.verify import needs_kernel
from graphad.compiler.model.counts import node_flops
from graphad.compiler.passes.cse import equal_nodes
from graphad.compiler.passes.exponentials.terms import declared_algebras
from graphad.compiler.passes.kernels.groups import folded_back
from graphad.compiler.passes.kernels.points import Points
from graphad.compiler.passes.kernels.stored import choose_stored
from graphad.tensor import Tensor

TYPICAL: Final = 64
"""What a symbolic size counts as: the choice is made before sizes are known."""

MANY: Final = 3
"""Forward values that one kernel of the backward sweep may take in."""

_SLOW: Final = 10  # a flop outside contractions, in flops inside them
_MOVED: Final = 2  # a byte written, in such flops


@dataclass(frozen=True, eq=False)
class Program:
    """Items ``0..forward-1`` compute the outputs, the others their cotangents; each reads items before it.

    ``nbytes``: an item's memory, 0 for results, which are the caller's; ``flops``; ``work``: its time, in flops of a
    contraction; ``inner``: the nodes computed inside it, in order, itself last.
    """

    outputs: tuple[Tensor, ...]
    results: tuple[Tensor, ...]
    items: tuple[Tensor, ...]
    forward: int
    reads: tuple[tuple[int, ...], ...]
    nbytes: tuple[int, ...]
    flops: tuple[int, ...]
    work: tuple[int, ...]
    inner: tuple[tuple[Node, ...], ...]
    stage_key: tuple[int, ...]
    """For each backward item, the forward item (its number) to whose adjoint it belongs."""


def trace(outputs: Sequence[Tensor], cotangents: Sequence[Tensor], wrt: Sequence[Tensor]) -> Program:
    """Plain reverse mode, as a program."""
    primal = set(topological(outputs))
    pulled: dict[Node, Tensor] = {}  # each backward node to the node whose adjoint made it

    def watch(node: Tensor, made: Sequence[Tensor]) -> None:
        stack = [t for t in made if t not in primal and t not in pulled]
        while stack:
            t = stack.pop()
            if t not in pulled:
                pulled[t] = node
                stack += [o for o in t.operands if o not in primal and o not in pulled]  # type: ignore[misc]

    results = pull_back(outputs, cotangents, wrt, watch=watch)
    graph = Graph((), (*outputs, *results))
    stored = set(choose_stored(Points(graph))) - folded_back(graph)
    stored = (stored - _unstable(graph, primal)) | _split(graph, stored, primal)
    nodes = [n for n in graph.nodes if n in stored]
    inner = {n: _inner(n, stored) for n in nodes}
    reads = {n: [o for o in dict.fromkeys(o for x in inner[n] for o in x.operands) if o in stored] for n in nodes}
    forward = _latest_first([n for n in nodes if n in primal], reads)
    place = {n: i for i, n in enumerate(forward)}
    key = _keys([n for n in nodes if n not in primal], reads, pulled, place, inner, primal)
    backward = sorted(key, key=lambda n: -key[n])
    ordered = [*forward, *backward]
    number = {n: i for i, n in enumerate(ordered)}
    own = {*outputs, *results}
    return Program(
        outputs=tuple(outputs),
        results=tuple(results),
        items=tuple(ordered),  # type: ignore[arg-type]
        forward=len(forward),
        reads=tuple(tuple(sorted(number[o] for o in reads[n])) for n in ordered),
        nbytes=tuple(0 if n in own else nbytes(n) for n in ordered),
        flops=tuple(sum(flops(x) for x in inner[n]) for n in ordered),
        work=tuple(sum(_work(x) for x in inner[n]) + _MOVED * nbytes(n) for n in ordered),
        inner=tuple(inner[n] for n in ordered),
        stage_key=tuple(key[n] for n in backward),
    )


def _unstable(graph: Graph, primal: set[Node]) -> set[Node]:
    """Forward values that overflow as they are written: sums of exponentials, and what is in proportion to them.

    They are computed together or not at all, inside the items that read them, so that stabilise still sees that they
    belong together. A quotient of two and a logarithm are safe again.
    """
    found: set[Node] = set()
    same = equal_nodes(graph)
    for a in declared_algebras():
        sums = [n for n in graph.nodes if n in primal and n.op is a.sum and n.operands[0].op is a.exp]
        summed = {same[n.operands[0]] for n in sums}
        here = {*sums, *(n for n in graph.nodes if n in primal and same[n] in summed)}
        for n in graph.nodes if sums else ():
            count = sum(o in here for o in n.operands)
            keeps = isinstance(n.kind, View) or n.op in (a.add, a.subtract, a.multiply, a.negative, a.sum)
            if n in primal and count and (keeps or (n.op is a.divide and count == 1)):
                here.add(n)
        found |= here - set(graph.outputs)
    return found


def _split(graph: Graph, stored: set[Node], primal: set[Node]) -> set[Node]:
    """Cotangents behind which many forward values are read: one kernel for all would need all of them at once."""
    found: set[Node] = set()
    behind: dict[Node, set[Node]] = {}  # the forward values read inside a backward node's kernel
    for n in graph.nodes:
        if n in primal or not needs_kernel(n):
            continue
        behind[n] = set()
        for o in n.operands:
            if o in stored and o in primal:
                behind[n].add(o)
            elif o in behind and o not in stored and o not in found:
                behind[n] |= behind[o]
        if len(behind[n]) > MANY and isinstance(n.kind, Map) and n not in stored:
            found.add(n)
    return found


def nbytes(node: Node) -> int:
    """A value's memory in bytes, symbolic sizes counting as TYPICAL."""
    return _number(node.type.size) * ITEMSIZE[node.type.dtype]


def flops(node: Node) -> int:
    """A node's own operations, symbolic sizes counting as TYPICAL."""
    names: set[str] = set()
    for t in (node.type, *(o.type for o in node.operands)):
        names |= set().union(*(d.names() for d in t.shape if not isinstance(d, int)))
    return node_flops(node, dict.fromkeys(names, TYPICAL))


def _work(node: Node) -> int:
    return flops(node) * (1 if isinstance(node.kind, Contract) else _SLOW)


def _number(size: Dim) -> int:
    found = size if isinstance(size, int) else evaluate(size, dict.fromkeys(size.names(), TYPICAL))
    assert isinstance(found, int)
    return found


def _inner(root: Node, stored: set[Node]) -> tuple[Node, ...]:
    """What is computed inside a stored node's kernel, operands first."""
    found: dict[Node, bool] = {}
    stack, order = [root], []
    while stack:
        node = stack[-1]
        if node not in found:
            found[node] = False
            stack += [o for o in node.operands if o not in found and o not in stored and needs_kernel(o)]
            continue
        stack.pop()
        if not found[node]:
            found[node] = True
            order.append(node)
    return tuple(order)


def _latest_first(nodes: Sequence[Node], reads: Mapping[Node, Sequence[Node]]) -> list[Node]:
    """Each as late as its readers allow, so that a step's own inputs are computed in that step: longest way first."""
    depth = dict.fromkeys(nodes, 0)
    for n in reversed(nodes):
        for o in reads[n]:
            depth[o] = max(depth[o], depth[n] + 1)
    return sorted(nodes, key=lambda n: -depth[n])


def _keys(
    nodes: Sequence[Node],
    reads: Mapping[Node, Sequence[Node]],
    pulled: Mapping[Node, Tensor],
    place: Mapping[Node, int],
    inner: Mapping[Node, Sequence[Node]],
    primal: set[Node],
) -> dict[Node, int]:
    """For each backward item the forward item whose adjoint it is part of; never later than what it reads."""
    at = _places(place, inner, primal)
    key: dict[Node, int] = {}
    for n in nodes:
        own = at.get(pulled[n], len(place) - 1) if n in pulled else len(place) - 1
        key[n] = min([own, *(key[o] for o in reads[n] if o in key)])
    return key


def _places(place: Mapping[Node, int], inner: Mapping[Node, Sequence[Node]], primal: set[Node]) -> dict[Node, int]:
    """Each forward node's item: its own, or the first that computes it inside."""
    at: dict[Node, int] = {}
    for n, i in place.items():
        for x in inner[n]:
            if x in primal and at.get(x, i) >= i:
                at[x] = i
    return at
