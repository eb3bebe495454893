from collections.abc import Callable
from pathlib import Path

import pytest

from graphad.runtime import Executable, load, stats
from tests.runtime import programs


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's cache."""
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(shared_cache))
    monkeypatch.delenv("GRAPHAD_CACHE_LIMIT", raising=False)
    monkeypatch.delenv("GRAPHAD_NUM_THREADS", raising=False)


@pytest.fixture
def axpy() -> Executable:
    return load(programs.AXPY)


@pytest.fixture
def square() -> Executable:
    return load(programs.SQUARE)


@pytest.fixture
def counted() -> Callable[[], tuple[int, int]]:
    """Compilations and cache hits since the test began."""
    compiles, hits = stats.compiles, stats.cache_hits
    return lambda: (stats.compiles - compiles, stats.cache_hits - hits)
