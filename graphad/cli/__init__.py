"""The command line: ``graphad train | show | modes | bench | info | cache``.

* `app`: the commands and their arguments
* `training`, `showing`, `comparing`, `benching`, `facts`: what they do
* `tables`, `modes_table`: rich tables; `plot`, `modes_plot`: the pictures of a training and of a comparison

Errors that graphad raises on purpose are one line on standard error and exit code 1; wrong arguments are exit code 2.
"""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from graphad.cli.app import app
from graphad.runtime import GraphadError

DEBUG = "--debug"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits. ``--debug``, anywhere, shows tracebacks."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    wanted = [a for a in given if a != DEBUG]
    try:
        app(wanted, prog_name="graphad")
    except (GraphadError, OSError) as error:
        if DEBUG in given:
            raise
        Console(stderr=True, soft_wrap=True).print(Text.assemble(("error: ", "bold red"), str(error)))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


__all__ = ["app", "main"]
