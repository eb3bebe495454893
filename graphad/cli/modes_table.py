"""Tables of compared modes, as text."""

from collections.abc import Sequence

from graphad.modes import Comparison, ModeResult
from graphad.text import bytes_text, table, time_text

NONE = "-"
HEAD = ("multiplications", "±1 free", "published", "predicted", "measured", "memory")


def one_graph(found: Comparison) -> str:
    """A row for each mode, and one for auto; below, why a mode was not run, and why auto took its own."""
    points = f", {found.points:,} points" if found.points > 1 else ""
    ran = [r for r in found.results if r.multiplications is not None]
    rows = [(f"{'→' if r.mode == found.chosen else ' '} {r.mode}", *cells(r)) for r in ran]
    rows.append(("  auto", *cells(found["auto"])))
    lines = [f"{found.graph.name}{points}: {found.graph.summary}", table(("  mode", *HEAD), rows, right="123456")]
    lines += [f"  {r.mode}: {r.reason}" for r in found.results if r.reason]
    if found.fewest is not None:
        best = found.graph.published.get("eliminate")
        published = "" if best is None else f", published {best:,}"
        lines.append(f"  fewest multiplications on the graph as it is written: {found.fewest:,}{published}")
    lines.append(f"  auto is {found.chosen}: {found.why}{_ratio(found)}")
    return "\n".join(lines)


def cells(result: ModeResult) -> tuple[str, ...]:
    """What stands in a mode's row after its name."""
    scalar = result.plain is not None
    counts = (result.plain, result.multiplications) if scalar else (result.multiplications, None)
    return (
        *map(_count, (*counts, result.published)),
        *(NONE if s is None else time_text(s) for s in (result.predicted, result.measured)),
        NONE if result.memory is None else bytes_text(result.memory),
    )


def all_graphs(found: Sequence[Comparison]) -> str:
    """What auto chose on each graph, and its time measured in times of the better one of forward and reverse."""
    rows = []
    for c in found:
        count, _, _, predicted, measured, _ = cells(c["auto"])
        ratio = NONE if c.plain_ratio is None else f"{c.plain_ratio:.2f}"
        rows.append((c.graph.name, f"{c.points:,}", c.chosen, count, predicted, measured, ratio))
    head = ("graph", "points", "auto", "multiplications", "predicted", "measured", "/ plain")
    return table(head, rows, right="13456")


def _count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def _ratio(found: Comparison) -> str:
    ratio = found.plain_ratio
    return "" if ratio is None else f"; measured {ratio:.2f} of the better of forward and reverse"
