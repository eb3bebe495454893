"""IDX files: what is written is read again, and a broken file is named with what is wrong."""

import gzip
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from graphad.data import DataError, idx

arrays = st.sampled_from(sorted(idx.DTYPES.values(), key=str)).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4))
)


@given(array=arrays, suffix=st.sampled_from(["", ".gz"]))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, array: NDArray[np.generic], suffix: str) -> None:
    path = tmp_path_factory.mktemp("idx") / f"array{suffix}"
    idx.write(path, array)
    read = idx.read(path)
    assert (read.dtype, read.shape, read.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert read.flags.writeable
    assert read.flags.c_contiguous


def test_the_bytes_are_those_of_the_format(tmp_path: Path) -> None:
    idx.write(tmp_path / "a", np.array([[1, -2]], dtype=np.int16))
    assert (tmp_path / "a").read_bytes() == bytes([0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0xFF, 0xFE])


@pytest.mark.parametrize(("code", "dtype"), idx.DTYPES.items())
def test_each_dtype_code_reads_big_endian(tmp_path: Path, code: int, dtype: np.dtype[np.generic]) -> None:
    (tmp_path / "a").write_bytes(
        bytes([0, 0, code, 1, 0, 0, 0, 2]) + np.array([3, 100], dtype.newbyteorder(">")).tobytes()
    )
    read = idx.read(tmp_path / "a")
    assert read.dtype == dtype
    assert read.tolist() == [3, 100]


def test_any_layout_and_byte_order_is_written(tmp_path: Path) -> None:
    array = np.arange(6, dtype=">i4").reshape(2, 3).T
    idx.write(tmp_path / "a", array)
    np.testing.assert_array_equal(idx.read(tmp_path / "a"), array)


def test_gzipped_bytes_are_repeatable(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        idx.write(tmp_path / name, np.arange(9, dtype=np.uint8))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_an_unpacked_file_that_kept_its_suffix_is_read(tmp_path: Path) -> None:
    idx.write(tmp_path / "plain", np.arange(3, dtype=np.uint8))
    (tmp_path / "plain").rename(tmp_path / "a.gz")
    assert idx.read(tmp_path / "a.gz").tolist() == [0, 1, 2]


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 11, 12, 13, 19])
def test_a_truncated_file_is_named(tmp_path: Path, length: int, suffix: str) -> None:
    """12 bytes of header, 8 of elements."""
    path = tmp_path / f"short{suffix}"
    idx.write(tmp_path / "whole", np.zeros((2, 2), dtype=np.int16))
    cut = (tmp_path / "whole").read_bytes()[:length]
    path.write_bytes(gzip.compress(cut) if suffix else cut)
    expected = 4 if length < 4 else 12 if length < 12 else 20
    with pytest.raises(DataError, match=rf"short{suffix}: truncated: .* {expected} bytes.*, got {length}$"):
        idx.read(path)


@pytest.mark.parametrize("length", [3, 12, 20, 30])
def test_a_truncated_gzip_is_named(tmp_path: Path, length: int) -> None:
    idx.write(tmp_path / "a.gz", np.arange(200, dtype=np.uint8))
    (tmp_path / "b.gz").write_bytes((tmp_path / "a.gz").read_bytes()[:length])
    with pytest.raises(DataError, match=rf"b\.gz: broken gzip file of {length} bytes"):
        idx.read(tmp_path / "b.gz")


def test_a_damaged_gzip_is_named(tmp_path: Path) -> None:
    idx.write(tmp_path / "a.gz", np.arange(200, dtype=np.uint8))
    damaged = bytearray((tmp_path / "a.gz").read_bytes())
    damaged[-6] ^= 0xFF  # in the checksum
    (tmp_path / "a.gz").write_bytes(damaged)
    with pytest.raises(DataError, match=r"a\.gz: broken gzip file .*CRC"):
        idx.read(tmp_path / "a.gz")


BROKEN = {
    b"\x89PNG....": r"not an IDX file: its first two bytes are 89 50, not 00 00",
    bytes([0, 0, 0x0A, 1, 0, 0, 0, 0]): r"unknown dtype code 0x0a; the format has 0x08 \(uint8\), .*0x0e \(float64\)",
    bytes([0, 0, 0x08, 99]): r"99 dimensions; NumPy's arrays have 32 at most",
    bytes([0, 0, 0x0D, 1, 0, 0, 0, 1, 0, 0, 0, 0, 7]): r"longer than .*: float32\[1\] takes 12 bytes .*, got 13",
    bytes([0, 0, 0x0E, 3]) + b"\xff" * 12: r"truncated: float64\[4294967295, .*, got 16",
}


@pytest.mark.parametrize(("content", "message"), BROKEN.items())
def test_a_broken_file_says_what_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError, match=f"file: {message}"):
        idx.read(tmp_path / "file")


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("extent", [2**20, 2**31 - 1, 2**32 - 1])
@pytest.mark.parametrize("ndim", [1, 2, 3, 8, 32])
def test_no_memory_is_taken_for_a_size_that_is_not_there(tmp_path: Path, extent: int, ndim: int, suffix: str) -> None:
    content = bytes([0, 0, 0x0E, ndim]) + extent.to_bytes(4, "big") * ndim + bytes(100)
    path = tmp_path / f"file{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    assert peak_of_refusal(path, r"truncated: float64\[\d+.* takes \d+ bytes") < 20 << 20


def test_a_gzip_is_inflated_no_further_than_its_header_says(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    zeros = gzip.compress(bytes(64 << 20), 1)
    path.write_bytes(gzip.compress(bytes([0, 0, 0x08, 1, 0, 0, 0, 3, 1, 2, 3])) + zeros)
    assert (
        peak_of_refusal(path, r"longer than its header says: uint8\[3\] takes 11 bytes with its header, got more")
        < 20 << 20
    )
    path.write_bytes(gzip.compress(bytes([0, 0, 0x08, 99])) + zeros)
    assert peak_of_refusal(path, "99 dimensions") < 20 << 20


def test_a_file_larger_than_memory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idx.write(tmp_path / "a.gz", np.zeros(1000, np.uint8))

    def none_left(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(idx.np, "empty", none_left)
    with pytest.raises(DataError, match=r"a\.gz: uint8\[1000\] takes 1008 bytes .*, more than there is memory"):
        idx.read(tmp_path / "a.gz")


def peak_of_refusal(path: Path, message: str) -> int:
    """Bytes that Python took at most while the file was refused."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message):
            idx.read(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_extents_without_elements_are_refused_where_numpy_has_no_such_array(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes([0, 0, 0x0E, 32]) + bytes(4) + b"\xff" * 4 * 31)
    with pytest.raises(DataError, match=r"file: float64\[0, 4294967295"):
        idx.read(tmp_path / "file")


def test_what_is_no_regular_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"regular file|directory"):
        idx.read(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none: No such file"):
        idx.read(tmp_path / "none")


def test_a_dtype_that_the_format_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"a: an IDX file cannot hold int64, only uint8, .*float64: write array\.astype"
    ):
        idx.write(tmp_path / "a", np.zeros(2, dtype=np.int64))
    assert not (tmp_path / "a").exists()


def test_a_missing_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        idx.write("no/such/dir/o.idx", np.zeros(2, dtype=np.uint8))
    folder = str(Path("no/such/dir"))
    assert str(caught.value) == (
        f"no/such/dir/o.idx: expected a folder {folder}, got none; write Path({folder!r}).mkdir(parents=True)"
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: BaseException
) -> None:
    path = tmp_path / "a.idx"
    idx.write(path, np.arange(3, dtype=np.uint8))

    def fail(*args: object) -> None:
        raise failure

    monkeypatch.setattr(os, step, fail)
    with pytest.raises((DataError, KeyboardInterrupt)) as caught:
        idx.write(path, np.zeros(9, dtype=np.uint8))
    if isinstance(failure, OSError):
        assert str(caught.value) == f"{path}: cannot be written: No space left on device"
    assert os.listdir(tmp_path) == ["a.idx"]
    assert idx.read(path).tolist() == [0, 1, 2]


def test_a_link_stays_one_and_others_may_read_the_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"")
    usual = (tmp_path / "real").stat().st_mode
    (tmp_path / "link").symlink_to(tmp_path / "real")
    idx.write(tmp_path / "link", np.arange(3, dtype=np.uint8))
    assert (tmp_path / "link").is_symlink()
    assert idx.read(tmp_path / "real").tolist() == [0, 1, 2]
    assert (tmp_path / "real").stat().st_mode == usual
