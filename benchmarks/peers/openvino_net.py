"""The outputs of a net of `benchmarks.nets` in OpenVINO, read from the model that onnxruntime gets."""

from __future__ import annotations

import time

import openvino

from benchmarks.nets import NETS, Net
from benchmarks.peers.onnx_model import serialized
from benchmarks.worker import Task, arguments, digest, serve


def task(net: Net, threads: int) -> Task:
    start = time.perf_counter()
    core = openvino.Core()
    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(core.read_model(serialized(net)), "CPU", options).create_infer_request()
    given = openvino.Tensor(net.data()[0], shared_memory=True)
    request.set_input_tensor(given)
    request.infer()
    first = request.get_output_tensor().data.copy()
    facts = {"version": openvino.__version__, "compile_seconds": time.perf_counter() - start}
    return Task(request.infer, facts=facts | {"check": digest([first])})


if __name__ == "__main__":
    known = arguments([name for name, net in NETS.items() if net.kind == "forward"])
    serve(lambda: task(NETS[known.task], known.threads))
