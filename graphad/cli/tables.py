"""Tables for the terminal."""

from collections.abc import Sequence

from rich.table import Table

from graphad.compiler.ir.types import show_shape
from graphad.nn import Row


def pairs(rows: Sequence[tuple[str, str]]) -> Table:
    """Names and values, without lines."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def model(rows: Sequence[Row]) -> Table:
    """A model's layers, with their totals."""
    table = Table(show_footer=True)
    table.add_column("layer", "total")
    table.add_column("kind")
    table.add_column("output")
    table.add_column("parameters", f"{sum(row.parameters for row in rows):,}", justify="right")
    table.add_column("flops an image", f"{sum(row.flops for row in rows):,}", justify="right")
    for row in rows:
        shape = show_shape(row.output.shape)
        table.add_row(row.path, row.kind, rf"\{shape}", f"{row.parameters:,}", f"{row.flops:,}")
    return table
