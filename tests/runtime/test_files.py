"""Files: whole or not there, read up to a bound, and nothing left of writers that were killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from graphad.runtime import FormatError, files
from tests.runtime.programs import start_python


def test_a_file_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    files.replace(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_what_a_killed_writer_left_goes_after_a_day(tmp_path: Path) -> None:
    process = start_python(
        "import os, time\nfrom graphad.runtime import files\n"
        "os.fsync = lambda _: (print('there', flush=True), time.sleep(100))\n"
        f"files.replace({str(tmp_path / 'a')!r}, b'x')"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=100)
    (leftover,) = tmp_path.iterdir()
    files.replace(tmp_path / "a", b"y")
    assert leftover.exists()  # its writer may be at work
    os.utime(leftover, (time.time() - 90_000,) * 2)
    (tmp_path / ".a.notes").write_text("of the user's")
    os.utime(tmp_path / ".a.notes", (0, 0))
    files.replace(tmp_path / "a", b"z")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.notes", "a"]


def test_a_file_is_read_up_to_a_bound(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read(tmp_path / "a", 5) == b"12345"
    with pytest.raises(FormatError, match="larger than 4 bytes"):
        files.read(tmp_path / "a", 4)
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "b", 4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
def test_a_pipe_or_device_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(FormatError, match="no regular file"):
            files.read(path, 4)
