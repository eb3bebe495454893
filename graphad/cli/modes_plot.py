"""The picture of compared modes: a row for each graph, a mark for each mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from graphad._lazy import lazy_import
from graphad.figures import write_figure
from graphad.modes import Comparison, ModeResult
from graphad.text import bytes_text, time_text

figures = lazy_import("matplotlib.figure", extra="plot")

MARKS: Final = {  # colour, shape, height in the row
    "forward": ("#0969da", "o", 0.32),
    "reverse": ("#cf222e", "o", 0.16),
    "chain": ("#8250df", "s", 0.0),
    "eliminate": ("#1a7f37", "D", -0.16),
    "sparse": ("#bf8700", "^", -0.32),
}
RANGE: Final = 16.0
"""What is further off than so many times the better plain mode stands at the edge, with its number."""
PEERS: Final = ("#6e7781", "x")
"""Colour and shape of a peer's best time."""

Peers = Mapping[str, Mapping[str, float]]
"""For each graph, a peer's time by its name, in times of auto's."""


def save(path: Path, found: Sequence[Comparison], peers: Peers | None = None) -> None:
    """Draws into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_figure(draw(found, peers or {}), path)


def draw(found: Sequence[Comparison], peers: Peers) -> Any:
    """Four panels (multiplications, predicted and measured time, memory), in times of the better plain mode."""
    figure = figures.Figure(figsize=(15, 1.7 + 0.48 * len(found)), layout="constrained")
    panels = figure.subplots(1, 4, sharey=True, gridspec_kw={"wspace": 0.02})
    subjects = (
        ("multiplications", "multiplications", lambda v: f"{v:,.0f}"),
        ("predicted", "predicted time", time_text),
        ("measured", "measured time", time_text),
        ("memory", "memory, predicted", bytes_text),
    )
    for axes, (name, title, text) in zip(panels, subjects, strict=True):
        _panel(axes, found, name, text)
        axes.set_title(title, fontsize=11)
    for row, c in enumerate(found):
        _peers(panels[2], row, c, peers.get(c.graph.name, {}))
    labels = [f"{c.graph.name}\n{c.points:,} points" if c.points > 1 else c.graph.name for c in found]
    panels[0].set_yticks(range(len(found)), labels, fontsize=9)
    panels[0].set_ylim(len(found) - 0.5, -0.5)
    figure.supxlabel(
        "in times of the better of forward and reverse (its value in grey); ring: what auto chose", fontsize=10
    )
    figure.legend(handles=_legend(bool(peers)), loc="outside upper center", ncols=len(MARKS) + 2, frameon=False)
    return figure


def _panel(axes: Any, found: Sequence[Comparison], name: str, text: Any) -> None:
    axes.set_xscale("log")
    axes.set_xlim(0.8 / RANGE, 4 * RANGE)  # with room for the grey values
    axes.set_xticks([1 / RANGE, RANGE**-0.5, 1, RANGE**0.5, RANGE], minor=False)
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}" if x >= 1 else f"1/{1 / x:g}")
    axes.axvline(1, color="#d0d7de", zorder=0)
    for row, c in enumerate(found):
        if row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color="#f6f8fa", zorder=-1)
        base = _base(c, name)
        if base:
            for result in c.results:
                _mark(axes, row, c, result, name, base)
        if base is not None:
            axes.annotate(
                text(base), (0.99, row), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=7.5,
                color="#57606a",
            )  # fmt: skip


def _base(c: Comparison, name: str) -> float | None:
    """The better plain mode's value; its predicted time where neither was run."""
    plain = [v for mode in ("forward", "reverse") if (v := _value(c[mode], name)) is not None]
    if not plain and name == "measured":
        return _base(c, "predicted")
    return min(plain) if plain else None


def _value(result: ModeResult, name: str) -> float | None:
    if name == "multiplications" and result.plain is not None:
        return float(result.plain)
    value = getattr(result, name)
    return None if value is None else float(value)


def _mark(axes: Any, row: int, c: Comparison, result: ModeResult, name: str, base: float) -> None:
    """The mode's value, at the edge with its number where it is off the scale; the ring; the published count."""
    colour, shape, height = MARKS[result.mode]
    value = _value(result, name)
    if value is None:
        return
    ratio = value / base
    x = min(max(ratio, 1 / RANGE), RANGE)
    axes.plot(x, row - height, marker=shape, color=colour, markersize=5.5, linestyle="", zorder=3)
    if x != ratio:
        far = f"{ratio:,.0f}" if ratio > 1 else f"1/{base / value:,.0f}" if value else "0"
        axes.annotate(
            far, (x, row - height), (7, 0), textcoords="offset points", va="center", fontsize=7.5, color=colour
        )  # fmt: skip
    if result.mode == c.chosen:
        axes.plot(x, row - height, marker="o", color="black", markersize=10, fillstyle="none", linestyle="", zorder=2)
    if name == "multiplications" and result.published:
        axes.plot(result.published / base, row - height, marker="|", color=colour, markersize=10, zorder=4)


def _peers(axes: Any, row: int, c: Comparison, times: Mapping[str, float]) -> None:
    own, base = c["auto"].measured, _base(c, "measured")
    if times and own is not None and base is not None:
        colour, shape = PEERS
        x = min(max(min(times.values()) * own / base, 1 / RANGE), RANGE)
        axes.plot(x, row, marker=shape, color=colour, markersize=7, zorder=3)


def _legend(peers: bool) -> list[Any]:
    lines = lazy_import("matplotlib.lines", extra="plot")
    handles = [
        lines.Line2D([], [], color=colour, marker=shape, linestyle="", label=mode)
        for mode, (colour, shape, _) in MARKS.items()
    ]
    handles.append(lines.Line2D([], [], color="black", marker="|", linestyle="", label="published count"))
    if peers:
        handles.append(lines.Line2D([], [], color=PEERS[0], marker=PEERS[1], linestyle="", label="better JAX mode"))
    return handles
