"""What a user waits for before anything runs: the import, the first compilation, and a call's overhead.

python -m benchmarks.startup --rounds 15
"""

import argparse
import os
import subprocess
import sys
import tempfile
from statistics import median

from rich.console import Console
from rich.table import Table

IMPORT = "import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"

COLD = """
import time
start = time.perf_counter()
import numpy as np
import graphad as ga
x = ga.input("x", (1000,))
f = ga.compile([x], ga.exp(x) * 2 + 1)
f(np.ones(1000, dtype=np.float32))
print(time.perf_counter() - start)
"""

COLD_NUMBA = """
import time
start = time.perf_counter()
import numpy as np
from numba import njit
@njit
def f(x):
    result = np.empty_like(x)
    for i in range(x.size):
        result[i] = np.exp(x[i]) * 2 + 1
    return result
f(np.ones(1000, dtype=np.float32))
print(time.perf_counter() - start)
"""

CALL = """
import timeit
import graphad as ga
x = ga.input("x", (), dtype="float64")
f = ga.compile([x], x * x)
f(2.0)
print(min(timeit.repeat(lambda: f(2.0), number=2000, repeat=5)) / 2000)
"""

# name -> (code, whether it starts from an empty cache); neighbours are compared, so they take turns
SUBJECTS = {
    "import numba": (IMPORT.format(module="numba"), False),
    "import graphad": (IMPORT.format(module="graphad"), False),
    "one line cold, numba": (COLD_NUMBA, False),
    "one line cold, graphad": (COLD, True),
    "one line, cache filled, graphad": (COLD, False),
    "call of a compiled scalar function": (CALL, False),
}


def seconds(code: str, cache: str, bytecode: str) -> float | str:
    """What `code` printed in a fresh process, or the last line of its error."""
    # a user's Python keeps the bytecode of what it imports, and so do these, whatever this one was told
    environment = os.environ | {"GRAPHAD_CACHE_DIR": cache, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return float(run.stdout) if run.returncode == 0 else (run.stderr.splitlines() or ["no output"])[-1]


def measure(rounds: int) -> dict[str, list[float] | str]:
    """Seconds of every subject in every round, in turn; or why it does not run."""
    results: dict[str, list[float] | str] = {name: [] for name in SUBJECTS}
    with tempfile.TemporaryDirectory() as filled, tempfile.TemporaryDirectory() as bytecode:
        for _ in range(rounds + 1):
            for name, (code, cold) in SUBJECTS.items():
                with tempfile.TemporaryDirectory() as empty:
                    _add(results, name, seconds(code, empty if cold else filled, bytecode))
    # the first round fills the caches, of files too
    return {name: taken if isinstance(taken, str) else taken[1:] for name, taken in results.items()}


def _add(results: dict[str, list[float] | str], name: str, taken: float | str) -> None:
    past = results[name]
    if isinstance(taken, str) or isinstance(past, str):
        results[name] = taken if isinstance(taken, str) else past
    else:
        past.append(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    results = measure(parser.parse_args().rounds)
    table = Table("what", "median", title="before anything runs", title_justify="left")
    for name, taken in results.items():
        table.add_row(name, f"not run: {taken}" if isinstance(taken, str) else _readable(median(taken)))
    Console(width=100).print(table)


def _readable(taken: float) -> str:
    return f"{taken * 1e6:.2f} us" if taken < 1e-3 else f"{taken * 1e3:.1f} ms"


if __name__ == "__main__":
    main()
