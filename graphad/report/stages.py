"""The stages of a compilation as text, and what changed between two of them."""

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from graphad.compiler.errors import GraphError
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.text import attributes, to_text
from graphad.compiler.pipeline import Stage
from graphad.text import Text

KERNELS = "lower"
"""The last stage, whose text is the kernels'."""


def names(stages: Iterable[Stage]) -> list[str]:
    """The stages that can be shown, in order."""
    return list(dict.fromkeys([*(s.name for s in stages), KERNELS]))


def graph_of(stages: Sequence[Stage], name: str) -> Graph:
    """The graph after a stage. Errors: GraphError, listing the stages."""
    for stage in stages:
        if stage.name == name:
            return stage.graph
    raise GraphError(f"no stage is named {name!r}; the stages are {', '.join(names(stages))}")


def graph_text(graph: Graph) -> Text:
    """The graph, each node with the user's line and layer; files in the working folder are named from there."""
    return Text(to_text(graph, sites=True).replace(f"  # {Path.cwd()}{os.sep}", "  # "))


def difference(a: Graph | str, b: Graph | str, names: tuple[str, str]) -> Text:
    """A unified diff. A node has one number in both graphs, its number in ``a``; new ones have new numbers."""
    if isinstance(a, Graph) and isinstance(b, Graph):
        before, after = to_text(a), _renumbered(b, numbers(a, b))
    else:
        before, after = (to_text(x) if isinstance(x, Graph) else x for x in (a, b))
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="", n=2)
    return Text("\n".join(lines) or f"{names[0]} and {names[1]} are the same")


def numbers(a: Graph, b: Graph) -> dict[Node, int]:
    """Numbers for b's nodes: those of the same nodes in a; of nodes that differ in their operands alone, in order;
    and numbers that a does not use, for the rest."""
    known = {node: i for i, node in enumerate(a.nodes)}
    found = {node: known[node] for node in b.nodes if node in known}
    waiting: dict[object, list[int]] = {}
    for node, i in known.items():
        if node not in found:
            waiting.setdefault(_likeness(node), []).append(i)
    fresh = len(known)
    for node in b.nodes:
        if node in found:
            continue
        alike = waiting.get(_likeness(node))
        if alike:
            found[node] = alike.pop(0)
        else:
            found[node], fresh = fresh, fresh + 1
    return found


def _likeness(node: Node) -> object:
    return node.op.name, attributes(node), str(node.type), node.site, node.label


_NUMBER = re.compile(r"%(\d+)")


def _renumbered(graph: Graph, numbers: Mapping[Node, int]) -> str:
    nodes = graph.nodes
    return _NUMBER.sub(lambda match: f"%{numbers[nodes[int(match[1])]]}", to_text(graph))
