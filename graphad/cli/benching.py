"""``graphad bench``: hands over to the benchmarks of the repository, which are not part of the package."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from graphad.runtime import GraphadError

BESIDE = Path(__file__).parents[2]
"""Where the benchmarks lie when the package is installed in place (``pip install -e``)."""


class BenchmarksError(GraphadError):
    """There are no benchmarks here."""


def bench(arguments: Sequence[str]) -> None:
    """Runs ``python -m benchmarks`` with these arguments and exits as it does, if not well."""
    paths = [str(root()), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    code = subprocess.run([sys.executable, "-m", "benchmarks", *arguments], env=environment, check=False).returncode
    if code:
        sys.exit(code)


def root() -> Path:
    """The folder that has the benchmarks: beside the package, or this one.

    Errors: BenchmarksError if neither has them, with what to do.
    """
    for folder in (BESIDE, Path.cwd()):
        if (folder / "benchmarks" / "__main__.py").is_file():
            return folder
    raise BenchmarksError(
        "graphad bench: the installed package has no benchmarks; clone graphad's repository and there run "
        "pip install -e '.[bench]' and graphad bench"
    )
