"""Operations of `benchmarks.operations` in PyTorch, eager or compiled."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from benchmarks.operations import BY_NAME
from benchmarks.worker import Task, arguments, digest, serve


def slope(f: Any, x: Any) -> Any:
    x = x.detach().requires_grad_()
    return torch.autograd.grad(f(x).sum(), x)[0]


LIBRARY = SimpleNamespace(
    sum=torch.sum,
    exp=torch.exp,
    tanh=torch.tanh,
    log1p=torch.log1p,
    max=torch.max,
    amax=torch.amax,
    argmax=torch.argmax,
    permute=lambda x, axes: x.permute(axes).contiguous(),
    erf=torch.erf,
    gelu=F.gelu,
    arcsinh=torch.asinh,
    arctanh=torch.atanh,
    hypot=torch.hypot,
    remainder=torch.remainder,
    fmod=torch.fmod,
    counts=lambda n: torch.arange(n, dtype=torch.float32),
    rows=lambda x, i: x[i],
    scattered=lambda x, i, y: x.index_add(0, i, y),
    softmax=lambda x: F.softmax(x, 1),
    slope=slope,
    margin=lambda x: F.pad(x, (1, 1, 1, 1)),
    running=lambda x: torch.cumsum(x, 0),
)


def task(name: str, threads: int, form: str) -> Task:
    torch.set_num_threads(threads)
    operation = BY_NAME[name]
    given = [torch.from_numpy(a) for a in operation.data()]

    def timed(*arrays: Any) -> Any:
        return operation.call(LIBRARY, *arrays)

    call = torch.compile(timed, dynamic=False) if form == "compiled" else timed
    facts = {"version": torch.__version__, "check": digest([call(*given)])}
    return Task(lambda: call(*given), facts=facts)


if __name__ == "__main__":
    known = arguments(BY_NAME)
    serve(lambda: task(known.task, known.threads, known.form))
