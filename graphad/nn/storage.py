"""Values of leaves, out and in by name: nothing is set unless everything fits."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphad.arrays import array_of
from graphad.runtime import Turn
from graphad.runtime.errors import GraphadError
from graphad.tensor import Variable


class StateError(GraphadError):
    """Stored values do not belong to this model or optimiser: names missing or unexpected, a wrong shape or dtype."""


def dump(leaves: Mapping[str, Variable]) -> dict[str, np.ndarray]:
    """Copies of the leaves' current values, all of one moment."""
    return Turn([leaf.storage for leaf in leaves.values()], []).run(
        lambda: {name: leaf.storage.copy() for name, leaf in leaves.items()}
    )


def check(what: str, leaves: Mapping[str, Variable], values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """``values`` as arrays that fit the leaves, or a StateError that lists everything that does not."""
    if not isinstance(values, Mapping):
        raise StateError(
            f"{what}: expected a dict {{name: array}}, got {type(values).__name__}; "
            "write what state_dict() answered; nothing was loaded"
        )
    problems = [f"missing {name!r}" for name in leaves if name not in values]
    problems += [f"unexpected {name!r}" for name in values if name not in leaves]
    arrays: dict[str, np.ndarray] = {}
    for name in leaves:
        try:
            arrays |= {name: array_of(values[name])} if name in values else {}
        except GraphadError as error:
            problems.append(f"{name!r}: {error}")
    for name, leaf in leaves.items():
        array = arrays.get(name)
        if array is None:
            continue
        if array.shape != leaf.storage.shape:
            problems.append(f"{name!r} has shape {list(array.shape)}, expected {list(leaf.storage.shape)}")
        elif not np.can_cast(array.dtype, leaf.storage.dtype, "same_kind"):
            problems.append(f"{name!r} is {array.dtype}, expected {leaf.dtype}")
        elif (problem := leaf.misfit(array)) is not None:
            problems.append(f"{name!r}: {problem}")
    if problems:
        raise StateError(f"{what}: {'; '.join(problems)}; nothing was loaded")
    return arrays


def load(what: str, leaves: Mapping[str, Variable], values: Mapping[str, Any]) -> None:
    """Sets every leaf at once, for calls meanwhile too; or none and raises StateError."""
    arrays = check(what, leaves, values)

    def set_all() -> None:
        for name, leaf in leaves.items():
            leaf.value = arrays[name]

    Turn([], [leaf.storage for leaf in leaves.values()]).run(set_all)
