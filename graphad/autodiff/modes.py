"""Forward and reverse mode: graph to graph, from one derivative declaration an op, nestable to any order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from graphad.autodiff.custom import STOP
from graphad.autodiff.local import differentiable, inputs_of, pull, push, total
from graphad.autodiff.structure import flatten, unflatten
from graphad.build import TensorLike, as_tensor, refuse
from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import is_float
from graphad.ops.arithmetic import where
from graphad.ops.creation import ones_like, zeros_like
from graphad.sites import origin
from graphad.tensor import Tensor

T = TypeVar("T")


def order(roots: Iterable[Tensor], operands: Callable[[Tensor], tuple[Tensor, ...]] = inputs_of) -> list[Tensor]:
    """What the roots depend on in the eyes of AD, inputs before users. Errors: GraphError for a cycle."""
    found: list[Tensor] = []
    opened: dict[Tensor, bool] = {}
    stack = list(roots)
    while stack:
        node = stack[-1]
        if node not in opened:
            opened[node] = False
            for x in operands(node):
                if opened.get(x) is False:
                    raise GraphError(f"the graph is cyclic: {x!r} needs itself ({x.site})")
                if x not in opened:
                    stack.append(x)
            continue
        stack.pop()
        if not opened[node]:
            opened[node] = True
            found.append(node)
    return found


def active(nodes: Sequence[Tensor], wrt: Sequence[Tensor]) -> set[Tensor]:
    """The nodes whose derivative with respect to ``wrt`` may differ from zero."""
    found = set(wrt)
    for node in nodes:
        if node not in found and differentiable(node) and any(x in found for x in inputs_of(node)):
            found.add(node)
    return found


def check_reach(name: str, outputs: Sequence[Tensor], wrt: Sequence[Tensor], nodes: Sequence[Tensor]) -> None:
    """That each of ``wrt`` is a float tensor which some output depends on in a differentiable way."""
    for x in wrt:
        if not isinstance(x, Tensor):
            refuse(GraphError, name, (x,), "derivatives are taken with respect to tensors")
        if not is_float(x.dtype):
            refuse(DTypeError, name, (x,), f"{x!r} is {x.dtype}: derivatives exist for float32 and float64 only")
    below = set(nodes)
    useful = _useful(nodes, outputs)
    for x in wrt:
        if x not in below:
            refuse(GraphError, name, tuple(outputs), f"does not depend on {x!r} ({x.site})")
        if x not in useful:
            barrier = _barrier(nodes, x)
            refuse(
                DTypeError,
                name,
                tuple(outputs),
                f"depends on {x!r} only through {barrier!r} ({barrier.site}), which has no derivative",
            )


def _useful(nodes: Sequence[Tensor], outputs: Sequence[Tensor]) -> set[Tensor]:
    """The nodes from which a differentiable way leads to an output.

    stop_gradient counts, as zero by intent, and so does the condition of a choice: what is chosen is differentiable
    almost everywhere, with derivative zero in the direction of the condition (relu's second derivative).
    """
    found = set(outputs)
    choosing: set[Tensor] = set()
    for node in reversed(nodes):
        if node in choosing:
            choosing.update(inputs_of(node))
            found.add(node)
        elif node in found and (differentiable(node) or node.op is STOP):
            inputs = inputs_of(node)
            found.update(inputs)
            if node.op is where:
                choosing.add(inputs[0])
    return found


def _barrier(nodes: Sequence[Tensor], x: Tensor) -> Tensor:
    reached = {x}
    for node in nodes:
        if any(i in reached for i in inputs_of(node)):
            if not differentiable(node):
                return node
            reached.add(node)
    return x


def pull_back(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Tensor],
    wrt: Sequence[Tensor],
    nodes: Sequence[Tensor] | None = None,
    watch: Callable[[Tensor, Sequence[Tensor]], None] | None = None,
) -> list[Tensor]:
    """Reverse mode: the cotangents of ``wrt`` from the outputs'; zeros where only stop_gradient leads.

    ``nodes``: what ``order(outputs)`` gave, where the caller has it. ``watch`` is told of each node and what the
    cotangents of its inputs have become.
    """
    nodes = order(outputs) if nodes is None else nodes
    live = active(nodes, wrt)
    known: dict[Tensor, Tensor] = {}
    for y, c in zip(outputs, cotangents, strict=True):
        known[y] = known[y] + c if y in known else c
    targets = set(wrt)
    for node in _nearest_first(nodes):
        if node not in known or node not in live:
            continue
        inputs = inputs_of(node)
        wanted = [x in live for x in inputs]
        if not any(wanted):
            continue
        cotangent = known[node] if node in targets else known.pop(node)
        with origin(node.site):
            for x, part in zip(inputs, pull(node, cotangent, wanted), strict=True):
                if part is not None:
                    known[x] = known[x] + part if x in known else part
        if watch is not None:
            watch(node, [known[x] for x in inputs if x in known])
    return [known[x] if x in known else zeros_like(x) for x in wrt]


def _nearest_first(nodes: Sequence[Tensor]) -> list[Tensor]:
    """Users before inputs, by the longest way to an output: what one time step adds to a shared weight's cotangent is
    added when its turn comes, not after the sweep, so that it need not be kept."""
    depth = dict.fromkeys(nodes, 0)
    for node in reversed(nodes):
        for x in inputs_of(node):
            depth[x] = max(depth[x], depth[node] + 1)
    return sorted(nodes, key=lambda n: -depth[n])[::-1]


def push_forward(outputs: Sequence[Tensor], wrt: Sequence[Tensor], tangents: Sequence[Tensor]) -> list[Tensor]:
    """Forward mode: the outputs' tangents from those of ``wrt``.

    A tensor of ``wrt`` that is computed from another one moves by its own tangent and by what the other gives it:
    the transpose of reverse mode, whose cotangents count every way.
    """
    nodes = order(outputs)
    live = active(nodes, wrt)
    known: dict[Tensor, Tensor | None] = {}
    for x, tangent in zip(wrt, tangents, strict=True):
        known[x] = total([known.get(x), tangent])
    for node in nodes:
        if node in live and any(known.get(x) is not None for x in inputs_of(node)):
            with origin(node.site):
                known[node] = total([known.get(node), push(node, [known.get(x) for x in inputs_of(node)])])
    return [t if (t := known.get(y)) is not None else zeros_like(y) for y in outputs]


def grad(y: Tensor, wrt: T) -> T:
    """The gradient of a scalar, by reverse mode; ``wrt`` a tensor, list, tuple or dict, answered in kind.

    Errors: ShapeError if y is no scalar, DTypeError for integers, GraphError where y does not depend on ``wrt``.

    >>> import graphad as ga
    >>> x = ga.input("x", (2,))
    >>> ga.evaluate(grad(ga.sum(x * x), x), {x: [1.0, 2.0]})
    array([2., 4.], dtype=float32)
    """
    leaves = check_scalar("grad", y, wrt)
    return cast(T, unflatten(wrt, pull_back([y], [ones_like(y)], leaves)))


def check_scalar(name: str, y: Tensor, wrt: Any) -> list[Tensor]:
    """The tensors of ``wrt``, where y has a gradient with respect to them."""
    leaves = flatten(name, wrt)
    if not isinstance(y, Tensor):
        refuse(GraphError, name, (y,), "the first argument is a scalar tensor")
    if y.shape != ():
        refuse(ShapeError, name, (y,), "takes a scalar; use ga.sum(y), ga.vjp or ga.jacobian")
    if not is_float(y.dtype):
        refuse(DTypeError, name, (y,), f"{y.dtype} has no derivative")
    check_reach(name, [y], leaves, order([y]))
    return leaves


def vjp(y: Any, x: T, cotangent: Any) -> T:
    """The cotangent of ``x`` (answered in kind) for the cotangent of ``y``: cotangent^T J, by reverse mode."""
    outputs, leaves = flatten("vjp", y), flatten("vjp", x)
    cotangents = directions("vjp", y, cotangent)
    check_reach("vjp", outputs, leaves, order(outputs))
    return cast(T, unflatten(x, pull_back(outputs, cotangents, leaves)))


def jvp(y: T, x: Any, tangent: Any) -> T:
    """The tangent of ``y`` (answered in kind) for the tangent of ``x``: J tangent, by forward mode."""
    outputs, leaves = flatten("jvp", y), flatten("jvp", x)
    tangents = directions("jvp", x, tangent)
    check_reach("jvp", outputs, leaves, order(outputs))
    return cast(T, unflatten(y, push_forward(outputs, leaves, tangents)))


def directions(name: str, tree: Any, values: Any) -> list[Tensor]:
    """One direction for each tensor of ``tree``, given in kind."""
    if isinstance(tree, Tensor):
        return [_direction(name, tree, values)]
    if isinstance(tree, Mapping):
        if not isinstance(values, Mapping) or values.keys() != tree.keys():
            refuse(GraphError, name, (), f"directions are a dict with the keys {list(tree)}, got {values!r}")
        return [t for key, item in tree.items() for t in directions(name, item, values[key])]
    if not isinstance(values, list | tuple) or len(values) != len(tree):
        refuse(GraphError, name, tuple(tree), f"directions are a list, one for each of {len(tree)}, got {values!r}")
    return [t for item, value in zip(tree, values, strict=True) for t in directions(name, item, value)]


def _direction(name: str, x: Tensor, value: TensorLike) -> Tensor:
    t = as_tensor(value, name)
    if t.shape != x.shape:
        refuse(ShapeError, name, (x, t), f"a direction has its tensor's shape {list(x.shape)}, got {list(t.shape)}")
    return t if t.dtype == x.dtype else t.astype(x.dtype)
