"""The driver for local patterns: rules tried at every node, operands first, until none applies."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node

Rule: TypeAlias = Callable[[Node], Node | None]

_LIMIT = 64  # rules applied in a row at one node; a pair of rules that undo each other would never end


def rewrite(graph: Graph, rules: Iterable[Rule]) -> Graph:
    """The graph with every rule applied wherever it matches.

    A rule looks at a node, whose operands are already rewritten, and answers a replacement of the same type or None.
    New nodes inside a replacement are visited too.
    """
    table = tuple(rules)
    settled: dict[Node, Node] = {}

    def make(node: Node, operands: tuple[Node, ...]) -> Node:
        return settle(node.with_operands(operands), table, settled)

    return graph.rebuild(make)


def settle(root: Node, rules: tuple[Rule, ...], settled: dict[Node, Node]) -> Node:
    """``root`` rewritten until no rule applies; the nodes a rule has made are settled before it."""
    stack = [root]
    current: dict[Node, Node] = {}
    count: dict[Node, int] = {}
    while stack:
        node = stack[-1]
        if node in settled:
            stack.pop()
            continue
        now = current.get(node, node)
        pending = [o for o in now.operands if o not in settled and o is not node]
        if pending and now is not root:
            stack.extend(pending)
            continue
        now = now.with_operands(tuple(settled.get(o, o) for o in now.operands))
        new = _first(now, rules) if count.get(node, 0) < _LIMIT else None
        if new is None:
            settled[node] = settled[now] = now
            stack.pop()
            continue
        count[node] = count.get(node, 0) + 1
        if new in settled:
            settled[node] = settled[new]
            stack.pop()
            continue
        current[node] = new
        stack.extend(o for o in new.operands if o not in settled)
    return settled[root]


def _first(node: Node, rules: tuple[Rule, ...]) -> Node | None:
    for rule in rules:
        new = rule(node)
        if new is not None and new is not node:
            if new.type != node.type:
                raise TypeError(f"rule {rule.__name__} changed {node.type} to {new.type}")
            return new
    return None
