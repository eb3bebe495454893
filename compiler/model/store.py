"""The measured rates on disk: one file for the machine, in the cache's folder."""

import contextlib
import json
import warnings
from pathlib import Path
from typing import Any, Final

from graphad.compiler.model.machine import TYPICAL, Machine
from graphad.runtime import CacheWarning, FormatError, files, host
from graphad.runtime.folders import effective_folder, wanted_folder, writable_folder
from graphad.runtime.schema import array, either, integer, mapping, number, optional, parse_json, record, text

NAME: Final = "machine.json"
FORMAT: Final = 1
LONGEST: Final = 1 << 20
"""Bytes of such a file."""
_FILE: Final = record(
    {
        "format": integer(),
        "host": mapping(optional(either(text(longest=1000), integer()))),
        "calibrated": text(longest=100),
        "caches": array(integer(1, 1 << 50), 8),
        "rates": mapping(number(0.0, 1e6)),
    }
)
_read: dict[Path, Machine] = {}


def this_machine() -> Machine:
    """The rates measured on this machine, or typical ones. The file is read once a process.

    A file that is damaged, or of another processor or other versions, is left where it is, with a ``CacheWarning``
    that says how to replace it.
    """
    path = (effective_folder() or wanted_folder()) / NAME
    if path not in _read:
        _read[path] = _load(path)
    return _read[path]


def save(machine: Machine) -> Path:
    """Keep a machine's rates for later processes, and for this one. Answers the file.

    Where no file can be written, with the CacheWarning that says so, this process alone has them.
    """
    folder = writable_folder()
    path = (folder or wanted_folder()) / NAME
    facts = {"format": FORMAT, "host": _identity(), "calibrated": machine.calibrated,
             "caches": list(machine.caches), "rates": dict(machine.rates)}  # fmt: skip
    with contextlib.suppress(OSError):
        if folder is not None:
            files.replace(path, json.dumps(facts, indent=1).encode())
    _read[path] = machine
    return path


def _identity() -> dict[str, Any]:
    """What measured rates hold for."""
    found = host()
    return {"cpu": found.cpu, "vector bytes": found.vector_bytes, "numba": found.numba, "llvm": found.llvm}


def _load(path: Path) -> Machine:
    try:
        return _machine(parse_json(files.read(path, LONGEST), _FILE))
    except FileNotFoundError:
        return TYPICAL
    except OSError as error:
        return _unusable(path, error.strerror or str(error))
    except _OtherMachineError as error:
        return _unusable(path, str(error))
    except FormatError as error:
        return _unusable(path, f"it is damaged: {error}")


class _OtherMachineError(FormatError):
    """What is well-formed, but of another machine or version."""


def _machine(found: dict[str, Any]) -> Machine:
    if found["format"] != FORMAT or found["rates"].keys() != TYPICAL.rates.keys():
        raise _OtherMachineError("", "it is from another version of graphad")
    for name, now in _identity().items():
        if found["host"].get(name) != now:
            raise _OtherMachineError("", f"it is for {name} {found['host'].get(name)}, this is {now}")
    if sorted(found["caches"]) != found["caches"]:
        raise FormatError("caches", "a nearer one is larger")
    return Machine(found["rates"], tuple(found["caches"]), found["calibrated"])


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
