"""Tensors in a list, tuple or dict, flattened and put back: results are answered in kind."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphad.build import refuse
from graphad.compiler.errors import GraphError
from graphad.tensor import Tensor


def flatten(name: str, tree: Any) -> list[Tensor]:
    """The tensors of a tensor, list, tuple or dict (in order); nothing else is taken."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, Mapping):
        items: Sequence[Any] = list(tree.values())
    elif isinstance(tree, list | tuple):
        items = list(tree)
    else:
        refuse(GraphError, name, (), f"expected a tensor, or a list, tuple or dict of tensors, got {tree!r}")
    found = [t for item in items for t in flatten(name, item)]
    if not found and name != "outputs":
        refuse(GraphError, name, (), "got no tensors")
    return found


def unflatten(tree: Any, values: Sequence[Any]) -> Any:
    """``values`` in the shape of ``tree``."""
    rest = iter(values)
    return _put(tree, rest)


def _put(tree: Any, rest: Any) -> Any:
    if isinstance(tree, Tensor):
        return next(rest)
    if isinstance(tree, Mapping):
        return {key: _put(item, rest) for key, item in tree.items()}
    built = [_put(item, rest) for item in tree]
    return tuple(built) if isinstance(tree, tuple) else built
