"""The measured rates on disk: one file for the machine, in the cache's folder."""

import json
import math
import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from graphad.compiler.model.machine import TYPICAL, Machine
from graphad.runtime import CacheWarning, host
from graphad.runtime.folders import effective_folder, temporary_folder, writable_folder

NAME: Final = "machine.json"
FORMAT: Final = 1
_read: dict[Path, Machine] = {}


def this_machine() -> Machine:
    """The rates measured on this machine, or typical ones. The file is read once a process.

    A file that is damaged, or of another processor or other versions, is left where it is, with a ``CacheWarning``
    that says how to replace it.
    """
    path = effective_folder() / NAME
    if path not in _read:
        _read[path] = _load(path)
    return _read[path]


def save(machine: Machine) -> Path:
    """Keep a machine's rates for later processes, and for this one. Answers the file."""
    path = writable_folder() / NAME
    temporary = temporary_folder(path.parent)
    try:
        text = {"format": FORMAT, "host": _identity(), "calibrated": machine.calibrated,
                "caches": list(machine.caches), "rates": dict(machine.rates)}  # fmt: skip
        (temporary / NAME).write_text(json.dumps(text, indent=1))
        os.replace(temporary / NAME, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _read[path] = machine
    return path


def _identity() -> dict[str, Any]:
    """What measured rates hold for."""
    found = host()
    return {"cpu": found.cpu, "vector bytes": found.vector_bytes, "numba": found.numba, "llvm": found.llvm}


def _load(path: Path) -> Machine:
    try:
        text = path.read_text()
    except FileNotFoundError:
        return TYPICAL
    except (OSError, UnicodeDecodeError) as error:
        return _unusable(path, str(error))
    try:
        return _machine(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return _unusable(path, str(error) if isinstance(error, _OtherMachineError) else "it is damaged")


class _OtherMachineError(ValueError):
    pass


def _machine(found: Mapping[str, Any]) -> Machine:
    if found["format"] != FORMAT or set(found["rates"]) != set(TYPICAL.rates):
        raise _OtherMachineError("it is from another version of graphad")
    for name, now in _identity().items():
        if found["host"][name] != now:
            raise _OtherMachineError(f"it is for {name} {found['host'][name]}, this is {now}")
    rates = {name: float(found["rates"][name]) for name in TYPICAL.rates}
    if not all(math.isfinite(rate) and rate >= 0 for rate in rates.values()):
        raise ValueError
    caches = tuple(int(c) for c in found["caches"])
    return Machine(rates, caches, str(found["calibrated"]))


def _unusable(path: Path, why: str) -> Machine:
    warnings.warn(
        f"the measured rates in {path} cannot be used: {why}; typical ones are used until you run "
        "graphad info --calibrate",
        CacheWarning,
        stacklevel=4,
    )
    return TYPICAL


def forget() -> None:
    """Read the file again when it is next needed."""
    _read.clear()
