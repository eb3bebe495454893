"""A model's table: what each layer makes of its input, how many parameters it has and how much it computes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, final

from graphad.build import refuse
from graphad.checks import shown
from graphad.compiler.errors import GraphError
from graphad.compiler.ir.graph import topological
from graphad.compiler.ir.kinds import Contract, Map, Reduce, Scan
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, evaluate
from graphad.compiler.ir.types import TensorType
from graphad.nn.module import Module
from graphad.tensor import Tensor


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One layer: its path and kind, its output's type, the number of its parameters, and its flops for one example.

    A multiplication and an addition count one each; an elementwise function, of whatever cost, counts one.
    """

    path: str
    kind: str
    output: TensorType
    parameters: int
    flops: int


def summary(model: Module, x: Tensor) -> list[Row]:
    """The rows of ``model`` applied to ``x``, in order, with symbolic sizes (the batch) counted as 1.

    >>> import graphad as ga
    >>> rows = summary(ga.nn.Sequential(ga.nn.Linear(3, 2), ga.relu), ga.input("x", ("N", 3)))
    >>> [(row.path, row.kind, row.parameters, row.flops) for row in rows]
    [('0', 'Linear', 8, 14), ('1', 'relu', 0, 2)]
    """
    given: tuple[object, object] = model, x  # the user's: may be anything
    if not isinstance(given[0], Module) or not isinstance(given[1], Tensor):
        refuse(GraphError, "summary", (), f"takes a layer and its input, got {shown(given[0])} and {shown(given[1])}")
    before = set(topological([x]))
    nodes = [n for n in topological([model(x)]) if n not in before]
    leaves = model.named_parameters()
    rows = []
    output = x.type
    for path, one in model.layers():
        inside = [n for n in nodes if _below(n.site.layer, path)]
        output = inside[-1].type if inside else output
        count = sum(p.storage.size for name, p in leaves.items() if _below(name, path))
        rows.append(Row(path, _kind(one), output, count, sum(map(flops, inside))))
    return rows


def _kind(one: Callable[..., Any]) -> str:
    if isinstance(one, Module):
        return type(one).__name__
    return str(getattr(one, "__name__", getattr(one, "name", "?")))  # a function; an op has a name


def flops(node: Node) -> int:
    """What one node computes, with symbolic sizes counted as 1."""
    size = _count(node.type.shape)
    match node.kind:
        case Contract(left=left, right=right):
            extents: dict[str, Dim] = {}
            for letters, operand in zip((left, right), node.operands, strict=True):
                extents |= dict(zip(letters, operand.type.shape, strict=True))
            return 2 * _count(tuple(extents.values()))
        case Map():
            return size
        case Reduce() | Scan():
            return _count(node.operands[0].type.shape)
        case _:  # leaves, views and copies move numbers
            return 0


def _below(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.") or not path


def _count(shape: tuple[Dim, ...]) -> int:
    return prod(_one(d) for d in shape)


def _one(d: Dim) -> int:
    if isinstance(d, Size):
        ones: Mapping[str, int] = dict.fromkeys(d.names(), 1)
        found = evaluate(d, ones)
        assert isinstance(found, int)
        return found
    return d
