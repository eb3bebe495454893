"""How long graphad takes from the first line of a training step to its first result; LLVM's import stands apart.

The cache is the one that GRAPHAD_CACHE_DIR names: empty, or filled by a process before.
"""

from __future__ import annotations

import importlib
import time
from importlib.metadata import version

from benchmarks.nets import NETS
from benchmarks.peers.graphad_net import function
from benchmarks.worker import Task, arguments, serve


def task(name: str, threads: int) -> Task:
    net = NETS[name]
    given = net.data()
    start = time.perf_counter()
    importlib.import_module("llvmlite.binding")
    imported = time.perf_counter()
    call = function(net, threads)
    call(*given)
    seconds = time.perf_counter() - imported
    facts = {"version": version("graphad"), "import_seconds": imported - start, "compile_seconds": seconds}
    return Task(lambda: call(*given), facts=facts)


if __name__ == "__main__":
    known = arguments(NETS)
    serve(lambda: task(known.task, known.threads))
