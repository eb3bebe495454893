"""The input language of this room: the text of a program, what it reads and writes, and how large everything is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DTYPES = ("float32", "float64", "int32", "int64", "bool")


@dataclass(frozen=True)
class ArraySpec:
    """One array that a program takes or fills: always C-contiguous, its extents known only at run time."""

    name: str
    dtype: str
    ndim: int

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"array {self.name!r} has dtype {self.dtype!r}; write one of {', '.join(DTYPES)}")


@dataclass(frozen=True, eq=False)
class Program:
    """A generated module and its interface, without any size.

    `source` is the text of a Python module that defines kernels (`@kernel`) and one `@entry` function
    `run(table, sizes, part, parts, sync, clock, status)`. `table` holds addresses in the order inputs, outputs,
    states, constants, locals. `flushes`: numbers too small for a full precision count as zero (subnormal ones).
    """

    name: str
    source: str
    inputs: tuple[ArraySpec, ...]
    outputs: tuple[ArraySpec, ...]
    states: tuple[ArraySpec, ...]
    constants: tuple[NDArray[np.generic], ...]
    locals: int
    kernels: tuple[str, ...]
    flushes: bool = False


@dataclass(frozen=True)
class Layout:
    """A program's numbers for concrete sizes.

    `offsets` are bytes into the arena, one per local slot, `nbytes` the arena's size, `outputs` the results' shapes.
    """

    sizes: tuple[int, ...]
    offsets: tuple[int, ...]
    nbytes: int
    outputs: tuple[tuple[int, ...], ...]
    threads: int
