"""All bracketings of a short chain, one by one: what the dynamic programs are tested against.

Nothing is minimised on the way: every sub-chain carries the costs of all its trees (about 4 million for 8 factors).
Sweeps run through any number of factors at once, and an adjoint's tapes have to fit together, as it was published.
"""

import random
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from graphad.chain import Factor

Costs = NDArray[np.int64]


def all_costs(
    factors: Sequence[Factor], limit: int | None = None, matrix_free: bool = True, parallel: bool = False
) -> Costs:
    """The cost of every bracketing, or its time on unlimited threads."""
    table: dict[tuple[int, int], Costs] = {}
    beside = np.maximum if parallel else np.add
    for length in range(1, len(factors) + 1):
        for i in range(len(factors) - length + 1):
            j = i + length - 1
            table[i, j] = np.array(_leaf(factors[j], limit)) if i == j else np.concatenate(
                [part for k in range(i, j) for part in _split(factors, limit, matrix_free, beside, table, i, k, j)]
            )  # fmt: skip
    return table[0, len(factors) - 1]


def _leaf(f: Factor, limit: int | None) -> list[int]:
    if f.tangent_cost is None or f.adjoint_cost is None or f.tape is None:
        return [0]
    fits = limit is None or f.tape <= limit
    structured = [] if f.jacobian_cost is None else [f.jacobian_cost]
    return [f.tangent_cost * f.columns] + [f.adjoint_cost * f.rows] * fits + structured


def _split(factors, limit, matrix_free, beside, table, i, k, j):  # type: ignore[no-untyped-def]
    outer, inner = table[k + 1, j], table[i, k]
    product = factors[j].rows * factors[k].rows * factors[i].columns
    yield beside.outer(outer, inner).ravel() + product
    outside, inside = factors[k + 1 : j + 1], factors[i : k + 1]
    if matrix_free and not any(f.given for f in outside):
        yield inner + factors[i].columns * sum(f.tangent_cost for f in outside)
    if matrix_free and not any(f.given for f in inside) and (limit is None or sum(f.tape for f in inside) <= limit):
        yield outer + factors[j].rows * sum(f.adjoint_cost for f in inside)


def random_chain(rng: random.Random, length: int, size: int, cost: int, given: float = 0.0) -> list[Factor]:
    """A chain with separate costs and tapes, where a part of ``given`` are matrices."""
    sizes = [rng.randint(1, size) for _ in range(length + 1)]
    return [
        Factor(m, n)
        if rng.random() < given
        else Factor(
            m,
            n,
            rng.randint(0, cost),
            rng.randint(0, cost),
            rng.choice([None, rng.randint(0, cost)]),
            rng.choice([None, None, rng.randint(0, cost * max(m, n))]),
        )
        for n, m in pairwise(sizes)
    ]
