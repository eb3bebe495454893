"""Programs that are known by something else than their text, on disk beside their machine code."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import Any

from graphad.runtime import kernel_cache
from graphad.runtime.environment import content_hash
from graphad.runtime.executable import Executable, content_key, load_known
from graphad.runtime.program import Layout, Program

MUCH = 1 << 20  # bytes of constants, from which on they are not written a second time


@dataclass(frozen=True)
class Known:
    """A program ready to be bound to storage. ``states``: the caller's own numbers for them."""

    executable: Executable
    layout: Layout
    states: tuple[int, ...]


def recall(loaded: dict[str, Executable], *parts: str) -> Known | None:
    """The program that was remembered for the same text; None for none, or if its machine code is gone.

    ``loaded``: what the caller has in memory, by key; what is loaded now is added.
    """
    data = kernel_cache.find(_name(parts))
    if data is None:
        return None
    key, program, layout, states = pickle.loads(data)
    executable = load_known(program, key, loaded)
    return None if executable is None else Known(executable, layout, states)


def remember(program: Program, layout: Layout, states: tuple[int, ...], *parts: str) -> None:
    """Keep what binds a program that is in the cache, without its text, under the text that ``parts`` are."""
    if sum(array.nbytes for array in program.constants) <= MUCH:
        record: tuple[Any, ...] = (content_key(program), replace(program, source=""), layout, states)
        kernel_cache.store(_name(parts), pickle.dumps(record))


def _name(parts: tuple[str, ...]) -> str:
    return f"known-{content_hash(*parts)}"
