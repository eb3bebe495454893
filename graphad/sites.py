"""Where the user wrote a node: the first frame outside the package, and the layer being built."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final

from graphad import compiler, runtime
from graphad.compiler.ir.node import Site

_OWN: Final = tuple(str(Path(f).resolve().parent) + "/" for f in (__file__, compiler.__file__, runtime.__file__) if f)
_RECIPES: Final = str(Path(__file__).resolve().parent / "train" / "recipes.py")
"""Written as a user writes; else a recipe's lines would be those of whatever runs the command line."""
_layer: ContextVar[str] = ContextVar("layer", default="")
_origin: ContextVar[Site | None] = ContextVar("origin", default=None)


def caller() -> Site:
    """The user's file and line, or the site that ``origin`` has set."""
    fixed = _origin.get()
    if fixed is not None:
        return fixed
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_own(frame.f_code.co_filename):
        frame = frame.f_back
    return Site(frame.f_code.co_filename, frame.f_lineno, _layer.get())


@cache
def _is_own(file: str) -> bool:
    return file.startswith(_OWN) and file != _RECIPES


@contextmanager
def origin(site: Site) -> Iterator[None]:
    """Nodes made inside belong to ``site``: a derivative to the line of its primal."""
    token = _origin.set(site)
    try:
        yield
    finally:
        _origin.reset(token)


@contextmanager
def layer(name: str) -> Iterator[None]:
    """Nodes made inside belong to the layer ``name``, below the layer that is open already."""
    path = f"{_layer.get()}.{name}" if _layer.get() else name
    token = _layer.set(path)
    try:
        yield
    finally:
        _layer.reset(token)


def current_layer() -> str:
    """The path of the layer being built, "" outside."""
    return _layer.get()
