"""What was measured of a program, on disk beside the machine code."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from graphad.runtime import kernel_cache
from graphad.runtime.executable import content_key
from graphad.runtime.program import Program


def recall_measured(program: Program, about: str) -> Any:
    """What was remembered; None if nothing was. ``about``: what it depends on besides the program and the machine."""
    data = kernel_cache.find(_key(program, about))
    return None if data is None else json.loads(data)


def remember_measured(program: Program, about: str, found: Any) -> None:
    """Keep lists, dicts, text and numbers for later processes."""
    kernel_cache.store(_key(program, about), json.dumps(found).encode())


def _key(program: Program, about: str) -> str:
    return "measured-" + hashlib.sha256(f"{content_key(program)} {about}".encode()).hexdigest()[:40]
