"""What a program takes when it is compiled: memory as the compiler plans it, for typical sizes."""

from collections.abc import Sequence

from graphad.compiler.build import allocated
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.size import Size
from graphad.compiler.options import Options
from graphad.plain import plain_graph
from graphad.recompute.program import TYPICAL
from graphad.tensor import Tensor


def arena(tensors: Sequence[Tensor]) -> int:
    """Bytes that a call of ``ga.compile(inputs, tensors)`` allocates, on as many threads as it uses by itself.

    Symbolic sizes count as TYPICAL.
    """
    found, _ = plain_graph(Graph((), tuple(tensors)))
    leaves = tuple(n for n in found.nodes if isinstance(n.kind, Leaf) and n.kind.role == "input")
    graph = Graph(leaves, found.outputs)
    return allocated(graph, Options(), dict.fromkeys(sizes_of(found.nodes), TYPICAL))


def sizes_of(nodes: Sequence[object]) -> list[str]:
    """The names of symbolic sizes in the nodes' shapes."""
    dims = (d for n in nodes for d in n.type.shape if isinstance(d, Size))  # type: ignore[attr-defined]
    return sorted(set().union(*(d.names() for d in dims), set()))
