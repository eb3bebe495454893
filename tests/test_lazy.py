"""Modules that load on first use."""

import inspect
import subprocess
import sys

import pytest

from graphad._lazy import MissingModuleError, lazy_import


def test_nothing_is_imported_before_use() -> None:
    code = (
        "import sys; from graphad._lazy import lazy_import; m = lazy_import('xml.dom.minidom');"
        "hasattr(m, '__wrapped__'); assert 'xml.dom.minidom' not in sys.modules;"
        "m.Document; assert 'xml.dom.minidom' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_module_says_which_extra_brings_it() -> None:
    with pytest.raises(MissingModuleError, match=r'^no_such.part is not installed: pip install "graphad\[data\]"$'):
        _ = lazy_import("no_such.part", extra="data").anything
    with pytest.raises(ImportError, match=r"^no_such.part is not installed: pip install no_such$"):
        _ = lazy_import("no_such.part").anything


def test_an_attribute_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such"):
        _ = lazy_import("fractions").no_such


def test_inspection_does_not_import() -> None:
    assert inspect.unwrap(lazy_import("no_such")) is not None


def test_an_import_that_fails_inside_the_module_is_not_taken_for_a_missing_module(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "lazy_broken.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(folder)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency") as caught:
        _ = lazy_import("lazy_broken", extra="data").anything
    assert not isinstance(caught.value, MissingModuleError)
