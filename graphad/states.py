"""The next values of states that a compiled function leaves behind, collected from what it reads and computes."""

from collections.abc import Iterator, Mapping, Sequence

from graphad.build import refuse
from graphad.compiler.errors import GraphError
from graphad.compiler.ir.graph import Graph, topological
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.node import Node
from graphad.ops.advance import AdvanceOp
from graphad.tensor import State, Tensor


def collect(graph: Graph) -> Graph:
    """The graph with the next value of each state it reads, and of each that a tensor in it advances.

        read state "n" with n.next = n + 1      ->      update n = n + 1

    What a next value reads is read, too. An update that is there wins. Errors: GraphError for two next values of one
    state, and for one that needs an input which is none of the graph's.
    """
    found: dict[Node, Node] = {}
    given = {leaf for leaf, _ in graph.updates}
    while new := _declared(graph, given):
        found |= new
        given |= new.keys()
        graph = Graph(graph.inputs, graph.outputs, (*graph.updates, *new.items()))
    _check_inputs(graph.inputs, found)
    return graph


def _declared(graph: Graph, given: set[Node]) -> Mapping[Node, Node]:
    """The next values that nodes of the graph bring, for the states that have none in ``given``."""
    found: dict[Node, Node] = {}
    for state, value in _moves(graph.nodes):
        if state in given:
            continue
        if found.setdefault(state, value) is not value:
            refuse(
                GraphError,
                "compile",
                (state,),
                f"state {state.name!r} has two next values, of {found[state].site} and of {value.site}; "
                f"say which with updates={{{state.name}: ...}}",
            )
    return found


def _moves(nodes: Sequence[Node]) -> Iterator[tuple[State, Tensor]]:
    for node in nodes:
        if isinstance(node, State) and node.next is not None:
            yield node, node.next
        elif isinstance(node.op, AdvanceOp):
            yield node.op.state, node.op.new


def _check_inputs(inputs: Sequence[Node], found: Mapping[Node, Node]) -> None:
    declared = set(inputs)
    for state, value in found.items():
        for node in topological([value]):
            if isinstance(node.kind, Leaf) and node.kind.role == "input" and node not in declared:
                assert isinstance(state, State)
                refuse(
                    GraphError,
                    "compile",
                    (state,),
                    f"the next value of state {state.name!r} ({value.site}) needs input {node.kind.name!r}, which is "
                    f"not among the inputs; add it, or leave the state as it is, updates={{{state.name}: ...}}",
                )
