"""A bar on a terminal, and silence everywhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from graphad._lazy import lazy_import

rich_progress = lazy_import("rich.progress")
rich_console = lazy_import("rich.console")


class Advance(Protocol):
    """Called after each step, with the number of epochs done and what to say beside the bar."""

    def __call__(self, done: float, text: str) -> None: ...


def _silent(done: float, text: str) -> None:
    pass


@contextmanager
def bar(epochs: int, start: int, wanted: bool) -> Iterator[Advance]:
    """A bar over ``epochs`` on standard error, if that is a terminal and a bar is wanted."""
    if not wanted or not sys.stderr.isatty():
        yield _silent
        return
    columns = (
        rich_progress.TextColumn("epoch"),
        rich_progress.MofNCompleteColumn(),
        rich_progress.BarColumn(),
        rich_progress.TextColumn("{task.fields[text]}"),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=rich_console.Console(stderr=True)) as progress:
        task = progress.add_task("epoch", total=epochs, completed=start, text="")

        def advance(done: float, text: str) -> None:
            progress.update(task, completed=int(done), text=text)

        yield advance
