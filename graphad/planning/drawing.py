"""A picture of a plan: multiplications and predicted time by mode, and the chain's bracketing where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphad._lazy import lazy_import
from graphad.chain.draw import draw_tree
from graphad.figures import write_figure

if TYPE_CHECKING:
    from graphad.planning.plan import Plan

figures = lazy_import("matplotlib.figure", extra="plot")

CHOSEN, OTHER = "#1a7f37", "#8c959f"


def draw(target: str | Path | Any, plan: Plan) -> Any:
    """Bars by mode, the chosen one green; below them the bracketing, if there is just one chain."""
    trees = plan.candidates["chain"].bracketings if "chain" in plan.candidates else ()
    figure = figures.Figure(figsize=(9, 7 if len(trees) == 1 else 2.8), layout="constrained")
    owned = target if not isinstance(target, str | Path) else figure
    rows = 2 if len(trees) == 1 else 1
    grid = owned.add_gridspec(rows, 2, height_ratios=(1, 2)[:rows])
    modes = list(plan.cost)
    _bars(owned.add_subplot(grid[0, 0]), plan, modes, [plan.cost[m].multiplications for m in modes], "multiplications")
    times = [1e6 * (plan.cost[m].seconds or 0) for m in modes]
    _bars(owned.add_subplot(grid[0, 1]), plan, modes, times, "predicted time, us")
    if len(trees) == 1:
        draw_tree(owned.add_subplot(grid[1, :]), trees[0], f"the chain's cheapest bracketing, cost {trees[0].cost:,}")
    if isinstance(target, str | Path):
        write_figure(figure, target)
    return owned


def _bars(axes: Any, plan: Plan, modes: list[str], values: list[float] | list[int], label: str) -> None:
    axes.barh(modes, values, color=[CHOSEN if m == plan.chosen else OTHER for m in modes])
    axes.set_xlabel(label)
    axes.invert_yaxis()
    for k, value in enumerate(values):
        shown = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
        axes.annotate(f" {shown}", (value, k), va="center", fontsize=8)
    axes.margins(x=0.35)
    axes.ticklabel_format(axis="x", style="plain")
