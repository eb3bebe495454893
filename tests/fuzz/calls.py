"""Calls of public functions with arguments that mostly make no sense: errors are graphad's, or of the call itself."""

from __future__ import annotations

import functools
import inspect
import re
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import numpy as np

import graphad as ga
from graphad import nn, optim
from graphad.runtime import GraphadError

MODULES: Final = (ga, nn, nn.functional, optim, ga.data, ga.chain, ga.elimination)
LEFT_OUT: Final = (
    "clear_cache", "calibrate", "fit", "load_plan", "load", "mnist", "fashion_mnist",
    "Tensor", "Parameter", "State", "Variable", "Function", "Plan", "Updates", "Elimination",
)  # fmt: skip
"""What works on files or for long, and classes of what functions answer."""
SIGNATURE: Final = re.compile(r"[\w.]+\(\) (got|takes|missing) |Can't instantiate abstract class ")


@functools.cache
def functions() -> tuple[tuple[str, Callable[..., Any]], ...]:
    """Every public function and class, by its name."""
    found: dict[str, Callable[..., Any]] = {}
    for module in MODULES:
        for name in module.__all__:
            value = getattr(module, name)
            error = isinstance(value, type) and issubclass(value, BaseException | Warning)
            if callable(value) and not isinstance(value, ModuleType) and not error and name not in LEFT_OUT:
                found[f"{module.__name__}.{name}"] = value
    return tuple(sorted(found.items()))


def arguments() -> tuple[Any, ...]:
    """What functions are called with."""
    x, n = ga.input("x", (2, 3)), ga.input("n", ("N",), "float64")
    i = ga.input("i", (4,), "int64")
    return (
        None, True, -1, 0, 1, 2, 2.5, float("nan"), 2**80, 1j, "a", "N", "float32", "", b"a", object(), len,
        slice(1, 2), [], [1, 2], [[1], [2, 3]], (), (2, 3), (-1, 2), ("N", 2), {}, {"a": 1}, {x: 1}, [x], [x, i],
        [None], {1, 2}, np.zeros(3), np.zeros((2, 0)), np.array("a"), np.array([None, 1], object), np.array(1j),
        np.ma.masked_array([1, 2], [0, 1]), np.float32(2), np.zeros(2, "datetime64[s]"), x, x, x, n, i, ga.sum(x),
        x > 0, ga.parameter("w", np.ones(3)),
    )  # fmt: skip


def check(seed: int) -> bool:
    """Whether the call was accepted. Errors: AssertionError for an error that is not graphad's."""
    rng = np.random.default_rng(seed)
    known, values = functions(), arguments()
    name, function = known[int(rng.integers(len(known)))]
    positional = [values[int(rng.integers(len(values)))] for _ in range(int(rng.integers(0, 4)))]
    named = {word: values[int(rng.integers(len(values)))] for word in _words(function) if rng.random() < 0.2}
    shown = f"seed {seed}: {name}({', '.join(map(repr, positional))}, {named})"
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            function(*positional, **named)
    except GraphadError:
        return False
    except TypeError as error:
        if SIGNATURE.match(str(error)):  # of the call itself
            return False
        raise AssertionError(shown) from error
    except Exception as error:
        raise AssertionError(shown) from error
    return True


def _words(function: Callable[..., Any]) -> list[str]:
    try:
        found = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return []
    return [p.name for p in found if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
