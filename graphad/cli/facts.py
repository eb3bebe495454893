"""What this machine is, and what lies in the cache."""

from dataclasses import fields
from importlib.metadata import version

from rich.console import Console

from graphad.cli.tables import pairs
from graphad.runtime import cache_info, clear_cache, host


def info() -> None:
    """Prints versions, processor, threads and the cache folder."""
    found = host()
    rows = [(field.name.replace("_", " "), str(getattr(found, field.name))) for field in fields(found)]
    Console().print(pairs([("graphad", version("graphad")), *rows]))


def cache(clear: bool) -> None:
    """Prints where the cache is and what it holds, after clearing it if that is wanted."""
    if clear:
        print(f"removed {clear_cache()} compiled programs")
    found = cache_info()
    size = f"{found.bytes / 2**20:.1f} MiB"
    Console().print(pairs([("folder", str(found.folder)), ("programs", str(found.entries)), ("size", size)]))
