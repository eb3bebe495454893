"""Local Jacobians with structure: applied, multiplied, added, materialised and priced. README.md names the files."""

from graphad.structures.algebra import Composite, Structured, after, dense, materialise, plus
from graphad.structures.letters import TYPICAL, Einsum, count, identity
from graphad.structures.local import Edge, Local, local_jacobians
from graphad.structures.sweeps import Edges, forward, reverse
from graphad.structures.weights import PRICED, Nodes, Prices, Weights, direction

__all__ = [
    # structures
    "Einsum", "Local", "Composite", "Structured", "Edge", "identity", "local_jacobians",
    # what is done with them
    "after", "plus", "materialise", "dense", "forward", "reverse", "Edges",
    # with nodes, or with prices only
    "Weights", "Nodes", "Prices", "PRICED", "direction", "TYPICAL", "count",
]  # fmt: skip
