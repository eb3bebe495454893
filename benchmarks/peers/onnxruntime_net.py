"""The outputs of a net of `benchmarks.nets` in onnxruntime, with all its graph optimisations."""

from __future__ import annotations

import time
from typing import Any

import onnxruntime

from benchmarks.nets import NETS, Net
from benchmarks.peers.onnx_model import serialized
from benchmarks.worker import Task, arguments, digest, serve


def session_of(model: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def task(net: Net, threads: int) -> Task:
    start = time.perf_counter()
    session = session_of(serialized(net), threads)
    given = {"x": net.data()[0]}
    names = [output.name for output in session.get_outputs()]
    first = session.run(names, given)
    facts = {"version": onnxruntime.__version__, "compile_seconds": time.perf_counter() - start}
    return Task(lambda: session.run(names, given), facts=facts | {"check": digest(first)})


if __name__ == "__main__":
    known = arguments([name for name, net in NETS.items() if net.kind == "forward"])
    serve(lambda: task(NETS[known.task], known.threads))
