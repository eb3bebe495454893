"""Kernels that differ in nothing but numbers: one kernel, which reads its numbers.

    y1[i0] = x0[i0] * 3.0                          y1[i0] = x0[i0] * d2[0]         called with d + 0, d + 1, ...
    y1[i0] = x0[i0] * 4.0        (and so on)  ->

A thousand results that are the same function of a thousand numbers take as long to compile as a few. Numbers that are
the same in all of them stay, and so do those of kernels of which there are few: a known number is quicker.
"""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import count
from typing import Final

import numpy as np

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.make import constant
from graphad.compiler.ir.node import UNKNOWN, Node
from graphad.compiler.loops.emit import body_text
from graphad.compiler.loops.ir import Expr, Kernel, Lit, Load, Parameter
from graphad.compiler.loops.rewriting import Rewriting
from graphad.compiler.lower.assign import Assignment
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.storage import Storage

SEVERAL: Final = 8
"""Kernels of one form from which on their numbers are read: each takes some 30 ms to compile."""


def numbers_apart(launches: Sequence[Launch], assignment: Assignment) -> Assignment:
    """Numbers taken out of kernels, in place; the answer has them as constants."""
    tables: dict[str, list[float]] = {}
    read: list[tuple[Launch, list[str]]] = []
    for group in _alike(launches):
        varying = {i for i, column in enumerate(zip(*group.values(), strict=True)) if len(set(column)) > 1}
        read += [(launch, _read(launch.kernel, varying, tables)) for launch in group]
    nodes: list[Node] = []
    storages: dict[str, Storage] = {}
    for dtype, table in tables.items():
        storages[dtype] = Storage("constant", len(assignment.constants) + len(nodes), dtype, len(table))
        nodes.append(constant(np.array(table, dtype), dtype, UNKNOWN))
    for launch, dtypes in read:
        launch.storages = [*launch.storages, *(storages[d] for d in dtypes)]
    return replace(assignment, constants=(*assignment.constants, *nodes)) if nodes else assignment


def _alike(launches: Sequence[Launch]) -> list[dict[Launch, tuple[str, ...]]]:
    """Launches of kernels of one form that are not one kernel, where there are several, each with its numbers."""
    times = Counter(launch.kernel for launch in launches)
    rough: dict[object, list[Launch]] = {}
    for launch in launches:
        kernel = launch.kernel
        if kernel.helpers or times[kernel] > 1:
            continue
        rough.setdefault((len(kernel.body), *((p.name, p.dtype) for p in kernel.buffers)), []).append(launch)
    groups: dict[object, list[Launch]] = {}
    for some in rough.values():
        if len(some) >= SEVERAL:
            for launch in some:
                groups.setdefault(_form(launch.kernel), []).append(launch)
    numbered = ({launch: _numbers(launch.kernel) for launch in group} for group in groups.values())
    return [group for group in numbered if len(set(group.values())) >= SEVERAL]


def _form(kernel: Kernel) -> tuple[object, ...]:
    """The kernel's text and what is said of it, without its numbers."""
    blank = Rewriting(literal=lambda x: replace(x, value=0.0) if _plain(x) else x)
    flags = (kernel.reassociate, kernel.strict, kernel.scheduled, kernel.parallel, *kernel.scalars)
    text = body_text(replace(kernel, body=blank.block(kernel.body)))
    return (text, *((p.name, p.dtype) for p in kernel.buffers), *flags)


def _plain(literal: Lit) -> bool:
    return is_float(literal.dtype)


def _numbers(kernel: Kernel) -> tuple[str, ...]:
    """The kernel's numbers, to the bit."""
    found: list[str] = []

    def look(literal: Lit) -> Expr:
        if _plain(literal):
            found.append(float(literal.value).hex())
        return literal

    Rewriting(literal=look).block(kernel.body)
    return tuple(found)


def _read(kernel: Kernel, varying: Set[int], tables: dict[str, list[float]]) -> list[str]:
    """The kernel's numbers, those that vary, moved to tables and read; the dtypes of its new buffers, one for each."""
    number = count()
    names: dict[str, str] = {}

    def put(literal: Lit) -> Expr:
        if not _plain(literal) or next(number) not in varying:
            return literal
        table = tables.setdefault(literal.dtype, [])
        table.append(float(literal.value))
        name = names.setdefault(literal.dtype, f"d{len(kernel.buffers) + len(names)}")
        return Load(name, len(table) - 1, literal.dtype)

    kernel.body = Rewriting(literal=put).block(kernel.body)
    kernel.buffers = [*kernel.buffers, *(Parameter(name, dtype) for dtype, name in names.items())]
    return list(names)
