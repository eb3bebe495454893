"""Predicted time and memory of tensors, by the compiler's model."""

from __future__ import annotations

from collections.abc import Sequence

from graphad.compiler.build import graph_stages
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.size import Size
from graphad.compiler.options import Options
from graphad.compiler.predict import Prediction, predict
from graphad.plain import plain_graph
from graphad.structures import TYPICAL
from graphad.tensor import Tensor


def predicted(tensors: Sequence[Tensor]) -> Prediction:
    """Of one evaluation on one thread, after the compiler's passes; symbolic sizes are taken for typical ones."""
    found, _ = plain_graph(Graph((), tuple(tensors)))
    leaves = tuple(n for n in found.nodes if isinstance(n.kind, Leaf) and n.kind.role == "input")
    fused = graph_stages(Graph(leaves, found.outputs), Options())[-1].graph
    names = set().union(*(d.names() for n in fused.nodes for d in n.type.shape if isinstance(d, Size)), set())
    return predict(fused, dict.fromkeys(sorted(names), TYPICAL))
