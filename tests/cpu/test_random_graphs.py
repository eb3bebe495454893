"""The law of the cpu target: on random graphs it gives the interpreter's numbers, fused and not, at every loop's edge.

More examples: GRAPHAD_TEST_EXAMPLES=500. Graphs are compiled in batches, since a program costs more than a kernel.
"""

import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import graphad as ga
from graphad.compiler import build
from graphad.compiler.interpret import interpret
from graphad.compiler.ir.graph import Graph, topological
from graphad.compiler.lower import accumulate, gemm, panels, reduce, rows
from graphad.compiler.passes.kernels import groups, stored
from graphad.compiler.pipeline import run as passes
from tests.compiler.texts import apart
from tests.cpu.oracle import reference, run, same
from tests.strategies import RandomGraph, random_graph

EXAMPLES = int(os.environ.get("GRAPHAD_TEST_EXAMPLES", "3"))
BATCH = 10
many = settings(max_examples=EXAMPLES, phases=[Phase.generate], database=None)  # shrinking would compile for minutes
batches = st.lists(random_graph(), min_size=BATCH, max_size=BATCH)


def check(made: list[RandomGraph], options: ga.Options | None = None) -> None:
    """All graphs as one function; those in which rounding errors grow without bound are left out.

    The interpreter runs the graph after the passes, whose own laws are elsewhere: stabilise answers better than the
    graph as written where that overflows.
    """
    chosen = options or ga.Options()
    tame = [(outputs, values) for outputs, values in made if is_tame(outputs, values)]
    graph = Graph(tuple(x for _, values in tame for x in values), tuple(y for outputs, _ in tame for y in outputs))
    values = {x: v for _, given in tame for x, v in given.items()}
    found, wanted = run(graph, values, chosen, threads=2), reference(passes(graph, chosen)[-1].graph, values)
    rtol = 1e-4 if any(v.dtype == np.float32 for v in values.values()) else 1e-8
    same(found, wanted, [f"output {i}: {y!r}" for i, y in enumerate(graph.outputs)], rtol)


def is_tame(outputs: tuple[object, ...], values: dict[object, np.ndarray]) -> bool:
    every = interpret(topological(outputs), values, {})  # type: ignore[arg-type]
    return all(np.all(~np.isfinite(v) | (np.abs(v) < 1e6)) for v in every if v.dtype.kind == "f")


@many
@given(made=batches)
def test_fused(made: list[RandomGraph]) -> None:
    check(made)


@pytest.fixture(scope="module")
def unfused() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "fuse", apart)
        yield


@many
@given(made=batches)
def test_unfused(unfused: None, made: list[RandomGraph]) -> None:
    check(made)


@pytest.fixture(scope="module")
def tiny_blocks() -> Iterator[None]:
    """Blocks, chunks and thresholds so small that tiny graphs meet every loop and its remainder."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in (
            (reduce, "CHUNKS", 3),
            (reduce, "_SMALL", 1),
            (rows, "CHUNKS", 3),
            (rows, "BLOCK", 1),
            (rows, "_SMALL", 1),
            (accumulate, "BLOCK", 1),
            (panels, "DEEP", 2),
            (panels, "ROWS", 1),
            (panels, "REUSED", 3),
            (panels, "DEPTH", 2),
            (gemm, "DEPTH", 2),
            (groups, "LARGE", 24),
            (stored, "LARGE", 24),
            (stored, "CHEAP", 1),
        ):
            patch.setattr(module, name, value)
        yield


@many
@given(made=batches)
def test_with_tiny_blocks(tiny_blocks: None, made: list[RandomGraph]) -> None:
    check(made)


@many
@given(made=batches)
def test_without_the_passes_before_fuse(made: list[RandomGraph]) -> None:
    check(made, ga.Options(disable=("fold_constants", "simplify", "stabilise", "cse")))
