"""Pictures: a pattern, its entries in the colours of the sweeps that give them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from graphad._lazy import lazy_import
from graphad.figures import write_figure
from graphad.sparse.recovery import recover

if TYPE_CHECKING:
    from graphad.sparse.compression import Compression

figures = lazy_import("matplotlib.figure", extra="plot")

KNOWN: Final = "#afb8c1"
TANGENTS: Final = ("#0969da", "#1a7f37", "#bf8700", "#8250df", "#1b7c83", "#57606a", "#54aeff", "#4ac26b")
ADJOINTS: Final = ("#cf222e", "#ff8182", "#bf3989", "#bc4c00", "#82071e", "#953800")
SHOWN: Final = 12
"""Sweeps in the legend; more would cover the picture."""


def draw_pattern(target: str | Path | Any, plan: Compression) -> Any:
    """Squares for entries read from a tangent, triangles for those read from an adjoint, grey for known ones."""
    axes, save = _axes(target)
    rows, columns = plan.pattern.shape
    size = max(1.0, min(60.0, 8000.0 / max(rows, columns, 1) ** 1.4))
    rest = plan.terms.pattern
    settled = (plan.pattern if rest is None else plan.pattern > rest).tocoo()
    if settled.nnz:
        axes.scatter(settled.col, settled.row, s=size, c=KNOWN, marker="s", lw=0, label="known")
    if rest is not None:
        by_column, place = recover(rest, plan.columns, plan.rows)
        coo = rest.tocoo()
        sides = [
            ("tangent", "s", by_column, place // max(1, rows), TANGENTS, 0),
            ("adjoint", "^", ~by_column, place // max(1, columns), ADJOINTS, plan.tangents),
        ]
        if plan.method == "star":  # the other entry of the pair is read, from the same sweeps
            sides[1] = ("tangent, by symmetry", "^", ~by_column, place // max(1, columns), TANGENTS, 0)
        for name, marker, mine, colour, palette, before in sides:
            for k in np.unique(colour[mine]):
                at = mine & (colour == k)
                label = f"{name} {k + 1}" if before + k < SHOWN else None
                face = palette[int(k) % len(palette)]
                axes.scatter(coo.col[at], coo.row[at], s=size, c=face, marker=marker, lw=0, label=label)
    axes.set(xlim=(-0.7, columns - 0.3), ylim=(rows - 0.3, -0.7), xlabel="element of x", ylabel="element of y")
    axes.set_aspect("equal" if max(rows, columns) < 8 * min(rows, columns) else "auto")
    axes.set_title(f"{rows} x {columns}, {plan.nnz} entries: {plan.method}, {plan.sweeps}", fontsize=10)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    save()
    return axes


def _axes(target: str | Path | Any) -> tuple[Any, Any]:
    """Axes to draw into, and what to do when done."""
    if not isinstance(target, str | Path):
        return target, lambda: None
    figure = figures.Figure(figsize=(6.5, 5.0), layout="constrained")  # no pyplot: no state, no window
    return figure.subplots(), lambda: write_figure(figure, target)
