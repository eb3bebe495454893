"""Values without compiling: the reference interpreter behind the front door."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphad.autodiff.structure import flatten, unflatten
from graphad.binding import Sizes, accept
from graphad.build import refuse
from graphad.checks import mapped
from graphad.compiler.errors import GraphError
from graphad.compiler.interpret import interpret, needed
from graphad.compiler.ir.kinds import Leaf
from graphad.failures import explained
from graphad.runtime import Turn
from graphad.sparse_tensor import assemble
from graphad.tensor import Tensor, Variable


def evaluate(outputs: Any, values: Mapping[Tensor, Any] | None = None) -> Any:
    """NumPy values of tensors (answered in kind), given the inputs'; parameters have their current values.

    A value may be given for an inner tensor, too: it stands for what would have been computed. A sparse tensor is
    answered as a ``scipy.sparse.csr_array``.

    Errors: GraphError for a missing input, ShapeError and DTypeError for one that does not fit.

    >>> import graphad as ga
    >>> x = ga.input("x", ("N",))
    >>> evaluate(ga.sum(x * x), {x: [1.0, 2.0, 3.0]})
    array(14., dtype=float32)
    """
    roots = flatten("evaluate", outputs)
    sizes: Sizes = {}
    known: dict[Any, np.ndarray] = {}
    given = {} if values is None else mapped("evaluate", "values", values, "{x: value}")
    for x, value in given.items():
        if not isinstance(x, Tensor):
            refuse(GraphError, "evaluate", (x,), "values are given for tensors: {x: value}")
        known[x] = accept(x, value, sizes)
    for node in needed(roots, known):
        if isinstance(node, Variable) and node not in known:
            known[node] = node.storage
        elif isinstance(node.kind, Leaf) and node not in known:
            refuse(GraphError, "evaluate", tuple(roots), f"needs a value for input {node.kind.name!r} ({node.site})")
    turn = Turn([node.storage for node in known if isinstance(node, Variable)], [])
    with explained(sizes):
        found = turn.run(lambda: [np.array(v) for v in interpret(roots, known, sizes)])
    return unflatten(outputs, assemble(roots, found))
