"""IDX files, the format of MNIST: a header, then the elements in C order, all big-endian.

    0, 0, dtype code, number of dimensions      four bytes
    size of each dimension                      uint32 each
    elements

A gzipped file is known by its first bytes when reading (browsers unpack files and keep the name),
by the suffix `.gz` when writing.
"""

import gzip
import math
import sys
import zlib
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from graphad.data.errors import DataError
from graphad.runtime import FormatError
from graphad.runtime.files import open_regular, replace, size

DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(np.int16),
    0x0C: np.dtype(np.int32),
    0x0D: np.dtype(np.float32),
    0x0E: np.dtype(np.float64),
}
CODES = {dtype: code for code, dtype in DTYPES.items()}
GZIP_MAGIC = b"\x1f\x8b"
MAX_DIMENSIONS = 32  # of an array, before NumPy 2
INFLATED: Final = 1032
"""Bytes that deflate makes of one, at most (258 of 2 bits)."""
CHUNK: Final = 1 << 20


def read(path: str | PathLike[str]) -> NDArray[Any]:
    """The array in an IDX file, plain or gzipped; C-contiguous, writable, in the machine's byte order.

    Takes the memory that the header says, whatever the file inflates to. Raises DataError for a file that is missing,
    no IDX file, of an unknown dtype code, too short or too long.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/a.idx", np.array([[1, 2, 3]], dtype=np.int16))
    ...     read(f"{folder}/a.idx")
    array([[1, 2, 3]], dtype=int16)
    """
    try:
        with open_regular(path) as file:
            packed = file.read(2) == GZIP_MAGIC
            file.seek(0)
            return _unpacked(path, file) if packed else _array(path, file, size(file))
    except FormatError as error:
        raise DataError(f"{path}: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error


def write(path: str | PathLike[str], array: NDArray[Any]) -> None:
    """Write `array` as an IDX file, gzipped if the name ends in `.gz`; the same array gives the same bytes.

    The file appears whole or not at all. Raises DataError for a dtype that the format does not have, and where the
    folder is missing or cannot be written.
    """
    code = CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(map(str, CODES))
        raise DataError(
            f"{path}: an IDX file cannot hold {array.dtype}, only {known}: write array.astype(...) of one of them"
        )
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    content = header + array.astype(array.dtype.newbyteorder(">")).tobytes()
    packed = str(path).endswith(".gz")
    folder = Path(path).parent
    if not folder.is_dir():
        raise DataError(
            f"{path}: expected a folder {folder}, got none; write Path({str(folder)!r}).mkdir(parents=True)"
        )
    try:
        replace(path, gzip.compress(content, mtime=0) if packed else content)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error


def _unpacked(path: str | PathLike[str], packed: BinaryIO) -> NDArray[Any]:
    """Inflated as it is read, and no further than the header says."""
    length = size(packed)
    try:
        with gzip.GzipFile(fileobj=packed) as file:
            return _array(path, file, None, INFLATED * length + CHUNK)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: broken gzip file of {length} bytes: {error}") from error


def _array(
    path: str | PathLike[str], file: BinaryIO | gzip.GzipFile, length: int | None, most: float = math.inf
) -> NDArray[Any]:
    """The elements. ``length``: the file's bytes, if they are known; ``most``: what there can be at most."""
    dtype, shape, start = _header(path, file, length)
    expected = start + math.prod(shape) * dtype.itemsize
    what = f"{dtype}{list(shape)} takes {expected} bytes with its header"
    if length is not None and length < expected:
        raise DataError(f"{path}: truncated: {what}, got {length}")
    if expected > most:
        raise DataError(f"{path}: truncated: {what}, more than gzip packs into a file of this size")
    try:
        elements = np.empty(expected - start, np.uint8)
    except MemoryError as error:
        raise DataError(f"{path}: {what}, more than there is memory") from error
    done = start + _fill(file, elements.data)
    if done < expected:
        raise DataError(f"{path}: truncated: {what}, got {done}")
    if file.read(1):
        raise DataError(f"{path}: longer than its header says: {what}, got {length or 'more'}")
    found = elements.view(dtype)
    if sys.byteorder == "little":
        found.byteswap(inplace=True)
    try:
        return found.reshape(shape)
    except ValueError as error:  # no elements, but extents beyond NumPy's
        raise DataError(f"{path}: {dtype}{list(shape)}: {error}") from error


def _fill(file: BinaryIO | gzip.GzipFile, buffer: memoryview) -> int:
    """Reads until the buffer is full or the file ends; the bytes read."""
    done = 0
    while done < len(buffer):
        count = file.readinto(buffer[done : done + CHUNK])  # type: ignore[union-attr]  # binary files have it
        if not count:
            break
        done += count
    return done


def _header(
    path: str | PathLike[str], file: BinaryIO | gzip.GzipFile, length: int | None
) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """The dtype and shape of the elements, and where they start."""
    content = file.read(4)
    if len(content) < 4:
        raise DataError(f"{path}: truncated: an IDX file starts with 4 bytes, got {len(content)}")
    if content[:2] != b"\0\0":
        raise DataError(f"{path}: not an IDX file: its first two bytes are {content[:2].hex(' ')}, not 00 00")
    code, ndim = content[2], content[3]
    if code not in DTYPES:
        known = ", ".join(f"0x{c:02x} ({dtype})" for c, dtype in DTYPES.items())
        raise DataError(f"{path}: unknown dtype code 0x{code:02x}; the format has {known}")
    if ndim > MAX_DIMENSIONS:
        raise DataError(f"{path}: {ndim} dimensions; NumPy's arrays have {MAX_DIMENSIONS} at most")
    extents, start = file.read(4 * ndim), 4 + 4 * ndim
    if len(extents) < 4 * ndim:
        found = 4 + len(extents) if length is None else length
        raise DataError(f"{path}: truncated: the header of {ndim} dimensions takes {start} bytes, got {found}")
    return DTYPES[code], tuple(map(int, np.frombuffer(extents, ">u4"))), start
