"""The names of `import graphad`, and what it does not load."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import graphad as ga
from graphad import ops

HEAVY = ("numba", "llvmlite", "scipy", "sympy", "networkx", "matplotlib", "sklearn", "rich", "typer", "safetensors")
OURS = ("graphad.train", "graphad.nn", "graphad.optim", "graphad.data")


def test_heavy_modules_load_on_first_use() -> None:
    code = f"import sys, graphad; print([m for m in {HEAVY + OURS!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "[]\n"


def test_every_name_is_there() -> None:
    assert [name for name in ga.__all__ if not hasattr(ga, name)] == []
    assert len(set(ga.__all__)) == len(ga.__all__)
    assert set(ops.__all__) <= set(ga.__all__)
    assert set(dir(ga)) == set(ga.__all__)


def test_packages_are_attributes() -> None:
    assert ga.nn.Linear(2, 1) is not None
    assert ga.optim.SGD(lr=0.1) is not None
    assert callable(ga.train.fit)
    assert callable(ga.data.digits)
    assert ga.__version__ == version("graphad")


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'graphad' has no attribute 'no_such'"):
        _ = ga.no_such  # type: ignore[attr-defined]


def test_errors_have_one_root() -> None:
    errors = [getattr(ga, name) for name in ga.__all__ if name.endswith("Error")]
    assert len(errors) >= 11
    assert all(issubclass(error, ga.GraphadError) for error in errors)
