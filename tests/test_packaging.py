"""The three folders reach the user under one name, whole."""

import ast
import doctest
import importlib
import pkgutil
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import graphad as ga

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


def listed(module: ModuleType) -> list[str]:
    """A module's ``__all__`` as type checkers read it: literals, and ``+= m.__all__`` after ``import a.b as m``."""
    tree = ast.parse(Path(str(module.__file__)).read_text())
    known = {a.asname: a.name for n in tree.body if isinstance(n, ast.Import) for a in n.names if a.asname}
    found: list[str] = []
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                found += ast.literal_eval(value)
            case ast.AugAssign(target=ast.Name(id="__all__"), value=ast.Attribute(value=ast.Name(id=name))):
                found += listed(importlib.import_module(known[name]))
    return found


def test_type_checkers_see_every_name() -> None:
    assert sorted(listed(ga)) == sorted(ga.__all__)
    assert {"exp", "sum", "where", "reshape", "matmul", "parameters"} <= set(listed(ga))


def test_extras_do_not_conflict() -> None:
    """No two extras ask for different things of one package, so that all resolve together."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked: dict[str, set[str]] = {}
    for needs in (project["dependencies"], *project["optional-dependencies"].values()):
        for need in needs:
            name = need.split("[")[0].split(">")[0].split("=")[0]
            if name != "graphad":
                asked.setdefault(name, set()).add(need)
    assert {name: found for name, found in asked.items() if len(found) > 1} == {}
    assert not [name for name in project["optional-dependencies"] if name.startswith("cuda")]


def test_a_source_distribution_is_whole(tmp_path: Path) -> None:
    """All that is needed to test, check and document it."""
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path / "source"
    skipped = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "demo", "uv.lock")
    shutil.copytree(ROOT, source, ignore=skipped, ignore_dangling_symlinks=True)
    script = "import sys, setuptools.build_meta as b; b.build_sdist(sys.argv[1])"
    made = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=source, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    with tarfile.open(next(tmp_path.glob("graphad-*.tar.gz"))) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    files = [path for path in source.rglob("*") if path.is_file() and ".egg-info" not in str(path)]
    assert [name for path in files if (name := str(path.relative_to(source))) not in held] == []


def test_the_command_line_says_its_version() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from graphad.cli import main; main(['--version'])"], capture_output=True, text=True
    )
    assert done.stdout == f"graphad {ga.__version__}\n"
    assert done.returncode == 0
