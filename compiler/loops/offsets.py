"""from_starts: kernels that read and write from their buffers' first elements on, wherever those begin.

    for i0 in 0 .. 16:                             for i0 in 0 .. 16:
        v0 = x0[800*i0 + 24]              ->           v0 = x0[800*i0]          called with x0 + 24
        t1[i0] = v0

So kernels that differ in nothing but where they begin, as the steps of an unrolled recurrence do, are one kernel. What
is taken out of a buffer's indices is what all of them have in common: the least of their constants, and sizes that the
program takes, where each has the same.
"""

from collections.abc import Collection

from graphad.compiler.ir.size import Dim, Size
from graphad.compiler.loops.ir import Kernel
from graphad.compiler.loops.rewriting import Rewriting


def from_starts(kernel: Kernel, sizes: Collection[str]) -> dict[str, Dim]:
    """Take out of a kernel's indices, in place, where each buffer's first element is; the answer, where that is not 0.

    ``sizes``: names of those that the program takes, which no loop changes.
    """
    found: dict[str, set[tuple[int, Dim]]] = {p.name: set() for p in kernel.buffers}

    def look(buffer: str, index: Dim) -> Dim:
        if buffer in found:
            found[buffer].add(_fixed(index, sizes))
        return index

    Rewriting(look).block(kernel.body)
    starts = {name: start for name, places in found.items() if (start := _start(places)) != 0}
    if starts:

        def move(buffer: str, index: Dim) -> Dim:
            return index - starts[buffer] if buffer in starts else index

        kernel.body = Rewriting(move).block(kernel.body)
    return starts


def _fixed(index: Dim, sizes: Collection[str]) -> tuple[int, Dim]:
    """The terms of an index without a variable: the constant, and those of sizes."""
    if isinstance(index, int):
        return index, 0
    constant, rest = 0, []
    for atoms, c in index.terms:
        if not atoms:
            constant = c
        elif all(isinstance(a, str) and a in sizes for a in atoms):
            rest.append((atoms, c))
    return constant, Size(tuple(rest)) if rest else 0


def _start(places: Collection[tuple[int, Dim]]) -> Dim:
    """Where the first element is: never before the buffer, which guarded indices may be."""
    beyond = {sizes for _, sizes in places}
    least = min((constant for constant, _ in places), default=0)
    common = next(iter(beyond)) if len(beyond) == 1 else 0
    if isinstance(common, Size):
        return common + least if all(c > 0 for _, c in common.terms) else max(0, least)
    return max(0, least)
