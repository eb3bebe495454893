"""What a program costs: a model over its fused graph, by kind.

* flops: a contraction of M x K with K x N costs 2 M N K; a map its scalar expression's operations an element, an
  elementary function counting as one; a reduction, a scan, a fold or a scatter one an element it takes in. Views,
  gathers and copies move numbers and cost none. A cheap map that several kernels compute anew is counted in each.
* bytes: every buffer that a kernel reads, and every one that it writes, once, whole.
* seconds: predict.py's, with the rates of this machine.
* arena: what a call in flight allocates, all threads' scratch in it. Arguments and results are the caller's.
* peak memory: the arena, with parameters, states and constants.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphad.compiler.build import Built, threads_for
from graphad.compiler.interpret import number
from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.storage import Storage
from graphad.compiler.memory import plan_memory
from graphad.compiler.model.counts import node_flops
from graphad.compiler.passes.kernels.points import is_anchor
from graphad.compiler.predict import predict

_NOT_COUNTED: Final = ("pack", "update", "nan_guard")  # launches that move numbers or look at them


@dataclass(frozen=True, slots=True)
class KernelCost:
    """One kernel's share. ``layers``: flops by layer, the heaviest first; "" is outside layers."""

    name: str
    flops: int
    bytes: int
    layers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Cost:
    """The whole program's.

    ``arena``: bytes that a call allocates for itself on its ``threads``: intermediate values and scratch. What is kept
    for the next call belongs to it; two calls at once have one each. ``peak_memory``: with parameters, states and
    constants. ``seconds`` is what ``predict`` says for one thread, used to choose their number.
    """

    flops: int
    bytes: int
    peak_memory: int
    seconds: float
    arena: int
    threads: int
    by_kernel: tuple[KernelCost, ...] = field(repr=False)

    @property
    def by_layer(self) -> dict[str, int]:
        """Flops by layer, the path "" standing for what is outside layers."""
        found: dict[str, int] = {}
        for kernel in self.by_kernel:
            for layer, flops in kernel.layers.items():
                found[layer] = found.get(layer, 0) + flops
        return found


def estimate(built: Built, sizes: Mapping[str, int], threads: int | None = None) -> Cost:
    """The cost of one call for concrete sizes, on as many threads as it uses by itself unless given."""
    sizes, launches = built.own_sizes(sizes), built.lowered.launches
    stored = built.lowered.assignment.stored
    kernels = []
    for launch, nodes, name in zip(launches, counted(launches), built.program.kernels, strict=True):
        flops = [(n, node_flops(n, sizes)) for n in nodes]
        moved = _bytes(launch, stored, sizes)
        kernels.append(KernelCost(name, sum(f for _, f in flops), moved, _by_layer(flops)))
    constants = sum(c.nbytes for c in built.program.constants)
    states = sum(_nbytes(s.type.size, s.type.dtype, sizes) for s in built.states)
    seconds = predict(built.own_stages[-1].graph, sizes).seconds
    used = threads or threads_for(seconds)
    arena = plan_memory(launches, built.lowered.locals, sizes, used)[1]
    total = (sum(k.flops for k in kernels), sum(k.bytes for k in kernels))
    return Cost(*total, arena + states + constants, seconds, arena, used, tuple(kernels))


def counted(launches: Sequence[Launch]) -> list[tuple[Node, ...]]:
    """The nodes counted for each launch, so that a kernel that takes several launches is counted once.

    A launch whose nodes are all among the next one's prepares it: it packs operands, or sums parts of what the next
    one puts together.
    """
    found: list[tuple[Node, ...]] = []
    done: set[Node] = set()
    for i, launch in enumerate(launches):
        here = set(launch.nodes)
        after = launches[i + 1] if i + 1 < len(launches) else None
        if launch.note in _NOT_COUNTED:
            found.append(())
        elif after is not None and after.note not in _NOT_COUNTED and here < set(after.nodes):
            done = here | {n for n in after.nodes if is_anchor(n)}
            found.append(tuple(n for n in after.nodes if n in done))
        else:
            found.append(tuple(n for n in launch.nodes if n not in done))
            done = set()
    return found


def _bytes(launch: Launch, stored: Mapping[Node, Storage], sizes: Mapping[str, int]) -> int:
    inside = set(launch.nodes)
    reads = {stored[x] for n in launch.nodes for x in n.operands if x in stored and x not in inside}
    twice = [s for s in launch.writes if s in reads]
    return sum(_nbytes(s.size, s.dtype, sizes) for s in (*launch.storages, *twice))


def _nbytes(size: Dim, dtype: str, sizes: Mapping[str, int]) -> int:
    return number(size, sizes) * ITEMSIZE[dtype]


def _by_layer(flops: Sequence[tuple[Node, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for node, count in flops:
        found[node.site.layer] = found.get(node.site.layer, 0) + count
    return dict(sorted(found.items(), key=lambda item: -item[1]))
