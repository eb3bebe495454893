"""What every test shares: one kernel cache a run, and Hypothesis without deadlines."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A deadline would fail on the first example, which compiles; "too slow" is said of a machine that others use as well.
settings.register_profile(
    "default", deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """--renew: golden texts are written, not compared."""
    parser.addoption("--renew", action="store_true", help="write the golden texts anew")


@pytest.fixture(scope="session")
def renew(request: pytest.FixtureRequest) -> bool:
    """Whether golden texts are to be written."""
    return bool(request.config.getoption("--renew"))


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled kernels of the tests in the build folder, shared by workers and runs, out of the user's cache."""
    os.environ.setdefault("GRAPHAD_CACHE_DIR", str(config.rootpath / "build" / "cache"))


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    """The folder in which this run's compiled kernels are kept."""
    return Path(os.environ["GRAPHAD_CACHE_DIR"])


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder for one test, for tests about the cache itself."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(folder))
    return folder
