"""Outcomes as tables: for people, as Markdown for the documentation, and against those of another commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from benchmarks.outcome import Outcome


def seconds(value: float | None) -> str:
    """A time with three digits and its unit.

    >>> seconds(3.2e-4), seconds(0.0123), seconds(1.5), seconds(None)
    ('320 us', '12.3 ms', '1.50 s', '')
    """
    if value is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{_three(value / size)} {unit}"
    return f"{_three(value * 1e6)} us"


def _three(x: float) -> str:
    return f"{x:.2f}" if x < 10 else f"{x:.1f}" if x < 100 else f"{x:,.0f}"


def spread(outcome: Outcome) -> str:
    """Half the distance of graphad's quartiles, in per cent of the median, and the rounds kept of those tried."""
    own = outcome.of_peer("graphad")
    if own is None:
        return ""
    low, high = own["quartiles_seconds"]
    kept = 0 if own["disturbed"] else own["rounds"]
    return f"{50 * (high - low) / own['median_seconds']:.1f} %, {kept}/{own['rounds_tried']}"


def rate(outcome: Outcome) -> str:
    if outcome.rate is None:
        return ""
    unit = "GFLOP/s" if outcome.flops else "GB/s"
    return f"{_three(outcome.rate / 1e9)} {unit}"


def peer_cell(outcome: Outcome, peer: str) -> str:
    """The time of the peer's best form, with the form's name; or that it does not run."""
    found = outcome.of_peer(peer)
    if found is None:
        return "fails" if peer in outcome.peers else ""
    form = found["name"].removeprefix(peer).strip()
    mark = " differs!" if found["name"] in outcome.differing else ""
    return f"{seconds(found['median_seconds'])}{f' {form}' if form else ''}{mark}"


def peers_of(outcomes: Sequence[Outcome]) -> list[str]:
    return list(dict.fromkeys(peer for o in outcomes for peer in o.peers))


def header(outcomes: Sequence[Outcome]) -> list[str]:
    peers = peers_of(outcomes)
    return ["workload", "threads", "graphad", "spread, rounds", *peers, "peer / graphad", "goal", "rate", "of machine"]


def rows(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """The table's cells, one row an outcome in which graphad took part."""
    peers = peers_of(outcomes)
    return [
        [
            o.workload,
            str(o.threads),
            seconds(o.seconds("graphad")) or "fails",
            spread(o),
            *(peer_cell(o, peer) for peer in peers),
            f"{o.ratio:.2f}x" if o.ratio else "",
            o.goal,
            rate(o),
            f"{o.fraction:.0%}" if o.fraction else "",
        ]
        for o in outcomes
        if any(c["name"] == "graphad" for c in o.contenders)
    ]


def table(outcomes: Sequence[Outcome]) -> Table:
    """For the terminal; red where a peer is faster."""
    names = header(outcomes)
    shown = Table(title="median seconds of a call", title_justify="left")
    for name in names:
        shown.add_column(name, justify="left" if name in ("workload", "goal") else "right", overflow="fold")
    ratio = names.index("peer / graphad")
    for row in rows(outcomes):
        slow = row[ratio] and float(row[ratio][:-1]) < 1
        shown.add_row(*row[:ratio], f"[red]{row[ratio]}[/red]" if slow else row[ratio], *row[ratio + 1 :])
    return shown


def markdown(outcomes: Sequence[Outcome]) -> str:
    """The same as Markdown."""
    names = header(outcomes)
    lines = [names, ["---"] * len(names), *rows(outcomes)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True)
class Change:
    """An outcome then and now: seconds, and how the fastest peer compares in the rounds of each."""

    workload: str
    threads: int
    before: float
    now: float
    ratio_before: float | None
    ratio_now: float | None

    @property
    def speedup(self) -> float:
        return self.before / self.now

    @property
    def steady(self) -> float | None:
        """The speed-up measured in times of the fastest peer: the machine's own drift falls out."""
        return self.ratio_now / self.ratio_before if self.ratio_now and self.ratio_before else None


def changes(before: Sequence[Outcome], now: Sequence[Outcome]) -> list[Change]:
    """Of each workload that ran then and now on as many threads."""
    old = {(o.workload, o.threads): o for o in before}
    found = []
    for o in now:
        then = old.get((o.workload, o.threads))
        was, own = (then.seconds("graphad") if then else None), o.seconds("graphad")
        if then and was and own:
            found.append(Change(o.workload, o.threads, was, own, then.ratio, o.ratio))
    return found


def comparison(found: Sequence[Change], title: str) -> Table:
    """What changed; "in peer's time" is what counts on a machine whose speed drifts."""
    shown = Table(title=title, title_justify="left")
    for name in ("workload", "threads", "before", "now", "speed-up", "peer / graphad", "speed-up in peer's time"):
        shown.add_column(name, justify="left" if name == "workload" else "right")
    for c in found:
        ratios = f"{c.ratio_before:.2f}x to {c.ratio_now:.2f}x" if c.ratio_before and c.ratio_now else ""
        steady = f"{c.steady:.2f}x" if c.steady else ""
        shown.add_row(
            c.workload, str(c.threads), seconds(c.before), seconds(c.now), f"{c.speedup:.2f}x", ratios, steady
        )
    return shown
