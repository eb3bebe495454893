"""Specialisations of a function: one program for the sizes that are fixed, one instance for all of them."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphad.compiler.ir.graph import Graph
from graphad.compiler.options import Options


class Specialization:
    """Bound to concrete sizes and to the parameters' storage; ready to run."""

    output_shapes: tuple[tuple[int, ...], ...]

    def takes(self, args: Sequence[Any]) -> bool:
        raise NotImplementedError

    def outputs(self) -> list[np.ndarray]:
        raise NotImplementedError

    def run(self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> None:
        raise NotImplementedError


class Specializer:
    def __init__(self, graph: Graph, threads: int, options: Options) -> None:
        self.known: OrderedDict[Any, Specialization] = OrderedDict()

    def at(self, sizes: Mapping[str, int]) -> Specialization:
        raise NotImplementedError
