"""Which entries of a Jacobian can differ from zero, and which are known numbers: one walk over the graph."""

from collections.abc import Sequence

from graphad.autodiff.local import differentiable, inputs_of
from graphad.autodiff.modes import active, check_reach, grad, order
from graphad.build import refuse
from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import is_float
from graphad.sparse.known import Known
from graphad.sparse.matrix import Csr, elements, empty, eye, places
from graphad.sparse.rules import through
from graphad.tensor import Tensor


def pattern(y: Tensor, x: Tensor) -> Csr:
    """Where dy/dx can differ from zero: a ``scipy.sparse.csr_array`` of True, y.size x x.size, both row-major.

    Exact for the structure of the graph: views, sums, windows, contractions with constants (their zeros count) and
    gathers at constant indices. A choice by a condition that is known takes its one side; ``stop_gradient`` ends a way.
    A gather or scatter at indices that come at run time may read or write any of its axis. A rule given by
    ``custom_derivative`` is followed through its own graph. Values are not looked at: 0 * x for an input 0 counts.

    Errors: GraphError where y does not depend on x, DTypeError for integers, ShapeError for sizes that are names.

    >>> import graphad as ga
    >>> x = ga.input("x", (3,))
    >>> pattern(x[1:] * x[:-1], x).toarray().astype(int)
    array([[1, 1, 0],
           [0, 1, 1]])
    """
    check("pattern", y, x)
    return settled(entries([y], x)[0], y, x)


def hessian_pattern(y: Tensor, x: Tensor) -> Csr:
    """Where the Hessian of the scalar ``y`` can differ from zero: x.size x x.size, symmetric.

    The pattern of the gradient's graph, united with its transpose. It can have entries too many: where second
    derivatives cancel (in ``(a + b)**2 - a**2 - b**2``, say), structure does not see it.

    Errors: as ``pattern``, and ShapeError where y is no scalar.

    >>> import graphad as ga
    >>> x = ga.input("x", (3,))
    >>> hessian_pattern(ga.sum(x[1:] * x[:-1]), x).toarray().astype(int)
    array([[0, 1, 0],
           [1, 0, 1],
           [0, 1, 0]])
    """
    gradient = gradient_of("hessian_pattern", y, x)
    return symmetric(settled(entries([gradient], x)[0], gradient, x))


def settled(found: Csr | None, y: Tensor, x: Tensor) -> Csr:
    """The pattern, also where nothing leads from x to y."""
    return empty(elements(y), elements(x)) if found is None else places(found)


def symmetric(p: Csr) -> Csr:
    """The union with the transpose."""
    out = places(p) + places(p).T.tocsr()
    out.sort_indices()
    return out


def gradient_of(name: str, y: Tensor, x: Tensor) -> Tensor:
    """The gradient whose Jacobian is the Hessian."""
    check(name, y, x)
    if y.shape != ():
        refuse(ShapeError, name, (y,), "takes a scalar; use ga.sum(y), or a Jacobian of what you want twice")
    return grad(y, x)


def check(name: str, y: Tensor, x: Tensor) -> None:
    """One tensor of floats by another one that it depends on, all sizes numbers."""
    if not isinstance(y, Tensor):
        refuse(GraphError, name, (y,), f"the first argument is one tensor, got {type(y).__name__}")
    if not isinstance(x, Tensor):
        refuse(
            GraphError,
            name,
            (y,),
            f"the second argument is one tensor, got {type(x).__name__}; ask for each input in turn, or make one "
            "input of them and take its parts, as in x[:3] and x[3:]",
        )
    if not is_float(y.dtype):
        refuse(DTypeError, name, (y,), f"{y.dtype} has no derivative")
    nodes = order([y])
    check_reach(name, [y], [x], nodes)
    for node in (x, *nodes):
        if not all(isinstance(d, int) for d in node.shape):
            refuse(
                ShapeError,
                name,
                (y, x),
                f"a pattern needs sizes that are numbers, got {node!r} ({node.site}); write them where the inputs are "
                "made, as in ga.input('x', (1000,)), or take mode 'forward' or 'reverse'",
            )


def entries(outputs: Sequence[Tensor], x: Tensor, known: Known | None = None) -> list[Csr | None]:
    """For each output its Jacobian by x: known numbers (float64), places (bool), or None where there is no way."""
    known = known or Known()
    nodes = order(outputs)
    live = active(nodes, [x])
    uses: dict[Tensor, int] = {}
    for node in nodes:
        for operand in inputs_of(node) if node in live and node is not x else ():
            uses[operand] = uses.get(operand, 0) + 1
    kept = {*outputs}
    found: dict[Tensor, Csr | None] = {x: eye(elements(x))}

    def probe(linear: Tensor, tangents: Sequence[Tensor]) -> list[Csr | None]:
        return [entries([linear], t, known)[0] for t in tangents]

    for node in nodes:
        if node is x or node not in live or not differentiable(node):
            continue
        operands = inputs_of(node)
        found[node] = through(node, [found.get(o) for o in operands], known, probe)
        for operand in operands:  # patterns die after their last use, so that memory stays near what is needed
            uses[operand] -= 1
            if not uses[operand] and operand not in kept:
                found.pop(operand, None)
    return [found.get(y) for y in outputs]
