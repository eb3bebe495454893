"""``ga.compile``: names, sizes and state bound to a graph."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from graphad.autodiff.structure import flatten
from graphad.build import refuse
from graphad.checks import listed, one_of, whole
from graphad.compiler.errors import GraphError, TargetError
from graphad.compiler.ir.graph import Graph, check_inputs
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.options import Options
from graphad.compiler.pipeline import check_names
from graphad.function import Function
from graphad.plain import plain_graph
from graphad.runtime import allowed_threads
from graphad.states import collect
from graphad.tensor import Parameter, State, Tensor, Variable

TARGETS: Final = ("cpu", "numpy")


def compile(
    inputs: Sequence[Tensor] | Tensor,
    outputs: Any,
    updates: Mapping[Any, Tensor] | None = None,
    target: str = "cpu",
    threads: int | None = None,
    options: Options | None = None,
) -> Function:
    """A function from arrays to arrays.

    Args:
        inputs: the input leaves, in the order of the call's arguments.
        outputs: a tensor, or a list, tuple or dict of them; a call answers in kind.
        updates: new values of parameters and states, {leaf: tensor}, all computed from the values before the call.
            The next values of states (``state.next``, ``state.advance``) come on their own; one that is given here
            wins, and ``{s: s}`` leaves ``s`` as it is.
        target: "cpu" (Numba) or "numpy" (the reference interpreter, node by node).
        threads: how many at most; unless said, one for little work, else all cores this process may use. More than four
            for each of the machine's cores are not used, with a ThreadWarning.
        options: see ``ga.Options``.

    Errors: GraphError for an input that is no input leaf, that stands twice or is missing, and for an update of what is
    no parameter or state; ShapeError and DTypeError for an update of another type; TargetError for a target unknown.

    >>> import graphad as ga
    >>> x = ga.input("x", ("N",))
    >>> f = ga.compile([x], ga.sum(x * x), target="numpy")
    >>> f([1.0, 2.0])
    array(5., dtype=float32)
    """
    leaves = [inputs] if isinstance(inputs, Tensor) else listed("compile", "inputs", inputs, "input leaves")
    names = _check_inputs(leaves)
    if updates is not None and not isinstance(updates, Mapping):
        refuse(GraphError, "compile", (), f"updates is a dict, {{leaf: new value}}, got {type(updates).__name__}")
    roots = flatten("outputs", outputs)
    pairs = [_check_update(leaf, value) for leaf, value in (updates or {}).items()]
    one_of("compile", "target", target, TARGETS, TargetError)
    _check_choices(threads, options)
    if threads is not None:
        threads = allowed_threads(f"compile: threads={threads}", threads)
    graph = Graph(tuple(leaves), tuple(roots), tuple(pairs))
    check_inputs(graph, names)
    graph = collect(graph)
    plain, variables = plain_graph(graph)
    return Function(plain, variables, outputs, target, threads, options or Options())


def _check_choices(threads: object, options: object) -> None:
    if threads is not None:
        whole("compile", "threads", threads, 1)
    if options is not None and not isinstance(options, Options):
        refuse(GraphError, "compile", (), f"options is a ga.Options, got {options!r}")
    if options is not None:
        try:
            check_names(options.disable)
        except GraphError as error:
            refuse(GraphError, "compile", (), str(error))


def _check_inputs(leaves: Sequence[Any]) -> list[str]:
    names: list[str] = []
    for x in leaves:
        if not isinstance(x, Tensor) or not isinstance(x.kind, Leaf) or x.kind.role != "input":
            hint = "; parameters need not be listed" if isinstance(x, Variable) else ""
            refuse(GraphError, "compile", (x,), f"inputs are made by ga.input, got {x!r}{hint}")
        if x.kind.name in names:
            refuse(GraphError, "compile", (x,), f"two inputs are named {x.kind.name!r}; give each a name of its own")
        names.append(x.kind.name)
    return names


def _check_update(leaf: Any, value: Any) -> tuple[Tensor, Tensor]:
    if not isinstance(leaf, Parameter | State):
        refuse(GraphError, "compile", (leaf,), f"updates are of parameters and states, got {leaf!r}")
    problem = leaf.mismatch(value)
    if problem is not None:
        refuse(type(problem), "compile", (value if isinstance(value, Tensor) else leaf,), str(problem))
    return leaf, value
