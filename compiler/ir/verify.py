"""The verifier: re-derives every type by the rule that built it, and checks what passes must keep."""

from graphad.compiler.errors import GraphadError, VerifyError
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.infer import infer
from graphad.compiler.ir.kinds import Constant, Leaf, Map
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.types import TensorType


def verify(graph: Graph, after: str = "", known: set[Node] | None = None) -> Graph:
    """The graph itself, if it is well formed.

    ``known`` holds nodes that were verified before, which cannot have changed; the graph's nodes are added to it.

    Errors: VerifyError, naming the pass (``after``), the node and its line.
    """
    seen: set[Node] = set() if known is None else known
    rule = _Rule()
    for node in graph.nodes:
        if node in seen:
            continue
        try:
            found = rule(node)
        except GraphadError as error:
            raise _broken(after, node, str(error)) from error
        if found is not node.type and found != node.type:
            raise _broken(after, node, f"has type {node.type}, but its operands give {found}")
        seen.add(node)
    _verify_updates(graph, after)
    _verify_kernels(graph, after)
    return graph


class _Rule:
    """The type rule, with the answers for elementwise ops kept: most nodes of a long graph ask the same question."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, ...], TensorType] = {}

    def __call__(self, node: Node) -> TensorType:
        types = [o.type for o in node.operands]
        if not isinstance(node.kind, Map):
            return infer(node.kind, types, node.type)
        key = (id(node.kind.scalar), *map(id, types))  # the graph holds on to what they are the identities of
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = infer(node.kind, types, node.type)
        return found


def _verify_updates(graph: Graph, after: str) -> None:
    updated: set[Node] = set()
    for leaf, value in graph.updates:
        if not isinstance(leaf.kind, Leaf) or leaf.kind.role == "input":
            raise _broken(after, leaf, "is updated, but is no parameter or state")
        if leaf.type != value.type:
            raise _broken(after, value, f"has type {value.type}, but updates {leaf.kind.name!r}: {leaf.type}")
        if leaf in updated:
            raise _broken(after, leaf, "is updated twice")
        updated.add(leaf)


def _verify_kernels(graph: Graph, after: str) -> None:
    if graph.kernels is None:
        return
    stored: set[Node] = set()
    for kernel in graph.kernels:
        inside = set(kernel.nodes)
        for node in kernel.nodes:
            for operand in node.operands:
                known = operand in inside or operand in stored or not needs_kernel(operand)
                if not known:
                    raise _broken(after, node, "reads a node that no earlier kernel stores")
        stored |= set(kernel.stores)
    for root in graph.roots:
        if needs_kernel(root) and root not in stored:
            raise _broken(after, root, "leaves the graph, but no kernel stores it")


def needs_kernel(node: Node) -> bool:
    """Whether a value has to be computed: all but leaves and constants."""
    return not isinstance(node.kind, Leaf | Constant)


def _broken(after: str, node: Node, what: str) -> VerifyError:
    where = f"after pass {after}: " if after else ""
    return VerifyError(f"{where}{node!r} {what} ({node.site})")
