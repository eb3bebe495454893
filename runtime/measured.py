"""What was measured of a program, on disk beside the machine code."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from graphad.runtime import kernel_cache
from graphad.runtime.errors import FormatError
from graphad.runtime.executable import content_key
from graphad.runtime.program import Program
from graphad.runtime.schema import A, Check, parse_json


def recall_measured(program: Program, about: str, check: Check[A]) -> A | None:
    """What was remembered, if it passes the check; None if nothing was.

    ``about``: what it depends on besides the program and the machine.
    """
    key = _key(program, about)
    data = kernel_cache.find(key)
    if data is None:
        return None
    try:
        return parse_json(data, check)
    except FormatError:
        kernel_cache.discard(key)
        return None


def remember_measured(program: Program, about: str, found: Any) -> None:
    """Keep lists, dicts, text and numbers for later processes."""
    kernel_cache.store(_key(program, about), json.dumps(found).encode())


def _key(program: Program, about: str) -> str:
    return "measured-" + hashlib.sha256(f"{content_key(program)} {about}".encode()).hexdigest()[:40]
