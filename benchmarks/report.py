"""Results of a race as a table for people and as JSON for machines."""

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.harness import Result


def show(title: str, results: Sequence[Result], baseline: str) -> None:
    """Print medians, quartiles and how many times faster than `baseline` each contender is."""
    base = next((r.median for r in results if r.name == baseline and r.seconds), None)
    table = Table(title=title, title_justify="left")
    table.add_column("contender")
    for header in ("median us", "quartiles us", f"{baseline} / this", "rounds kept"):
        table.add_column(header, justify="right")
    for result in results:
        table.add_row(result.name, *_cells(result, base))
    Console(width=100).print(table)


def save(path: Path, races: dict[str, Sequence[Result]], **facts: Any) -> None:
    """Write every race to `path`, with the machine it ran on."""
    records = {title: [record(r) for r in results] for title, results in races.items()}
    write(path, {"machine": machine(), **facts, "races": records})


def machine() -> dict[str, str]:
    """What a figure was measured on."""
    return {"machine": platform.machine(), "system": platform.platform(), "python": platform.python_version()}


def write(path: Path, content: Any) -> None:
    """JSON, into a file in a folder that is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


def _cells(result: Result, base: float | None) -> tuple[str, ...]:
    if not result.seconds:
        return ("not run", result.failed or "", "", "")
    low, high = result.quartiles
    ratio = f"{base / result.median:.2f}x" if base else ""
    return (
        f"{result.median * 1e6:.1f}",
        f"{low * 1e6:.1f} to {high * 1e6:.1f}",
        ratio,
        f"{len(result.seconds)} of {result.tried}",
    )


def record(result: Result) -> dict[str, Any]:
    """A contender's part of the JSON."""
    if not result.seconds:
        return {"name": result.name, "failed": result.failed}
    low, high = result.quartiles
    return {
        "name": result.name,
        "median_seconds": result.median,
        "quartiles_seconds": [low, high],
        "rounds": len(result.seconds),
        "rounds_tried": result.tried,
        "disturbed": result.disturbed,
        "facts": result.facts,
    }
