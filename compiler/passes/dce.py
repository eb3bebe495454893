"""Dead code: what is asked for but does nothing."""

from graphad.compiler.ir.graph import Graph


def dce(graph: Graph) -> Graph:
    """Updates that write a leaf's own value back go.

        update %0 = %0      ->      (nothing)

    A graph is what its outputs and updates need, so nodes that nobody reads are gone as soon as the last reader is;
    what is left is an update that does nothing (a frozen parameter, a momentum of zero). Inputs stay declared even if
    nothing reads them: they are the function's signature. An output asked for twice stays twice, computed once.

    Relies on simplify and cse to have made such updates visible. Bitwise.
    """
    kept = tuple((leaf, value) for leaf, value in graph.updates if leaf is not value)
    return graph if len(kept) == len(graph.updates) else Graph(graph.inputs, graph.outputs, kept, graph.kernels)
