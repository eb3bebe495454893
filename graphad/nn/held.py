"""What an object holds in its attributes, lists, tuples and dicts, under the dotted names that torch gives."""

from collections import deque
from collections.abc import Iterator, Mapping, Set
from typing import Any

from graphad.build import refuse
from graphad.compiler.errors import GraphError


def held(attributes: Mapping[str, object], kind: type | tuple[type, ...]) -> Iterator[tuple[str, Any]]:
    """(name, object) of every ``kind`` in the attributes and in their containers at any depth, in order.

    A container that holds itself is walked once. Errors: GraphError for two of one name, and for one in a set, which
    has no order.

    >>> list(held({"a": [1, {"b": (2,)}], "c": 3}, int))
    [('a.0', 1), ('a.1.b.0', 2), ('c', 3)]
    """
    waiting: list[tuple[str, object]] = [*attributes.items()][::-1]
    seen: set[int] = set()
    names: set[str] = set()
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, kind):
            if name in names:
                refuse(GraphError, "Module", (), f"two things are named {name!r}; rename a key")
            names.add(name)
            yield name, value
        elif id(value) not in seen and (inside := _inside(name, value, kind)):
            seen.add(id(value))
            waiting += inside[::-1]


def _inside(name: str, value: object, kind: type | tuple[type, ...]) -> list[tuple[str, object]]:
    """A container's items with their names; nothing for what is no container."""
    if isinstance(value, Mapping):
        return [(f"{name}.{key}", item) for key, item in value.items()]
    if isinstance(value, list | tuple | deque):
        return [(f"{name}.{i}", item) for i, item in enumerate(value)]
    if isinstance(value, Set) and any(isinstance(item, kind) for item in value):
        refuse(GraphError, "Module", (), f"{name!r} is a {type(value).__name__}, which has no order; write a list")
    return []
