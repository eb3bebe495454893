"""Where the time of a call goes: kernel by kernel, and layer by layer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphad.compiler.build import Built
from graphad.runtime import GuardError
from graphad.specialization import Specialization
from graphad.text import Text, table, time_text


@dataclass(frozen=True, slots=True)
class Row:
    """One kernel (or one layer): its seconds in a call, its share of the call, and what it computes."""

    kernel: str
    seconds: float
    share: float
    layer: str
    lines: str
    flops_per_second: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A call's time by kernel, in launch order: medians over the repeats. Prints as a table."""

    rows: tuple[Row, ...]
    layers: tuple[Row, ...]
    seconds: float
    threads: int

    def by_layer(self) -> Text:
        """The same by layer; a kernel that serves several counts for each by its share of the operations."""
        return _text(("layer", "time", "share", "flop/s"), [_measured(row) for row in self.layers], self)

    def __str__(self) -> str:
        rows = [(*_measured(row), row.layer, row.lines) for row in self.rows]
        return _text(("kernel", "time", "share", "flop/s", "layer", "lines"), rows, self)

    __repr__ = __str__


def profile(last: Specialization, inputs: Sequence[np.ndarray], repeats: int) -> Profile:
    """Runs the function ``repeats`` times under a clock; parameters and states are afterwards what they were."""
    built, updated = last.compiled.built, {leaf for leaf, _ in last.compiled.built.lowered.graph.updates}
    storages = [storage for s, storage in zip(built.states, last.storages, strict=True) if s in updated]
    saved = [s.copy() for s in storages]
    try:
        seconds = last.instance.profile(inputs, last.outputs(), repeats)
    except GuardError as error:
        raise last.explained(error, inputs) from None
    finally:
        for storage, before in zip(storages, saved, strict=True):
            storage[...] = before
    whole = sum(seconds) or 1.0
    cost = last.cost
    rows: list[Row] = []
    spent: dict[str, float] = {}
    for i, (taken, kernel) in enumerate(zip(seconds, cost.by_kernel, strict=True)):
        name, layers, lines = f"k{i}_{kernel.name}", layers_of(kernel.layers), lines_of(built, i)
        rows.append(Row(name, taken, taken / whole, layers, lines, kernel.flops / max(taken, 1e-9)))
        for layer, share in _shares(kernel.layers).items():
            spent[layer] = spent.get(layer, 0.0) + taken * share
    flops = cost.by_layer
    by_layer = [
        Row(name or "-", taken, taken / whole, name, "", flops.get(name, 0) / max(taken, 1e-9))
        for name, taken in sorted(spent.items(), key=lambda item: -item[1])
    ]
    return Profile(tuple(rows), tuple(by_layer), whole, last.threads)


def layers_of(layers: Iterable[str]) -> str:
    """The layers that a kernel serves, in one word."""
    return ", ".join(sorted(name for name in layers if name))


def lines_of(built: Built, i: int) -> str:
    """The user's lines that a kernel computes: ``train.py:12,14``."""
    found: dict[str, list[int]] = {}
    for site in built.lowered.launches[i].kernel.sites:
        lines = found.setdefault(Path(site.file).name, [])
        if site.line not in lines:
            lines.append(site.line)
    return " ".join(f"{file}:{','.join(map(str, sorted(lines)))}" for file, lines in found.items())


def _shares(layers: Mapping[str, int]) -> dict[str, float]:
    """Parts of 1, by flops; equal ones, where there are no flops."""
    total = sum(layers.values())
    if not layers:
        return {"": 1.0}
    return {name: flops / total if total else 1 / len(layers) for name, flops in layers.items()}


def _text(head: Sequence[str], rows: Sequence[Sequence[str]], whole: Profile) -> Text:
    threads = f"{whole.threads} thread" + ("s" if whole.threads > 1 else "")
    return Text(f"{time_text(whole.seconds)} a call on {threads}, {len(rows)} {head[0]}s\n{table(head, rows, '123')}")


def _measured(row: Row) -> tuple[str, str, str, str]:
    rate = row.flops_per_second
    unit, size = ("G", 1e9) if rate >= 1e8 else ("M", 1e6)
    return row.kernel, time_text(row.seconds), f"{row.share:.1%}", f"{rate / size:.2f} {unit}" if rate else "-"
