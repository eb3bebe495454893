"""The picture of compared modes: a row for each graph, a mark for each mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from graphad._lazy import lazy_import
from graphad.modes import Comparison, ModeResult
from graphad.text import bytes_text, time_text

figures = lazy_import("matplotlib.figure", extra="plot")

MARKS: Final = {  # colour, shape, height in the row
    "forward": ("#0969da", "o", 0.24),
    "reverse": ("#cf222e", "o", 0.12),
    "chain": ("#8250df", "s", 0.0),
    "eliminate": ("#1a7f37", "D", -0.12),
    "sparse": ("#bf8700", "^", -0.24),
}
PEERS: Final = ("#6e7781", "x")
"""Colour and shape of a peer's best time."""

Peers = Mapping[str, Mapping[str, float]]
"""For each graph, a peer's time by its name, in times of auto's."""


def save(path: Path, found: Sequence[Comparison], peers: Peers | None = None) -> None:
    """Draws into a file, under a temporary name first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    draw(found, peers or {}).savefig(partial, dpi=120)
    partial.replace(path)


def draw(found: Sequence[Comparison], peers: Peers) -> Any:
    """Four panels (multiplications, predicted and measured time, memory), in times of the better plain mode."""
    figure = figures.Figure(figsize=(15, 1.9 + 0.42 * len(found)), layout="constrained")
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
    axes.axvline(1, color="#d0d7de", zorder=0)
    axes.grid(axis="y", alpha=0.0)
    for row, c in enumerate(found):
        if row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color="#f6f8fa", zorder=-1)
        base = _base(c, name)
        if base is None:
            continue
        for result in c.results:
            value = _value(result, name)
            if value:
                _mark(axes, row, value / base, result.mode, ring=result.mode == c.chosen)
            if name == "multiplications" and result.published:
                colour, _, height = MARKS[result.mode]
                axes.plot(result.published / base, row - height, marker="|", color=colour, markersize=9, zorder=4)
        axes.annotate(
            text(base), (0.99, row), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=7.5,
            color="#57606a",
        )  # fmt: skip
    low, high = axes.get_xlim()
    low, high = min(low, 0.4), max(high, 2.5)
    axes.set_xlim(low, high * (high / low) ** 0.3)  # room for the grey values
    ticks = (
        [2.0**k for k in range(-4, 5)] if high / low < 60 else [10.0**k for k in range(-9, 10, 1 + (high > 1e4 * low))]
    )
    axes.set_xticks([t for t in ticks if low <= t <= high], minor=False)
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")


def _base(c: Comparison, name: str) -> float | None:
    """The better plain mode's value; its predicted time where neither was run."""
    plain = [v for mode in ("forward", "reverse") if (v := _value(c[mode], name))]
    if not plain and name == "measured":
        return _base(c, "predicted")
    return min(plain) if plain else None


def _value(result: ModeResult, name: str) -> float | None:
    if name == "multiplications" and result.plain is not None:
        return float(result.plain)
    value = getattr(result, name)
    return None if value is None else float(value)


def _mark(axes: Any, row: int, x: float, mode: str, ring: bool) -> None:
    colour, shape, height = MARKS[mode]
    axes.plot(x, row - height, marker=shape, color=colour, markersize=6, linestyle="", zorder=3)
    if ring:
        axes.plot(x, row - height, marker="o", color="black", markersize=11, fillstyle="none", linestyle="", zorder=2)


def _peers(axes: Any, row: int, c: Comparison, times: Mapping[str, float]) -> None:
    own, base = c["auto"].measured, _base(c, "measured")
    if times and own is not None and base is not None:
        colour, shape = PEERS
        axes.plot(min(times.values()) * own / base, row, marker=shape, color=colour, markersize=7, zorder=3)


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
