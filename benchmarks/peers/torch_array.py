"""Work of `benchmarks.arrays` in PyTorch, eager or compiled (malloc is tuned, so that freed memory is used again)."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from benchmarks.arrays import COLUMNS, EPSILON, KINDS, chain, data, gains, labels
from benchmarks.worker import Task, arguments, digest, serve


def function(kind: str, compiled: bool) -> Any:
    gain, shift = map(torch.from_numpy, gains())
    functions: dict[str, Any] = {
        "elementwise-chain": lambda x: chain(F, x),
        "layer-norm": lambda x: F.layer_norm(x, (COLUMNS,), gain, shift, EPSILON),
        "softmax-cross-entropy": F.cross_entropy,
    }
    return torch.compile(functions[kind], dynamic=False) if compiled else functions[kind]


def task(kind: str, threads: int, form: str) -> Task:
    torch.set_num_threads(threads)
    timed, x = function(kind, form == "compiled"), torch.from_numpy(data())
    t = torch.from_numpy(labels())

    def gradient() -> list[torch.Tensor]:
        value = timed(x, t)
        return [value.detach(), *torch.autograd.grad(value, x)]

    if kind == "softmax-cross-entropy":
        x.requires_grad_()
        call: Any = gradient
    else:
        call = torch.inference_mode()(lambda: [timed(x)])
    start = time.perf_counter()
    first = call()
    facts = {"version": torch.__version__, "compile_seconds": time.perf_counter() - start, "check": digest(first)}
    return Task(call, facts=facts)


if __name__ == "__main__":
    known = arguments(KINDS)
    serve(lambda: task(known.task, known.threads, known.form))
