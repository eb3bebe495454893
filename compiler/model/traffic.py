"""How far away in memory each kernel's data lies, and how much of the arena is alive at once."""

from collections.abc import Callable, Sequence

from graphad.compiler.ir.graph import Kernel
from graphad.compiler.ir.kinds import Constant
from graphad.compiler.ir.node import Node
from graphad.compiler.lower.assign import Assignment
from graphad.compiler.lower.storage import Storage

Bytes = Callable[[Storage], int]


def touched(kernel: Kernel, assignment: Assignment) -> tuple[dict[Storage, None], dict[Storage, None]]:
    """What a kernel reads and what it writes, each once."""
    inside = set(kernel.nodes)
    stored = assignment.stored
    reads = {
        stored[x]: None for n in kernel.nodes for x in n.operands if x not in inside and x in stored and not _literal(x)
    }
    return reads, {stored[s]: None for s in kernel.stores}


def _literal(x: Node) -> bool:
    return isinstance(x.kind, Constant) and x.kind.value.size == 1


def distances(touches: Sequence[dict[Storage, None]], nbytes: Bytes) -> list[dict[Storage, float]]:
    """Bytes touched since each kernel's storages were last touched, in calls that follow one another.

    A storage met for the first time in a call was last touched in the call before. Mattson et al., "Evaluation
    techniques for storage hierarchies" (1970), with bytes counted anew at each touch: a bound from above.
    """
    whole = float(sum(nbytes(s) for s in {s: None for t in touches for s in t}))
    sums = [0.0]
    for t in touches:
        sums.append(sums[-1] + sum(nbytes(s) for s in t))
    last = {s: i - len(touches) for i, t in enumerate(touches) for s in t}
    found: list[dict[Storage, float]] = []
    for i, t in enumerate(touches):
        row: dict[Storage, float] = {}
        for s in t:
            j = last[s]
            since = sums[i] - sums[j] if j >= 0 else sums[i] + sums[-1] - sums[j + len(touches)]
            row[s] = min(since, whole)
            last[s] = i
        found.append(row)
    return found


def arena_peak(touches: Sequence[dict[Storage, None]], scratch: Sequence[int], nbytes: Bytes) -> int:
    """The most bytes of the arena that are alive at once: what no plan can do without."""
    first: dict[Storage, int] = {}
    last: dict[Storage, int] = {}
    for i, t in enumerate(touches):
        for s in t:
            if s.place == "local":
                first.setdefault(s, i)
                last[s] = i
    change = [0] * (len(touches) + 1)
    for s, i in first.items():
        change[i] += nbytes(s)
        change[last[s] + 1] -= nbytes(s)
    alive = peak = 0
    for i, extra in enumerate(scratch):
        alive += change[i]
        peak = max(peak, alive + extra)
    return peak
