"""A graph as text that tells it from every other, and this compiler from any other: what programs are known by."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Constant, Kind, Leaf
from graphad.compiler.ir.op import is_known


def fingerprint(graph: Graph) -> str | None:
    """All that a program depends on, so no site, label or leaf's name; None for ops that another process may not know.

    Sizes stand as they are called: give them names of our own first (names.py).

    >>> from graphad.compiler.ir.parse import parse
    >>> fingerprint(parse('graph {\\n  %0: float32[N] = input "x"\\n  return %0\\n}')).splitlines()[0]
    '0 input input float32[N]'
    """
    numbers = {node: i for i, node in enumerate(graph.nodes)}
    lines = []
    for node, i in numbers.items():
        if not is_known(node.op):
            return None
        kind = _kind(node.kind)
        lines.append(" ".join((str(i), node.op.name, kind, str(node.type), *(str(numbers[o]) for o in node.operands))))
    roots = [numbers[n] for n in (*graph.inputs, *graph.outputs, *(n for pair in graph.updates for n in pair))]
    return "\n".join((*lines, repr((len(graph.inputs), len(graph.outputs), roots))))


def _kind(kind: Kind) -> str:
    match kind:
        case Leaf(role=role):
            return role
        case Constant():
            return _constant(kind)
        case _:
            return repr(kind)


def _constant(kind: Constant) -> str:
    dtype, shape, data = kind.bits
    counts = "counts" if kind.counts else ""
    return f"{counts}{dtype}{shape}{data.hex() if len(data) <= 64 else hashlib.sha256(data).hexdigest()}"


@cache
def compiler_stamp(*others: Path) -> str:
    """The size and the time of every file of the compiler, and in other folders."""
    folders = {*others, Path(__file__).parent}
    found = sorted(entry for folder in folders for entry in _files(str(folder)))
    return hashlib.sha256(repr(found).encode()).hexdigest()


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path) if entry.name != "__pycache__" else ()
            elif entry.name.endswith(".py"):
                known = entry.stat()
                yield entry.path, known.st_size, known.st_mtime_ns
