"""Pictures: the bracketing as a tree over its factors, a schedule as bars."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphad._lazy import lazy_import
from graphad.chain.nodes import (
    AccumulateAdjoint,
    AccumulateStructure,
    AccumulateTangent,
    Bracketing,
    Given,
    Multiply,
    PullAdjoint,
    PushTangent,
    steps,
)
from graphad.figures import write_figure

if TYPE_CHECKING:
    from graphad.chain.schedule import Task

figures = lazy_import("matplotlib.figure", extra="plot")

STYLE: dict[type, tuple[str, str]] = {  # colour, name
    Given: ("#6e7781", "given"),
    AccumulateTangent: ("#0969da", "accumulate by tangents"),
    AccumulateAdjoint: ("#cf222e", "accumulate by adjoints"),
    AccumulateStructure: ("#8250df", "read off its structure"),
    Multiply: ("#1a7f37", "multiply"),
    PushTangent: ("#54aeff", "push tangents"),
    PullAdjoint: ("#ff8182", "pull adjoints"),
}
BESIDE: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1, 1)}  # the axes: bars and branches leave no room
LABELLED = 24  # nodes; more labels would cover each other


def draw_tree(target: str | Path | Any, root: Bracketing, title: str) -> Any:
    """The tree, root on top, the outermost factor on the left; sweeps have a dotted line to each program they pass."""
    order = steps(root)
    across = {step: -(step.first + step.last) / 2 for step in order}
    height: dict[Bracketing, int] = {}
    for step in order:
        height[step] = 1 + max((height[child] for child in step.children), default=-1)
    axes, save = _axes(target, (max(5.0, min(16.0, 1.3 * root.last)), max(3.5, min(12.0, 1.1 * height[root] + 2))))
    for step in order:
        for child in step.children:
            axes.plot(
                [across[step], across[child]], [height[step], height[child]], "-", color="#8c959f", lw=1, zorder=1
            )
        if isinstance(step, PushTangent | PullAdjoint):
            for k in step.through:
                axes.plot([across[step], -k], [height[step], 0], ":", color=STYLE[type(step)][0], lw=1, zorder=1)
                axes.plot([-k], [0], "s", color="white", mec=STYLE[type(step)][0], zorder=2)
    for kind, (colour, name) in STYLE.items():
        nodes = [step for step in order if isinstance(step, kind)]
        if nodes:
            axes.plot([across[s] for s in nodes], [height[s] for s in nodes], "o", color=colour, label=name, zorder=3)
    if len(order) <= LABELLED:
        for step in order:
            text = f"{step.rows} x {step.columns}, cost {step.own}"
            axes.annotate(
                text, (across[step], height[step]), (0, 7), textcoords="offset points", ha="center", fontsize=8
            )
    if root.last <= LABELLED:
        axes.set_xticks([-k for k in range(1, root.last + 1)], [f"F{k}" for k in range(1, root.last + 1)])
    axes.set_yticks([])
    axes.margins(0.12, 0.2)
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8, **BESIDE)
    save()
    return axes


def draw_schedule(
    target: str | Path | Any, tasks: Sequence["Task"], threads: int, makespan: int, lower_bound: int
) -> Any:
    """A row for each thread, a bar for each task; a dashed line at the lower bound."""
    axes, save = _axes(target, (8.0, max(2.0, min(12.0, 0.5 * threads + 1.2))))
    for kind, (colour, name) in STYLE.items():
        bars = [task for task in tasks if isinstance(task.step, kind)]
        if bars:
            left, width = [float(b.start) for b in bars], [float(b.end - b.start) for b in bars]
            axes.barh([b.thread for b in bars], width, 0.8, left, color=colour, edgecolor="white", label=name)
    axes.axvline(float(lower_bound), color="black", ls="--", lw=1, label="lower bound")
    axes.set_yticks(range(threads))
    axes.set_ylabel("thread")
    axes.invert_yaxis()
    axes.set_title(f"makespan {makespan}, at least {lower_bound}", fontsize=10)
    axes.legend(fontsize=8, **BESIDE)
    save()
    return axes


def _axes(target: str | Path | Any, size: tuple[float, float]) -> tuple[Any, Any]:
    """Axes to draw into, and what to do when done."""
    if not isinstance(target, str | Path):
        return target, lambda: None
    figure = figures.Figure(figsize=size, layout="constrained")  # no pyplot: no state, no window
    return figure.subplots(), lambda: write_figure(figure, target)
