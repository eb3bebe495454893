"""Expressions that overflow or cancel, written so that they do not."""

from functools import partial

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.pattern import apply_declared
from graphad.compiler.ir.rewrite import rewrite
from graphad.compiler.passes.cse import cse
from graphad.compiler.passes.exponentials.normalise import normalise
from graphad.compiler.passes.simplify import identity


def stabilise(graph: Graph) -> Graph:
    """Unstable expressions become their stable forms.

        %1: float32[4] = exp(%0)               %1: float32[] = max(%0) axes=[0]
        %2: float32[] = sum(%1) axes=[0]       ...                              (0 where the maximum is not finite)
        %3: float32[] = log(%2)           ->   %6: float32[4] = exp(%0 - %1)
                                               %7: float32[] = sum(%6) axes=[0]
                                               %9: float32[] = log(%7) + %1

    Two means: rules about single ops (log(1 + x) is log1p(x)), declared by the front end, which knows what they mean;
    and the algebra of sums of exponentials in ``passes/exponentials``, for softmax and all that is made of it.

    Relies on nothing: it merges and tidies what it looks at, and what it makes, by cse and simplify's rules.
    Keeps the numbers wherever the input was finite and nothing overflowed or cancelled.
    """
    merged = cse(rewrite(graph, _RULES))
    shifted = normalise(merged)
    return merged if shifted is merged else cse(rewrite(shifted, _RULES))


_RULES = (partial(apply_declared, "stabilise"), identity)
