"""What a fused graph costs to run, before it is lowered: time, multiplications, memory.

The model counts what each kernel does in the units of ``model/features.py``, and multiplies with the machine's rates.
A machine that was calibrated has rates that were measured; another has typical ones.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from graphad.compiler.interpret import number
from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.graph import Graph, Kernel
from graphad.compiler.ir.kinds import Contract, Fold
from graphad.compiler.ir.make import beneath_views
from graphad.compiler.ir.node import Node
from graphad.compiler.lower.assign import Assignment, assign_storage
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.storage import Storage
from graphad.compiler.model.contractions import Product, aligned, product_of
from graphad.compiler.model.counts import count, elements, node_flops, node_multiplications
from graphad.compiler.model.evaluations import evaluations
from graphad.compiler.model.features import kernel_features
from graphad.compiler.model.machine import Machine
from graphad.compiler.model.store import this_machine
from graphad.compiler.model.traffic import arena_peak, distances, touched
from graphad.compiler.options import Options

__all__ = ["KernelPrediction", "Machine", "Prediction", "count", "predict"]


@dataclass(frozen=True, slots=True)
class KernelPrediction:
    """One kernel's share; ``features``: its units by rate, as in ``Machine``."""

    kernel: Kernel
    seconds: float
    multiplications: int
    flops: int
    bytes: int
    features: Mapping[str, float] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The whole graph's.

    Attributes:
        seconds: of one call, among others like it.
        multiplications, flops: exact, each kernel's nodes counted at their own size; what several kernels compute is
            counted in each.
        bytes: every buffer a kernel reads or writes, once, whole.
        memory: bytes of the arena that are alive at once, on one thread.
    """

    seconds: float
    multiplications: int
    flops: int
    bytes: int
    memory: int
    by_kernel: tuple[KernelPrediction, ...] = field(repr=False)


def predict(
    graph: Graph, sizes: Mapping[str, int] | None = None, machine: Machine | None = None, threads: int = 1
) -> Prediction:
    """The cost of one call of a fused graph (``graph_stages(graph, options)[-1].graph``).

    Args:
        graph: with its kernels.
        sizes: a number for each symbolic size.
        machine: its rates; this machine's by default.
        threads: that share the work.

    Errors: GraphError for a symbolic size that is not given.

    >>> from graphad.compiler.ir.text import parse
    >>> from graphad.compiler.passes.fuse import fuse
    >>> text = '%0: float32[N,N] = input "x"\\n%1: float32[N,N] = contract(%0, %0)[ab,bc->ac]\\nreturn %1'
    >>> predict(fuse(parse(text)), {"N": 100}).multiplications
    1000000
    """
    assert graph.kernels is not None, "the graph has to be fused: graph_stages(graph, options)[-1].graph"
    return _Model(graph, sizes or {}, machine or this_machine(), threads).run()


class _Model:
    """One graph at one set of sizes on one machine."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int], machine: Machine, threads: int) -> None:
        self.kernels: tuple[Kernel, ...] = graph.kernels or ()
        self.sizes, self.machine, self.threads = sizes, machine, threads
        self.assignment: Assignment = assign_storage(graph)
        self.context = Context(self.assignment.stored, Options())
        self.size = cache(lambda node: elements(node, sizes))
        self.nbytes = cache(self._bytes)

    def run(self) -> Prediction:
        sides = [touched(k, self.assignment) for k in self.kernels]
        touches = [{**reads, **writes} for reads, writes in sides]
        far = distances(touches, self.nbytes)
        rows, scratch = [], []
        for kernel, (reads, writes), away in zip(self.kernels, sides, far, strict=True):
            products = self._products(kernel)
            scratch.append(sum(p.scratch for p in products.values()))
            rows.append(self._kernel(kernel, products, reads, writes, away))
        seconds = self.machine.rates["call"] + sum(r.seconds for r in rows)
        return Prediction(
            self._shared(seconds),
            sum(r.multiplications for r in rows),
            sum(r.flops for r in rows),
            sum(r.bytes for r in rows),
            arena_peak(touches, scratch, lambda s: aligned(self.nbytes(s))),
            tuple(rows),
        )

    def _products(self, kernel: Kernel) -> dict[Node, Product]:
        contractions = [n for n in kernel.nodes if isinstance(n.kind, Contract)]
        fold = next((n for n in kernel.nodes if isinstance(n.kind, Fold)), None) if contractions else None
        return {n: product_of(n, fold, self.context, self.sizes) for n in contractions}

    def _kernel(
        self,
        kernel: Kernel,
        products: Mapping[Node, Product],
        reads: Mapping[Storage, None],
        writes: Mapping[Storage, None],
        away: Mapping[Storage, float],
    ) -> KernelPrediction:
        found = evaluations(kernel, self.size, lambda n: products[n].pulled)
        features = kernel_features(kernel, found, products, self.sizes)
        moved = sum(self.nbytes(s) for side in (reads, writes) for s in side)
        loads = self._loads(found.loaded, products)
        for storage in reads:
            features.move(self.machine.level(away[storage]), min(self.nbytes(storage), loads.get(storage, math.inf)))
        for storage in writes:
            features.move(self.machine.level(away[storage]), self.nbytes(storage))
        features.add("bytes.0", sum(max(n - self.nbytes(s), 0.0) for s, n in loads.items()))  # loaded again
        return KernelPrediction(
            kernel,
            self.machine.seconds(features),
            sum(node_multiplications(n, self.sizes) for n in kernel.nodes),
            sum(node_flops(n, self.sizes) for n in kernel.nodes),
            moved,
            features,
        )

    def _loads(self, loaded: Mapping[Node, float], products: Mapping[Node, Product]) -> dict[Storage, float]:
        """Bytes loaded from each storage; a contraction that reads an operand in place loads each element once."""
        found: dict[Storage, float] = {}

        def add(x: Node, times: float) -> None:
            if x in self.assignment.stored:
                storage = self.assignment.stored[x]
                found[storage] = found.get(storage, 0.0) + times * ITEMSIZE[x.type.dtype]

        for x, times in loaded.items():
            add(x, times)
        for node, product in products.items():
            for x, times in zip(node.operands, product.pulled, strict=True):
                if not times:
                    add(beneath_views(x), self.size(x))
        return found

    def _bytes(self, storage: Storage) -> int:
        size = storage.size
        return (size if isinstance(size, int) else number(size, self.sizes)) * ITEMSIZE[storage.dtype]

    def _shared(self, seconds: float) -> float:
        """Work divided among threads, which have to be woken and to wait for one another."""
        if self.threads == 1:
            return seconds
        rates = self.machine.rates
        return rates["fork"] + len(self.kernels) * rates["barrier"] + seconds / self.threads
