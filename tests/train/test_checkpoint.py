"""Checkpoints: whole or not there; every file that does not fit is named, and nothing of it is loaded."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from graphad import optim, train
from graphad.train import checkpoint, snapshot
from tests.train.toy import same, toy


def test_arrays_and_facts_go_out_and_in(tmp_path: Path) -> None:
    arrays = {
        "scalar": np.array(0.1),
        "empty": np.zeros((0, 3), np.float32),
        "count": np.array(2**40),
        "turned": np.arange(6.0).reshape(2, 3).T,
    }
    checkpoint.write(tmp_path / "new" / "a.safetensors", arrays, {"third": 1 / 3})
    found, facts = checkpoint.read(tmp_path / "new" / "a.safetensors")
    assert facts == {"format": 1, "third": 1 / 3}
    for name, value in arrays.items():
        np.testing.assert_array_equal(found[name], value)
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
    assert os.listdir(tmp_path / "new") == ["a.safetensors"]


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    toy().fit(1, tmp_path)
    return tmp_path / snapshot.LAST


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.99])
def test_a_truncated_file(trained: Path, share: float) -> None:
    content = trained.read_bytes()
    trained.write_bytes(content[: int(len(content) * share)])
    refused(trained, r"last.safetensors: truncated, or no safetensors file \(\d+ bytes\)")


def refused(path: Path, text: str, **arguments: Any) -> None:
    """Resuming from ``path`` raises CheckpointError with that text, and model and optimiser are as before."""
    one = toy(**arguments)
    before = one.weights()
    with pytest.raises(train.CheckpointError, match=text):
        one.fit(3, path.parent, resume=True)
    assert same(one.weights(), before)


def test_a_foreign_file(trained: Path) -> None:
    trained.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    refused(trained, "truncated, or no safetensors file")


def test_a_safetensors_file_that_is_no_checkpoint(trained: Path) -> None:
    safetensors.numpy.save_file({"weight": np.zeros(3)}, trained)
    refused(trained, r"no checkpoint of graphad \(its header has no 'graphad'\); load weights alone with")


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("{", "the header's facts are no JSON"),
        ("[]", r"checkpoint format \[\]; this version of graphad reads 1"),
        (json.dumps({"format": 2}), "checkpoint format 2; this version of graphad reads 1"),
        (json.dumps({"format": 1}), "the history is not four lists of numbers"),
        (json.dumps({"format": 1, "history": {"loss": ["a"]}}), "the history is not four lists of numbers"),
    ],
)
def test_facts_that_cannot_be_read(trained: Path, header: str, text: str) -> None:
    safetensors.numpy.save_file({"weight": np.zeros(3)}, trained, {"graphad": header})
    refused(trained, text)


def header_of(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return dict(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]))


def with_header(path: Path, header: bytes, length: int | None = None) -> None:
    data = path.read_bytes()
    rest = data[8 + int.from_bytes(data[:8], "little") :]
    path.write_bytes((len(header) if length is None else length).to_bytes(8, "little") + header + rest)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "F4", "C64"])
def test_a_dtype_that_numpy_has_not_is_named(trained: Path, dtype: str) -> None:
    header = header_of(trained)
    header["model.0.weight"]["dtype"] = dtype
    with_header(trained, json.dumps(header).encode())
    refused(trained, f"last.safetensors: .*model.0.weight: NumPy has no {dtype}; save it as F32")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dtype": 32}, "model.0.weight.dtype: expected text"),
        ({"dtype": "F64"}, r"model.0.weight: F64\[4, 3\] takes 96 bytes"),
        ({"shape": "43"}, "model.0.weight.shape: expected a list"),
        ({"shape": [4, True]}, r"model.0.weight.shape\[1\]: expected a whole number"),
        ({"shape": [4, -3]}, "got -3"),
        ({"shape": [2**62, 4, 2**62]}, "takes"),
        ({"shape": [1] * 33 + [4, 3]}, "a list of at most 32"),
        ({"data_offsets": [0]}, "data_offsets: expected a list of 2"),
        ({"data_offsets": [0, 1e300]}, "expected a whole number"),
        ({"data_offsets": [-48, 0]}, "got -48"),
        ({"data_offsets": [2**62, 2**62 + 48]}, "bytes from"),
        ({"data_offsets": [48, 0]}, "bytes from"),
    ],
)
def test_a_header_of_wrong_types_or_sizes(trained: Path, change: dict[str, Any], text: str) -> None:
    header = header_of(trained)
    header["model.0.weight"] |= change
    with_header(trained, json.dumps(header).encode())
    refused(trained, f"last.safetensors: .*{text}")


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": {"dtype"' + b"[" * 100_000, "nested too deeply|no JSON"),
        (b"[]", "expected an object"),
        (b"\xff\xff\xff", "no JSON"),
        (b'{"__metadata__": {"graphad": 3}}', "__metadata__.graphad: expected text"),
        (b'{"__metadata__": []}', "__metadata__: expected an object"),
        (b'{"a": null}', "a: expected an object with dtype, shape, data_offsets"),
        (b"{}", r"its header speaks of 0 bytes, \d+ are there"),
    ],
)
def test_a_header_that_is_none(trained: Path, header: bytes, text: str) -> None:
    with_header(trained, header)
    refused(trained, f"last.safetensors: .*{text}")


@pytest.mark.parametrize("length", [0, 1, 2**31, 2**62, 2**64 - 1])
def test_a_headers_length_beside_the_file(trained: Path, length: int) -> None:
    with_header(trained, b"{}", length)
    refused(trained, f"its header has {length} bytes")


def test_bytes_after_the_last_array(trained: Path) -> None:
    trained.write_bytes(trained.read_bytes() + b"more")
    refused(trained, "its header speaks of")


def test_facts_nested_too_deeply(trained: Path) -> None:
    safetensors.numpy.save_file({"weight": np.zeros(3)}, trained, {"graphad": "[" * 100_000})
    refused(trained, "the header's facts are no JSON: .*nested too deeply")


def test_what_safetensors_writes_is_read_to_the_bit(tmp_path: Path) -> None:
    arrays = {
        str(dtype): np.random.default_rng(0).integers(0, 2, (2, 3)).astype(dtype)
        for dtype in ("bool", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")
    } | {"empty": np.zeros((0, 5), np.float32), "scalar": np.array(0.5)}
    safetensors.numpy.save_file(arrays, tmp_path / "a", {"graphad": '{"format": 1}'})
    found, _ = checkpoint.read(tmp_path / "a")
    assert sorted(found) == sorted(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


def test_another_model(trained: Path) -> None:
    refused(trained, r"'model.0.weight' has shape \[4, 3\], expected \[5, 3\].*nothing was loaded", width=5)


def test_another_optimiser(trained: Path) -> None:
    refused(trained, r"missing 'optimizer.momentum.0.weight'", optimizer=optim.SGD(lr=0.1, momentum=0.9))


def test_another_seed(trained: Path) -> None:
    refused(trained, "was trained with seed 0, the batches have seed 1; use that seed, or resume=False", seed=1)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(train.CheckpointError, match=r"best.safetensors: no such file"):
        train.load_model(tmp_path / snapshot.BEST, toy().model)


def test_a_failure_while_writing_leaves_the_old_file(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = trained.read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(train.CheckpointError, match=r"last.safetensors: cannot be written: No space left on device"):
        checkpoint.write(trained, {"a": np.zeros(9)}, {})
    assert trained.read_bytes() == before
    assert sorted(os.listdir(trained.parent)) == ["best.safetensors", "last.safetensors"]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(train.CheckpointError, match=r"file/a.safetensors: cannot be written: "):
        checkpoint.write(tmp_path / "file" / "a.safetensors", {}, {})
