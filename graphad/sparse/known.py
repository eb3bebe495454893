"""What is known of a graph's nodes before it runs: the values of those that no leaf leads to."""

from typing import Any

import numpy as np

from graphad.compiler.interpret import interpret
from graphad.compiler.ir.kinds import Leaf, SizeOf
from graphad.compiler.ir.node import Node


class Known:
    """Values of constant nodes, each computed once, when it is first asked for."""

    def __init__(self) -> None:
        self._fixed: dict[Node, bool] = {}
        self._values: dict[Node, np.ndarray] = {}

    def value(self, node: Node) -> np.ndarray | None:
        """The value, or None where it depends on an input, a parameter or a state."""
        if not self._is_fixed(node):
            return None
        if node not in self._values:
            (self._values[node],) = interpret([node], self._values, {})
        return self._values[node]

    def _is_fixed(self, root: Node) -> bool:
        stack = [root]
        while stack:
            node = stack[-1]
            missing = [] if node in self._fixed else [o for o in node.operands if o not in self._fixed]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if node not in self._fixed:
                outside = isinstance(node.kind, Leaf | SizeOf)
                self._fixed[node] = not outside and all(self._fixed[o] for o in node.operands)
        return self._fixed[root]


def spread(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A value over a node's shape, flat."""
    return np.broadcast_to(value, shape).reshape(-1)
