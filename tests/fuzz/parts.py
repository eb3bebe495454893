"""The parts of the fuzzer. To add one, add a line here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Part:
    """A check, by the module and the name of its function, and what one case of it may take.

    Args:
        share: of the runner's time, as against other parts.
        seconds: for one case.
        megabytes: of addresses that a case may take beyond those that the process has after its first case.
    """

    name: str
    function: str
    share: float = 1.0
    seconds: float = 30.0
    megabytes: int = 500


def load(function: str) -> Callable[[int], Any]:
    """The check of a part by its name, ``module:function``; it answers what it likes, which is counted."""
    module, _, name = function.partition(":")
    found: Callable[[int], Any] = getattr(importlib.import_module(module), name)
    return found


PARTS: Final = (
    Part("checkpoints", "tests.fuzz.formats:checkpoints"),
    Part("plans", "tests.fuzz.formats:plans"),
    Part("idx", "tests.fuzz.formats:idx_files", megabytes=150),
    Part("machine", "tests.fuzz.formats:machine"),
    Part("cache", "tests.fuzz.formats:cached"),
    Part("text", "tests.fuzz.formats:graph_text"),
    Part("calls", "tests.fuzz.calls:check", share=2.0),
    Part("graphs", "tests.fuzz.graphs:check", share=4.0, seconds=300.0, megabytes=2000),
    Part("networks", "tests.networks:check", share=4.0, seconds=300.0, megabytes=2000),
)
