"""Heavy modules, imported on first use, so that `import graphad` stays quick.

A module-level `sympy = lazy_import("sympy")` keeps imports at the top of the file, where they are looked for.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from graphad.runtime import forks
from graphad.runtime.errors import GraphadError

importing = forks.Section()  # a child could not import what its parent was in the middle of
forks.hold(importing)


class MissingModuleError(GraphadError, ImportError):
    """A module that a feature needs is not installed."""


class LazyModule(ModuleType):
    """Stands for the module of its name, which is imported when an attribute is first asked for."""

    def __init__(self, name: str, extra: str | None = None) -> None:
        super().__init__(name)
        self._extra = extra
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # doctest, inspect and pickle look for these; looking must not import
            raise AttributeError(attribute)
        if self._module is None:
            self._module = _load(self.__name__, self._extra)
        return getattr(self._module, attribute)


def lazy_import(name: str, extra: str | None = None) -> Any:
    """The module `name`, imported on its first use; `extra` is the extra of graphad that installs it.

    Answers `Any`: its attributes are those of a module that is not there yet.

    >>> fractions = lazy_import("fractions")
    >>> fractions.Fraction(1, 2) * 2
    Fraction(1, 1)
    """
    return LazyModule(name, extra)


def load_module(name: str) -> ModuleType:
    """The module, imported now if it was not before; no process forks meanwhile."""
    with importing:
        return importlib.import_module(name)


def _load(name: str, extra: str | None) -> ModuleType:
    try:
        return load_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there; something that it imports is not
        wanted = f'"graphad[{extra}]"' if extra else error.name
        raise MissingModuleError(f"{name} is not installed: pip install {wanted}") from error
