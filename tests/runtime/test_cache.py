"""Compiled programs on disk: found again, shared, repaired, limited, and done without."""

import json
import os
import shutil
import tempfile
import threading
import traceback
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphad.runtime import (
    CacheError,
    CacheWarning,
    CompileError,
    cache_info,
    clear_cache,
    folders,
    load,
    trust,
)
from graphad.runtime.cache import module_name
from tests.runtime.programs import (
    AXPY,
    PATIENCE,
    SCALAR_LAYOUT,
    SQUARE,
    axpy_layout,
    run_axpy,
    run_python,
    start_python,
)


def works(executable) -> bool:
    y = np.zeros(())
    executable.instantiate(SCALAR_LAYOUT, []).run([np.array(3.0)], [y])
    return bool(y == 9.0)


def test_a_second_load_does_not_compile(fresh_cache, counted):
    first, second = load(SQUARE), load(SQUARE)
    assert counted() == (1, 1)
    assert (first.from_cache, second.from_cache) == (False, True)
    assert works(first)
    assert works(second)
    assert first.source_path == second.source_path
    assert "def k0_square(x, y):" in first.source_path.read_text()
    assert min(first.compile_seconds, second.compile_seconds) > 0


def test_threads_that_load_at_once_compile_once(fresh_cache, counted):
    loaded = []
    threads = [threading.Thread(target=lambda: loaded.append(load(SQUARE))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [works(executable) for executable in loaded] == [True] * 4
    assert counted() == (1, 3)


def test_a_new_process_does_not_compile(fresh_cache):
    assert run_python(run_axpy()) == "1 0\n"
    assert run_python(run_axpy(threads=2)) == "0 1\n"


def test_neither_compiling_nor_loading_imports_numba(fresh_cache):
    text = run_axpy() + "import sys\nassert 'numba' not in sys.modules\n"
    assert run_python(text) == "1 0\n"
    assert run_python(text) == "0 1\n"


def test_numba_cache_dir_changes_nothing(fresh_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    assert run_python(run_axpy()) == "1 0\n"
    assert run_python(run_axpy()) == "0 1\n"
    assert not (tmp_path / "numba").exists()


def test_processes_that_compile_at_once_leave_one_entry(fresh_cache):
    processes = [start_python(run_axpy()) for _ in range(4)]
    outputs = [process.communicate(timeout=PATIENCE)[0] for process in processes]
    assert {process.returncode for process in processes} == {0}, outputs
    assert cache_info().entries == 1
    assert [path.name for path in fresh_cache.iterdir() if path.name.startswith("tmp-")] == []
    assert load(AXPY).from_cache


@pytest.mark.parametrize("name", ["program.bin", "manifest.json", ".py"])
@pytest.mark.parametrize("damage", ["truncate", "remove", "garble", "link", "folder", "foreign"])
def test_what_is_not_as_it_was_stored_is_replaced_silently(fresh_cache, counted, tmp_path, name, damage):
    entry = load(SQUARE).source_path.parent
    (file,) = entry.glob(f"*{name}")
    data = file.read_bytes()
    file.unlink()
    if damage in ("truncate", "garble", "foreign"):
        file.write_bytes({"truncate": data[: len(data) // 2], "garble": b"\xff" + data[1:], "foreign": b"{}"}[damage])
    elif damage == "link":  # also to the right bytes: who may change what it leads to is not looked at
        (tmp_path / "elsewhere").write_bytes(data)
        file.symlink_to(tmp_path / "elsewhere")
    elif damage == "folder":
        file.mkdir()
    repaired = load(SQUARE)  # warnings are errors
    assert not repaired.from_cache
    assert works(repaired)
    assert load(SQUARE).from_cache
    assert counted() == (2, 1)


@pytest.mark.parametrize("what", ["entry", "link to the entry", "file", "binary"])
def test_what_lies_under_another_key_is_replaced_silently(fresh_cache, counted, what):
    other = load(replace(SQUARE, source=SQUARE.source.replace("x[0] * x[0]", "x[0] + x[0]"))).source_path.parent
    mine = load(SQUARE).source_path.parent
    if what == "binary":
        (mine / "program.bin").write_bytes((other / "program.bin").read_bytes())
    else:
        shutil.rmtree(mine)
        if what == "entry":
            shutil.copytree(other, mine)
            (mine / next(other.glob("*.py")).name).rename(mine / f"{module_name(SQUARE.name, mine.name)}.py")
        elif what == "file":
            mine.write_text("foreign bytes")
        else:
            mine.symlink_to(other)
    repaired = load(SQUARE)
    assert not repaired.from_cache
    assert works(repaired)
    assert counted() == (3, 0)


def test_a_binary_of_another_form_is_compiled_anew(fresh_cache):
    # As from another version: the checksums are right, the content is not.
    entry = load(SQUARE).source_path.parent
    (entry / "program.bin").write_bytes(b"not object code")
    manifest = json.loads((entry / "manifest.json").read_text())
    manifest["checksums"]["program.bin"] = trust.checksum(f"{entry.name}/program.bin", b"not object code")
    (entry / "manifest.json").write_text(json.dumps(manifest))
    again = load(SQUARE)
    assert works(again)
    assert not again.from_cache


def test_an_unwritable_folder_is_reported_once_and_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")  # nobody, root included, can make a folder below a file
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.warns(CacheWarning, match="GRAPHAD_CACHE_DIR to a folder that you, and only you, can write") as caught:
        executable = load(SQUARE)
    assert len(caught) == 1
    assert str(tmp_path / "file" / "cache") in str(caught[0].message)
    assert works(executable)
    assert executable.source_path.is_file()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(SQUARE).from_cache


def test_where_nothing_can_be_written_programs_run(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(tempfile, "mkdtemp", no_room)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", no_room)
    with pytest.warns(CacheWarning, match="compiled programs cannot be kept in") as caught:
        executable = load(SQUARE)
    assert len(caught) == 1
    assert works(executable)
    assert works(load(SQUARE))
    assert (cache_info().entries, clear_cache()) == (0, 0)
    with pytest.raises(CompileError, match="here"):
        load(replace(SQUARE, source=SQUARE.source + "\nraise RuntimeError('here')\n"))


def no_room(*_, **__):
    raise OSError(28, "No space left on device")


def test_without_a_home_programs_run(monkeypatch):
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.delenv("GRAPHAD_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert run_python("import graphad as ga") == ""  # nothing is said before something is compiled
    assert run_python("import warnings\nwarnings.simplefilter('ignore')" + run_axpy()) == "1 0\n"


def test_a_home_of_nobodys_is_refused(monkeypatch):
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", "~nobody-of-this-name/cache")
    with pytest.raises(CacheError, match="write it without ~"):
        load(SQUARE)


def test_least_recently_used_entries_go_first(fresh_cache, monkeypatch):
    old, used = load(SQUARE).source_path.parent, load(AXPY).source_path.parent
    for age, entry in ((300, used), (200, old)):
        stamp = (entry / "manifest.json").stat().st_mtime - age
        os.utime(entry / "manifest.json", (stamp, stamp))
    executable = load(AXPY)  # now the younger of the two
    monkeypatch.setenv("GRAPHAD_CACHE_LIMIT", str(cache_info().bytes))
    other = replace(SQUARE, name="other")
    assert works(load(other))
    assert not old.exists()
    assert used.exists()
    monkeypatch.setenv("GRAPHAD_CACHE_LIMIT", "0")
    last = load(SQUARE)
    assert cache_info().entries == 1  # the one just made
    assert last.source_path.exists()
    y = np.zeros(2)
    executable.instantiate(axpy_layout(2), [np.zeros(2)]).run([np.ones(2)], [y])  # removed on disk, still loaded
    assert y.tolist() == [3.0, 3.0]


def test_a_bad_limit_says_what_to_write(fresh_cache, monkeypatch):
    monkeypatch.setenv("GRAPHAD_CACHE_LIMIT", "1GB")
    with pytest.raises(CacheError, match="GRAPHAD_CACHE_LIMIT='1GB' is not a size"):
        load(SQUARE)


def test_info_and_clear(fresh_cache):
    assert cache_info().entries == 0
    load(SQUARE)
    info = cache_info()
    assert info.folder == fresh_cache
    assert info.entries == 1
    assert info.bytes == sum(f.stat().st_size for f in fresh_cache.rglob("*") if f.is_file())
    assert clear_cache() == 1
    assert cache_info().bytes == 0
    assert list(fresh_cache.iterdir()) == []


def test_leftovers_of_dead_processes_are_swept(fresh_cache):
    mine = folders.temporary_folder(fresh_cache)
    dead = fresh_cache / f"tmp-{folders._host()}-{2**22 + 1}-abc"  # above the largest process number
    elsewhere = fresh_cache / "tmp-otherhost-1-abc"
    ancient = fresh_cache / "tmp-otherhost-2-abc"
    for path in (dead, elsewhere, ancient):
        path.mkdir()
    os.utime(ancient, (0, 0))
    load(SQUARE)
    assert [path.exists() for path in (mine, dead, elsewhere, ancient)] == [True, False, True, False]


def test_a_traceback_shows_the_generated_line(fresh_cache):
    bad = replace(SQUARE, source=SQUARE.source + "\nraise RuntimeError('here')\n")
    with pytest.raises(CompileError, match="here") as caught:
        load(bad)
    assert "raise RuntimeError" in Path(caught.value.path).read_text()
    Path(caught.value.path).unlink()
    frame = traceback.extract_tb(caught.value.__cause__.__traceback__)[-1]
    assert frame.line == "raise RuntimeError('here')"
    assert str(fresh_cache) in frame.filename


def test_a_disk_that_fills_up_is_survived(fresh_cache, monkeypatch):
    rename = os.rename

    def full(source, target):
        if str(target).startswith(str(fresh_cache)):
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", full)
    with pytest.warns(CacheWarning, match="No space left on device"):
        executable = load(SQUARE)
    assert works(executable)
    assert executable.source_path.is_file()
