"""Expressions that overflow or cancel, written so that they do not."""

from functools import partial

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.pattern import apply_declared
from graphad.compiler.ir.rewrite import rewrite
from graphad.compiler.passes.simplify import identity


def stabilise(graph: Graph) -> Graph:
    """Unstable expressions become their stable forms.

        %1: float32[4] = exp(%0)
        %3: float32[4] = subtract(%1, %2)     ->     %1: float32[4] = expm1(%0)        (%2 is 1)

    Rules about ops are declared by the front end (``compiler/ir/pattern.py``), since only it knows what they mean.

    Relies on simplify to have removed what stands between the parts of a pattern; tidies up after itself by the same
    rules. Leaves equal nodes to cse. Keeps the numbers wherever the input was finite and nothing overflowed.
    """
    return rewrite(graph, (partial(apply_declared, "stabilise"), identity))
