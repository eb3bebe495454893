"""Tensors as the compiler takes them."""

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node
from graphad.tensor import Variable


def plain_graph(graph: Graph) -> tuple[Graph, dict[Node, Variable]]:
    """The graph in the compiler's own nodes, whose ``==`` compares, and the variable behind each state leaf."""
    done: dict[Node, Node] = {}
    variables: dict[Node, Variable] = {}
    for node in graph.nodes:
        operands = tuple(done[o] for o in node.operands)
        done[node] = Node(node.op, node.kind, operands, node.type, node.site, node.label)
        if isinstance(node, Variable):
            variables[done[node]] = node
    outputs = tuple(done[y] for y in graph.outputs)
    updates = tuple((done[leaf], done[value]) for leaf, value in graph.updates)
    return Graph(tuple(done[x] for x in graph.inputs), outputs, updates), variables
