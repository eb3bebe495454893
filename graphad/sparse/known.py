"""What is known of a graph's nodes before it runs: values that depend on no leaf, and elements that are always zero."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from graphad.compiler.interpret import interpret
from graphad.compiler.ir.kinds import Leaf, SizeOf
from graphad.compiler.ir.node import Node
from graphad.sparse.zeros import may_differ

R = TypeVar("R")


class Known:
    """Facts about nodes, each found once, when it is first asked for."""

    def __init__(self) -> None:
        self._fixed: dict[Node, bool] = {}
        self._values: dict[Node, np.ndarray] = {}
        self._masks: dict[Node, np.ndarray | None] = {}

    def value(self, node: Node) -> np.ndarray | None:
        """The value, or None where it depends on an input, a parameter or a state."""
        if not self._is_fixed(node):
            return None
        if node not in self._values:
            (self._values[node],) = interpret([node], self._values, {})
        return self._values[node]

    def places(self, node: Node) -> np.ndarray | None:
        """Where the value can differ from zero, of the node's shape; None: everywhere.

        Infinities count as numbers here: 0 * x is taken for 0.
        """
        return _walk(node, self._masks, self._mask)

    def _is_fixed(self, node: Node) -> bool:
        return _walk(node, self._fixed, self._fixes)

    def _fixes(self, node: Node) -> bool:
        return not isinstance(node.kind, Leaf | SizeOf) and all(self._fixed[o] for o in node.operands)

    def _mask(self, node: Node) -> np.ndarray | None:
        value = self.value(node)
        mask = (
            value != 0 if value is not None else may_differ(node, [self._masks[o] for o in node.operands], self.value)
        )
        return None if mask is None or mask.all() else mask


def _walk(root: Node, facts: dict[Node, R], find: Callable[[Node], R]) -> R:
    """The fact about a node, those about its operands first; without recursion."""
    stack = [root]
    while stack:
        node = stack[-1]
        missing = [] if node in facts else [o for o in node.operands if o not in facts]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        if node not in facts:
            facts[node] = find(node)
    return facts[root]


def spread(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A value over a node's shape, flat."""
    return np.broadcast_to(value, shape).reshape(-1)
