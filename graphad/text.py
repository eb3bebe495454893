"""Text for people: a string that prints as itself, and tables."""

from collections.abc import Sequence


class Text(str):
    """A ``str`` whose repr is itself, so that a prompt shows it as it is.

    >>> Text("two\\nlines")
    two
    lines
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> str:
    """Columns aligned under their heads; ``right`` names the columns, by number, that align to the right.

    >>> print(table(["what", "count"], [["apples", "7"], ["figs", "12"]], right="1"))
    what    count
    apples      7
    figs       12
    """
    widths = [max(len(line[i]) for line in (head, *rows)) for i in range(len(head))]
    pads = [str.rjust if str(i) in right else str.ljust for i in range(len(head))]
    lines = [[pad(cell, width) for pad, cell, width in zip(pads, line, widths, strict=True)] for line in (head, *rows)]
    return "\n".join("  ".join(cells).rstrip() for cells in lines)


def time_text(seconds: float) -> str:
    """Seconds in a unit that suits.

    >>> time_text(0.00123), time_text(2.5e-6), time_text(3.0)
    ('1.23 ms', '2.50 us', '3.00 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e6:.2f} us"


def bytes_text(count: float) -> str:
    """Bytes in a unit that suits.

    >>> bytes_text(512), bytes_text(3_500_000)
    ('512 B', '3.3 MiB')
    """
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"
