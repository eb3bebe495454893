"""The three folders reach the user under one name, whole."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"graphad": "graphad", "graphad.compiler": "compiler", "graphad.runtime": "runtime"}


def modules() -> list[str]:
    names: list[str] = []
    for room in ROOMS:
        package = importlib.import_module(room)
        names += [room, *(m.name for m in pkgutil.walk_packages(package.__path__, f"{room}."))]
    return sorted(set(names))


@pytest.mark.parametrize("folder", ROOMS.values())
def test_every_folder_with_code_is_a_package(folder: str) -> None:
    """The wheel holds packages only: a folder without __init__.py would work here and be missing there."""
    with_code = {path.parent for path in (ROOT / folder).rglob("*.py")}
    assert [str(f.relative_to(ROOT)) for f in sorted(with_code) if not (f / "__init__.py").exists()] == []


@pytest.mark.parametrize(("room", "folder"), ROOMS.items())
def test_each_folder_is_imported_under_the_one_name(room: str, folder: str) -> None:
    assert Path(importlib.import_module(room).__path__[0]).resolve() == ROOT / folder


@pytest.mark.parametrize("name", modules())
def test_doctests(name: str) -> None:
    """Run through the installed name: collected by path, compiler/ and runtime/ would be imported a second time."""
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
