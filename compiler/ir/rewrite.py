"""The driver for local patterns: rules tried at every node, operands first, until none applies."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node

Rule: TypeAlias = Callable[[Node], Node | None]

_LIMIT = 256  # rules applied on behalf of one node; a pair of rules that undo each other would never end


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
    """``root`` rewritten until no rule applies; the nodes a rule has made are settled before those that use them.

    ``settled`` maps nodes to what has become of them, and holds for every node that is a result itself.
    """
    if root in settled:
        return settled[root]
    if all(settled.get(o) is o for o in root.operands) and _first(root, rules) is None:  # nearly always
        settled[root] = root
        return root
    budget = _LIMIT
    stack = [root]
    became: dict[Node, Node] = {}  # a node to the node that a rule made of it, while that waits for its operands
    waiting = {root}  # a replacement may read the node it replaces: that one is not waited for
    while stack:
        node = stack[-1]
        now = became.get(node, node)
        pending = [o for o in now.operands if o not in settled and o not in waiting]
        if pending:
            waiting.add(node)
            stack.extend(pending)
            continue
        now = now.with_operands(tuple(settled.get(o, o) for o in now.operands))
        new = settled[now] if now in settled else _first(now, rules) if budget else None
        if new is None or new is now:
            settled[node] = settled[now] = now
            stack.pop()
        elif new in settled:
            settled[node] = settled[now] = settled[new]
            stack.pop()
        else:
            budget -= 1
            became[node] = new
    return settled[root]


def _first(node: Node, rules: tuple[Rule, ...]) -> Node | None:
    for rule in rules:
        new = rule(node)
        if new is not None and new is not node:
            if new.type != node.type:
                raise TypeError(f"rule {rule!r} changed {node!r} to {new!r}")
            return new
    return None
