"""What the workers of `benchmarks.modes` have in common; needs neither graphad nor JAX."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.worker import bind, digest


def options() -> argparse.Namespace:
    """The graph, the number of points and the mode; binds the process to one core."""
    parser = argparse.ArgumentParser()
    parser.add_argument("graph")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--mode", required=True)
    bind(1)
    return parser.parse_args()


def facts_of(blocks: Sequence[Any]) -> dict[str, list[float]]:
    """The digest of all the Jacobian's blocks together, which come in different orders."""
    arrays = [np.asarray(b.data if hasattr(b, "indptr") else b, np.float64).ravel() for b in blocks]
    return {"check": digest([np.concatenate(arrays)])}
