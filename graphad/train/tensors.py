"""Safetensors files read: a header that says what there is, then nothing but that.

    length of the header        uint64, little-endian
    {name: {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {name: text}}
    elements, little-endian, in C order, one array after another without gaps

Every number of the header is checked before anything is made of it, so a file takes as much memory as it is long.
Source: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import math
from os import PathLike
from typing import Any, BinaryIO, Final

import numpy as np

from graphad.runtime import FormatError
from graphad.runtime.files import open_regular, size
from graphad.runtime.schema import array, integer, mapping, parse_json, record, row, text

METADATA: Final = "__metadata__"
LONGEST: Final = 100_000_000  # bytes of a header, by the format
AXES: Final = 32  # of an array, before NumPy 2
DTYPES: Final = {
    "BOOL": "?", "U8": "u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "I8": "i1", "I16": "<i2", "I32": "<i4",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip

_TENSOR = record(
    {"dtype": text(longest=20), "shape": array(integer(), AXES), "data_offsets": row(integer(), integer())}
)
_METADATA = mapping(text(longest=LONGEST))


def read(path: str | PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays by name, and the metadata.

    Errors: OSError; FormatError for what is no such file, or is not all there.
    """
    with open_regular(path) as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(size(file) - 8, LONGEST):
            raise FormatError("", f"its header has {length} bytes")
        metadata, tensors = parse_json(file.read(length), _header)
        _check(tensors, size(file) - 8 - length)
        ordered = sorted(tensors, key=lambda name: tensors[name]["data_offsets"])
        arrays = {name: _array(file, name, tensors[name]) for name in ordered}
    return {name: arrays[name] for name in tensors}, metadata


def _header(value: object, place: str) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """The metadata, and what is said of each array."""
    members = mapping(lambda member, _: member)(value, place)
    metadata = _METADATA(members.pop(METADATA, {}), METADATA)
    return metadata, mapping(_TENSOR)(members, place)


def _check(tensors: dict[str, dict[str, Any]], length: int) -> None:
    """That the arrays, one after another, are all that there is, and that NumPy has their dtypes."""
    at = 0
    for name, found in sorted(tensors.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape, (begin, end) = found["dtype"], found["shape"], found["data_offsets"]
        if dtype not in DTYPES:
            raise FormatError(name, f"NumPy has no {dtype}; save it as F32, or as one of {', '.join(DTYPES)}")
        expected = math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
        if begin != at or end - begin != expected:
            raise FormatError(name, f"{dtype}{shape} takes {expected} bytes from {at} on, not {begin} to {end}")
        at = end
    if at != length:
        raise FormatError("", f"its header speaks of {at} bytes, {length} are there")


def _array(file: BinaryIO, name: str, found: dict[str, Any]) -> np.ndarray:
    dtype, (begin, end) = np.dtype(DTYPES[found["dtype"]]), found["data_offsets"]
    data = np.empty(end - begin, np.uint8)
    if file.readinto(data.data) != len(data):  # type: ignore[attr-defined]  # a binary file has it
        raise FormatError(name, "the file ends in it")
    elements = data != 0 if dtype == np.bool_ else data.view(dtype).astype(dtype.newbyteorder("="), copy=False)
    try:
        return elements.reshape(found["shape"])
    except ValueError as error:  # no elements, but extents beyond NumPy's
        raise FormatError(name, str(error)) from None
