"""In which order vertices are coloured: the greedy loop's luck."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from graphad.sparse.kernels import peel, run
from graphad.sparse.matrix import Array, Csr

ORDERS: Final = ("natural", "largest first", "smallest last", "incidence degree", "random")


def orders(graph: Csr | None, weights: Array, vertices: Array, seed: int) -> Iterator[tuple[str, Array]]:
    """The orders by name, lazily: later ones cost more.

    Args:
        graph: who conflicts with whom, by ``vertices``' places; None where that is too many pairs: then there are
            no orders by degrees that change.
        weights: how much each of ``vertices`` is in the way, for "largest first".
    """
    yield "natural", vertices
    yield "largest first", vertices[np.argsort(-weights, kind="stable")]
    if graph is not None:
        yield "smallest last", vertices[_peeled(graph, -1)[::-1]]
        yield "incidence degree", vertices[_peeled(graph, 1)]
    yield "random", vertices[np.random.default_rng(seed).permutation(len(vertices))]


def _peeled(graph: Csr, step: int) -> Array:
    n = graph.shape[0]
    order = np.empty(n, np.int64)
    starts, neighbours = graph.indptr.astype(np.int64), graph.indices.astype(np.int64)
    keys = np.diff(starts) if step < 0 else np.zeros(n, np.int64)
    lists = np.full(3 * (n + 1), -1, np.int64)
    run(peel, graph.nnz + n, starts, neighbours, keys, step, lists, order)
    return order
