"""Whose cache is used: this user's, below folders that nobody else may write."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graphad.runtime import CacheWarning, cache_info, folders, load, trust
from tests.runtime.programs import SCALAR_LAYOUT, SQUARE

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and owners are POSIX's")


def works() -> bool:
    y = np.zeros(())
    load(SQUARE).instantiate(SCALAR_LAYOUT, []).run([np.array(3.0)], [y])
    return bool(y == 9.0)


def all_may_write(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def all_may_write_above(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    folder.parent.chmod(0o777)


def all_may_write_above_what_is_yet_to_be_made(folder: Path) -> None:
    folder.parent.chmod(0o777)


def a_link_to_what_all_may_write(folder: Path) -> None:
    all_may_write(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "make",
    [all_may_write, all_may_write_above, all_may_write_above_what_is_yet_to_be_made, a_link_to_what_all_may_write],
)
def test_a_folder_that_others_may_write_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    (tmp_path / "above").mkdir()
    wanted = tmp_path / "above" / "cache"
    make(wanted)
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(wanted))
    with pytest.warns(CacheWarning, match=r"cannot be kept in .*: others may write .*chmod go-w.*GRAPHAD_CACHE_DIR"):
        assert works()
    assert works()  # no second warning
    assert not wanted.exists() or not list(wanted.iterdir())
    private = cache_info().folder
    assert private != wanted
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert cache_info().entries == 1


def test_what_lay_in_such_a_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(tmp_path / "cache"))
    load(SQUARE)
    (tmp_path / "cache").chmod(0o702)
    with pytest.warns(CacheWarning, match="others may write it"):
        assert not load(SQUARE).from_cache


def test_a_folder_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir(mode=0o755)
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.warns(CacheWarning, match=r"cannot be kept in .*: it belongs to \w+"):
        assert works()
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("what", ["entry", "file"])
def test_what_others_may_write_inside_is_compiled_anew(fresh_cache: Path, what: str) -> None:
    entry = load(SQUARE).source_path.parent
    (entry if what == "entry" else entry / "program.bin").chmod(0o777)
    assert not load(SQUARE).from_cache
    assert load(SQUARE).from_cache


def test_what_is_made_is_this_users_alone(fresh_cache: Path) -> None:
    before = os.umask(0)
    try:
        load(SQUARE)
    finally:
        os.umask(before)
    made = [fresh_cache, *fresh_cache.rglob("*")]
    assert len(made) > 4
    assert all(not path.stat().st_mode & 0o077 for path in made)


def test_a_link_to_an_own_folder_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("own")
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(tmp_path / "link"))
    assert works()
    assert cache_info().folder == tmp_path / "own"


def test_the_folder_below_a_sticky_one_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(tmp_path / "tmp" / "cache"))
    assert works()


def test_a_checksum_is_of_the_name_too() -> None:
    assert trust.checksum("a", b"bc") != trust.checksum("ab", b"c")
    assert trust.checksum("a", b"b") != trust.checksum("b", b"b")


def test_private_folders_of_dead_processes_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders.tempfile, "gettempdir", lambda: str(tmp_path))
    dead = tmp_path / f"graphad-{folders._host()}-{2**22 + 1}-abc"
    alive = tmp_path / f"graphad-{folders._host()}-{os.getpid()}-abc"
    other = tmp_path / "graphad-notes"
    for path in (dead, alive, other):
        path.mkdir()
    folders._sweep_private(tmp_path)
    assert [path.exists() for path in (dead, alive, other)] == [False, True, True]
