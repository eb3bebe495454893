"""Checkpoint files: arrays as safetensors, facts as JSON in the header, written whole or not at all."""

import json
import reprlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from graphad._lazy import lazy_import
from graphad.runtime import FormatError
from graphad.runtime.files import replace
from graphad.runtime.schema import parse_json
from graphad.train import tensors
from graphad.train.errors import CheckpointError

safetensors_numpy = lazy_import("safetensors.numpy")

Arrays: TypeAlias = dict[str, np.ndarray]
Facts: TypeAlias = dict[str, Any]

KEY: Final = "graphad"
FORMAT: Final = 1


def write(path: str | PathLike[str], arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """Writes a checkpoint, whole or not at all: an old one stays until the new one is on the disk.

    Errors: CheckpointError where the folder cannot be written.
    """
    target = Path(path)
    whole = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    content = safetensors_numpy.save(whole, {KEY: json.dumps({"format": FORMAT, **facts})})
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace(target, content)
    except OSError as error:
        raise CheckpointError(f"{target}: cannot be written: {error.strerror or error}") from error


def read(path: str | PathLike[str]) -> tuple[Arrays, Facts]:
    """The arrays and facts of a checkpoint.

    Errors: CheckpointError for a file that is missing, truncated, no safetensors file, of a dtype that NumPy does not
    have (BF16, F8), or not written by graphad.
    """
    target = Path(path)
    try:
        arrays, header = tensors.read(target)
    except FileNotFoundError:
        raise CheckpointError(f"{target}: no such file") from None
    except OSError as error:
        raise CheckpointError(f"{target}: {error.strerror or error}") from error
    except FormatError as error:
        size = target.stat().st_size
        raise CheckpointError(f"{target}: truncated, or no safetensors file ({size} bytes): {error}") from error
    return arrays, _facts(target, header)


def _facts(path: Path, header: Mapping[str, str]) -> Facts:
    if KEY not in header:
        raise CheckpointError(
            f"{path}: a safetensors file, but no checkpoint of graphad (its header has no {KEY!r}); "
            "load weights alone with model.load_state_dict(safetensors.numpy.load_file(path))"
        )
    try:
        facts = parse_json(header[KEY], lambda value, _: value)
    except FormatError as error:
        raise CheckpointError(f"{path}: the header's facts are no JSON: {error}") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        found = reprlib.repr(facts.get("format") if isinstance(facts, dict) else facts)
        raise CheckpointError(f"{path}: checkpoint format {found}; this version of graphad reads {FORMAT}")
    return facts
