"""Pictures on disk: whole or not there."""

from io import BytesIO
from pathlib import Path
from typing import Any, Final

from graphad.runtime.files import replace

DPI: Final = 120


def write_figure(figure: Any, path: str | Path) -> None:
    """Draws a matplotlib figure into a file of the kind that its suffix names, png without one."""
    target = Path(path) if Path(path).suffix else Path(f"{path}.png")
    content = BytesIO()
    figure.savefig(content, dpi=DPI, format=target.suffix[1:])
    replace(target, content.getvalue())
