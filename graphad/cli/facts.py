"""What this machine is and does, and what lies in the cache."""

from dataclasses import fields
from importlib.metadata import version
from typing import Final

from rich.console import Console

from graphad.cli.tables import pairs
from graphad.compiler.model.calibrate import calibrate as measured_now
from graphad.compiler.model.machine import Machine
from graphad.compiler.model.store import this_machine
from graphad.runtime import cache_info, clear_cache, host

SHOWN: Final = {
    "a call": ("call",),
    "a kernel": ("launch",),
    "add or multiply, float32, float64": ("float32.plain", "float64.plain"),
    "exp": ("float32.exp", "float64.exp"),
    "sin": ("float32.sin", "float64.sin"),
    "divide": ("float32.div", "float64.div"),
    "multiply-add of a matrix product": ("float32.product", "float64.product"),
    "a byte from memory": ("bytes.0", "bytes.1", "bytes.2", "bytes.3"),
}
"""Rates that are shown, by what they are of: one for each dtype, or a sum."""


def info(calibrate: bool = False) -> None:
    """Prints versions, processor, threads and the cache folder; then what predictions of time rest on."""
    machine = measured_now() if calibrate else this_machine()
    found = host()
    rows = [(field.name.replace("_", " "), _text(getattr(found, field.name))) for field in fields(found)]
    Console().print(pairs([("graphad", version("graphad")), *rows, ("rates", state(machine)), *rates(machine)]))


def _text(fact: object) -> str:
    return ", ".join(f"{size // 1024} KiB" for size in fact) if isinstance(fact, tuple) else str(fact)


def state(machine: Machine) -> str:
    """Whether the rates were measured, and when."""
    if machine.calibrated:
        return f"measured {machine.calibrated}"
    return "typical ones; measure this machine's with graphad info --calibrate"


def rates(machine: Machine) -> list[tuple[str, str]]:
    """Some of the rates, in nanoseconds."""
    rows = []
    for what, names in SHOWN.items():
        each = [machine.rates[n] * 1e9 for n in names]
        shown = [sum(each)] if names[0].startswith("bytes") else each
        rows.append((f"  {what}", ", ".join(f"{x:,.4g} ns" for x in shown)))
    return rows


def cache(clear: bool) -> None:
    """Prints where the cache is and what it holds, after clearing it if that is wanted."""
    if clear:
        print(f"removed {clear_cache()} compiled programs")
    found = cache_info()
    size = f"{found.bytes / 2**20:.1f} MiB"
    Console().print(pairs([("folder", str(found.folder)), ("programs", str(found.entries)), ("size", size)]))
