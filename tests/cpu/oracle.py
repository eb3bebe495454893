"""The cpu target held against the reference interpreter: many outputs in one compiled function, compared one by one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import graphad as ga
from graphad.compiler.interpret import interpret
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node
from graphad.function import Function
from graphad.plain import plain_graph

TOLERANCE = {"float32": 2e-5, "float64": 1e-11}


def agree(
    inputs: Sequence[ga.Tensor],
    outputs: Mapping[str, ga.Tensor],
    *calls: Sequence[Any],
    threads: int = 2,
    options: ga.Options | None = None,
    rtol: float | None = None,
    atol: float | None = None,
) -> Function:
    """Every output, for every call's arguments, is what the interpreter says; answers the cpu's function."""
    names, tensors = list(outputs), list(outputs.values())
    compiled = ga.compile(inputs, tensors, threads=threads, options=options)
    reference = ga.compile(inputs, tensors, target="numpy")
    for args in calls:
        same(compiled(*args), reference(*args), names, rtol, atol)
    return compiled


def same(
    found: Sequence[np.ndarray],
    wanted: Sequence[np.ndarray],
    names: Sequence[str],
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Equal dtypes and shapes, and numbers up to rounding; a message that says which output differs."""
    for name, a, b in zip(names, found, wanted, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape), name
        relative = TOLERANCE.get(b.dtype.name, 0) if rtol is None else rtol
        absolute = relative / 100 if atol is None else atol
        np.testing.assert_allclose(a, b, rtol=relative, atol=absolute, err_msg=name)


def run(graph: Graph, values: Mapping[Node, np.ndarray], options: ga.Options, threads: int = 1) -> list[np.ndarray]:
    """A graph of the compiler's own nodes on the cpu."""
    function = Function(graph, {}, list(graph.outputs), "cpu", threads, options)
    ready = [values[x] for x in graph.inputs]
    arrays, sizes = function._accepted(ready)
    specialization = function._specializer.at(sizes)
    outputs = specialization.outputs()
    specialization.run(arrays, outputs)
    return outputs


def reference(graph: Graph, values: Mapping[Node, np.ndarray]) -> list[np.ndarray]:
    """The same by the interpreter."""
    return interpret(graph.outputs, values, {})


def plain(inputs: Sequence[ga.Tensor], outputs: Sequence[ga.Tensor]) -> Graph:
    """Tensors of the front end as a graph of the compiler."""
    return plain_graph(Graph(tuple(inputs), tuple(outputs)))[0]
