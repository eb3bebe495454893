"""Programs that are known by something else than their text, on disk beside their machine code.

A record is one line of JSON, whose form is ``_RECORD``, and the bytes of the constants.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import numpy as np

from graphad.runtime import kernel_cache
from graphad.runtime.environment import content_hash
from graphad.runtime.errors import FormatError
from graphad.runtime.executable import Executable, content_key, load_known
from graphad.runtime.program import DTYPES, ArraySpec, Layout, Program
from graphad.runtime.schema import LARGEST, array, choice, integer, parse_json, record, row, text

MUCH: Final = 1 << 20  # bytes of constants, from which on they are not written a second time
AXES: Final = 64  # of an array of NumPy's

_SHAPE = array(integer(), AXES)
_SPECS = array(row(text(), choice(*DTYPES), integer(most=AXES)))
_RECORD = record(
    {
        "key": text("[0-9a-f]{40}"),
        "name": text(),
        "inputs": _SPECS,
        "outputs": _SPECS,
        "states": _SPECS,
        "constants": array(row(choice(*DTYPES), _SHAPE)),
        "locals": integer(),
        "kernels": array(text()),
        "flushes": choice(False, True),
        "sizes": array(integer(-LARGEST)),
        "offsets": array(integer()),
        "nbytes": integer(),
        "shapes": array(_SHAPE),
        "threads": integer(1, 1 << 16),
        "numbers": array(integer()),
    }
)


@dataclass(frozen=True)
class Known:
    """A program ready to be bound to storage. ``states``: the caller's own numbers for them."""

    executable: Executable
    layout: Layout
    states: tuple[int, ...]


@dataclass(frozen=True)
class Record:
    """What binds a program whose machine code lies under ``key``; the program has no text."""

    key: str
    program: Program
    layout: Layout
    states: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """For the disk."""
        program, layout = self.program, self.layout
        facts = {
            "key": self.key,
            "name": program.name,
            **{role: _specs(getattr(program, role)) for role in ("inputs", "outputs", "states")},
            "constants": [[str(c.dtype), c.shape] for c in program.constants],
            "locals": program.locals,
            "kernels": program.kernels,
            "flushes": program.flushes,
            "sizes": layout.sizes,
            "offsets": layout.offsets,
            "nbytes": layout.nbytes,
            "shapes": layout.outputs,
            "threads": layout.threads,
            "numbers": self.states,
        }
        return b"".join((json.dumps(facts).encode(), b"\n", *(c.tobytes() for c in program.constants)))

    @classmethod
    def from_bytes(cls, data: bytes) -> Record:
        """The inverse. Errors: FormatError."""
        head, _, rest = data.partition(b"\n")
        f = parse_json(head, _RECORD)
        inputs, outputs, states = (
            tuple(ArraySpec(*spec) for spec in f[role]) for role in ("inputs", "outputs", "states")
        )
        constants = _constants(f["constants"], rest)
        shapes = tuple(map(tuple, f["shapes"]))
        if [len(shape) for shape in shapes] != [spec.ndim for spec in outputs]:
            raise FormatError("shapes", "they are not those of the outputs")
        if len(f["offsets"]) != f["locals"] or any(offset > f["nbytes"] for offset in f["offsets"]):
            raise FormatError("offsets", "they are not those of the locals")
        if len(f["numbers"]) != len(states):
            raise FormatError("numbers", "they are not those of the states")
        program = Program(
            f["name"], "", inputs, outputs, states, constants, f["locals"], tuple(f["kernels"]), f["flushes"]
        )
        layout = Layout(tuple(f["sizes"]), tuple(f["offsets"]), f["nbytes"], shapes, f["threads"])
        return cls(f["key"], program, layout, tuple(f["numbers"]))


def _specs(specs: tuple[ArraySpec, ...]) -> list[list[Any]]:
    return [[spec.name, spec.dtype, spec.ndim] for spec in specs]


def _constants(specs: list[tuple[str, list[int]]], data: bytes) -> tuple[np.ndarray, ...]:
    """Arrays that may not be written, one after another in ``data``, all of which they are."""
    sizes = [math.prod(shape) * np.dtype(dtype).itemsize for dtype, shape in specs]
    if sum(sizes) != len(data):
        raise FormatError("constants", f"they take {sum(sizes)} bytes, got {len(data)}")
    parts = [data[end - size : end] for size, end in zip(sizes, accumulate(sizes), strict=True)]
    try:
        return tuple(
            np.frombuffer(part, dtype).reshape(shape) for part, (dtype, shape) in zip(parts, specs, strict=True)
        )
    except ValueError as error:  # empty, but of an extent beyond NumPy's
        raise FormatError("constants", str(error)) from None


def recall(loaded: dict[str, Executable], states: int, *parts: str) -> Known | None:
    """The program that was remembered for the same text; None for none, or if its machine code is gone.

    ``loaded``: what the caller has in memory, by key; what is loaded now is added. ``states``: how many it can number.
    """
    name = _name(parts)
    data = kernel_cache.find(name)
    if data is None:
        return None
    try:
        found = Record.from_bytes(data)
        if any(number >= states for number in found.states):
            raise FormatError("numbers", f"there are {states} states")
    except FormatError:
        kernel_cache.discard(name)
        return None
    executable = load_known(found.program, found.key, loaded)
    return None if executable is None else Known(executable, found.layout, found.states)


def remember(program: Program, layout: Layout, states: tuple[int, ...], *parts: str) -> None:
    """Keep what binds a program that is in the cache, without its text, under the text that ``parts`` are."""
    if sum(array.nbytes for array in program.constants) <= MUCH:
        kernel_cache.store(_name(parts), Record(content_key(program), program, layout, states).to_bytes())


def _name(parts: tuple[str, ...]) -> str:
    return f"known-{content_hash(*parts)}"
