"""Intermediates by name: tensors that were named, layers by their paths, and leaves."""

import difflib
from collections.abc import Sequence

from graphad.compiler.errors import GraphError
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.node import Node


def find(graph: Graph, name: str) -> Node:
    """The node of that name: the last one called so by ``tensor.named(name)``, the last output of the layer with that
    path, or a leaf.

    Errors: GraphError, with names that are close.
    """
    labels = [(n.label, n) for n in graph.nodes if n.label and not isinstance(n.kind, Leaf)]
    labels += [(n.kind.name, n) for n in graph.nodes if isinstance(n.kind, Leaf)]
    exact = [n for label, n in labels if label == name]
    below = [n for label, n in labels if label.startswith(f"{name}.") and not isinstance(n.kind, Leaf)]
    found = exact or below
    if found:
        return found[-1]
    raise GraphError(f"nothing is named {name!r}; {_hint(name, list(dict.fromkeys(label for label, _ in labels)))}")


def _hint(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(name), known)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    if not known:
        return "name a tensor with tensor.named('h')"
    shown = ", ".join(known[:20])
    return f"there is {shown}" + (f" and {len(known) - 20} more" if len(known) > 20 else "")
