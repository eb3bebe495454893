"""The ways in which a convolution of few examples may go."""

from collections.abc import Sequence
from typing import TypeAlias, assert_never

from graphad.compiler.ir.node import Node
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.few.depth import lower_depth
from graphad.compiler.lower.few.depth_plan import Depth, plan_depth
from graphad.compiler.lower.few.pixels import lower_pixels
from graphad.compiler.lower.few.pixels_plan import Pixels, plan_pixels
from graphad.compiler.lower.few.winograd import lower_winograd
from graphad.compiler.lower.few.winograd_plan import Winograd, plan_winograd
from graphad.compiler.lower.letters import Plan
from graphad.compiler.lower.maps import Stores

Few: TypeAlias = Pixels | Depth | Winograd
"""Each has a ``name``, an ``option`` (what ``Options(convolution=...)`` calls it), and ``cycles()``."""


def few_ways(context: Context, found: Plan) -> dict[str, Few]:
    """Those that are legal, by name."""
    plans: list[Few | None] = [plan_pixels(context, found), plan_depth(context, found), *plan_winograd(context, found)]
    return {plan.name: plan for plan in plans if plan is not None}


def lower_few(context: Context, nodes: Sequence[Node], anchor: Node, plan: Few, stores: Stores) -> list[Launch]:
    """The contraction with its epilogue."""
    match plan:
        case Pixels():
            return lower_pixels(context, nodes, anchor, plan, stores)
        case Depth():
            return lower_depth(context, nodes, anchor, plan, stores)
        case Winograd():
            return lower_winograd(context, nodes, anchor, plan, stores)
        case _:
            assert_never(plan)
