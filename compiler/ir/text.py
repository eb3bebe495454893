"""The text form of a graph, which prints and parses.

    graph {
      %0: float32[N,10] = input "x"
      %1: float32[10] = constant 1.0
      %2: float32[N,10] = view(%1)[i1]
      %3: float32[N,10] = add(%0, %2)
      return %3
    }

Constants of more than 16 elements print as ``constant #name`` and are handed to ``parse`` beside the text.
"""

import hashlib
import json
from collections.abc import Mapping

import numpy as np

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import (
    After,
    Constant,
    Contract,
    Fold,
    Gather,
    Index,
    Join,
    Leaf,
    Map,
    Reduce,
    Scan,
    Scatter,
    SizeOf,
    View,
)
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import AliasOp
from graphad.compiler.ir.parse import parse
from graphad.compiler.ir.view import Reshape

__all__ = ["attributes", "constant_name", "large_constants", "parse", "to_text"]

SMALL_CONSTANT = 16


def to_text(graph: Graph, sites: bool = False) -> str:
    """The graph as text; with ``sites``, each line ends in the user's line."""
    number = {node: i for i, node in enumerate(graph.nodes)}
    lines = []
    for node in graph.nodes:
        comment = f"  # {node.site}" if sites and node.site.line else ""
        lines.append(f"  %{number[node]}: {node.type} = {_call(node, number)}{comment}")
    for i, kernel in enumerate(graph.kernels or ()):
        names = ", ".join(f"%{number[n]}" for n in kernel.nodes)
        stores = ", ".join(f"%{number[n]}" for n in kernel.stores)
        lines.append(f"  kernel {i}: {names} -> {stores}")
    lines += [f"  update %{number[leaf]} = %{number[value]}" for leaf, value in graph.updates]
    lines.append("  return " + ", ".join(f"%{number[n]}" for n in graph.outputs))
    return "graph {\n" + "\n".join(lines) + "\n}\n"


def _call(node: Node, number: Mapping[Node, int]) -> str:
    operands = ", ".join(f"%{number[o]}" for o in node.operands)
    label = f" as {_quoted(node.label)}" if node.label and not isinstance(node.kind, Leaf) else ""
    head = f"{node.op.name}({operands})" if node.operands else node.op.name
    return head + attributes(node) + label


def attributes(node: Node) -> str:
    """What the kind holds, as the text form writes it after the operands."""
    match node.kind:
        case Leaf(name=name):
            return f" {_quoted(name)}"
        case Constant() as constant:
            return f" {_constant(constant)}"
        case SizeOf(size=size):
            return f" {size}"
        case Index(axis=axis):
            return f" axis={axis}"
        case Map():
            return ""
        case Reduce(axes=axes):
            return f" axes={list(axes)}"
        case Scan(axis=axis, reverse=reverse):
            return f" axis={axis}" + (" reverse" if reverse else "")
        case View(map=found):
            return "" if isinstance(node.op, AliasOp) or isinstance(found, Reshape) else str(found)
        case Fold(map=affine):
            return str(affine)
        case Contract(left=left, right=right, out=out):
            return f"[{left},{right}->{out}]"
        case Join(axis=axis) | Gather(axis=axis) | Scatter(axis=axis):
            return f" axis={axis}"
        case After():
            return ""


def _quoted(name: str) -> str:
    """A name in quotes, in one line, without what begins a comment."""
    return json.dumps(name).replace("  #", "  \\u0023")


def _constant(constant: Constant) -> str:
    if constant.value.size > SMALL_CONSTANT:
        return f"#{constant_name(constant)}"
    return repr(constant.value.tolist()) + (" counts" if constant.counts else "")


def constant_name(constant: Constant) -> str:
    """The name a large constant prints under: from its bits, the same in every process."""
    dtype, shape, data = constant.bits
    return "c" + hashlib.sha256(f"{dtype}{shape}".encode() + data).hexdigest()[:12]


def large_constants(graph: Graph) -> dict[str, np.ndarray]:
    """The constants that ``to_text`` only names, for ``parse``."""
    found = (n.kind for n in graph.nodes if isinstance(n.kind, Constant))
    return {constant_name(c): c.value for c in found if c.value.size > SMALL_CONSTANT}
