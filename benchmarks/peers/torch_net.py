"""A net of `benchmarks.nets` in PyTorch at its best on a CPU: channels_last and a fused optimiser (malloc is tuned).

Forms: eager, compiled (torch.compile), and for outputs alone frozen (traced, with the weights as constants).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from benchmarks.layers import Conv, Flatten, Layer, Linear, MaxPool, Mean, ReLU, Residual
from benchmarks.nets import NETS, Net
from benchmarks.worker import Task, arguments, digest, serve

CONV = {1: nn.Conv1d, 2: nn.Conv2d}


class Spatial(nn.Module):
    """The mean over all spatial axes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(tuple(range(2, x.ndim)))


class Pool(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.max_pool1d(x, self.size) if x.ndim == 3 else F.max_pool2d(x, self.size)


class Sum(nn.Module):
    """x + inner(x)"""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(x)


def module(layer: Layer) -> nn.Module:
    match layer:
        case Conv(inputs, outputs, kernel, stride, padding, groups, axes):
            return CONV[axes](inputs, outputs, kernel, stride, padding, groups=groups)
        case Linear(inputs, outputs):
            return nn.Linear(inputs, outputs)
        case ReLU():
            return nn.ReLU()
        case MaxPool(size):
            return Pool(size)
        case Flatten():
            return nn.Flatten()
        case Mean():
            return Spatial()
        case Residual(inner):
            return Sum(nn.Sequential(*map(module, inner)))


def model_of(net: Net) -> nn.Module:
    """The net with the common weights."""
    model = nn.Sequential(*map(module, net.layers))
    values = [array for pair in net.weights() for array in pair]
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), values, strict=True):
            parameter.copy_(torch.from_numpy(value))
    return model.to(memory_format=torch.channels_last)


def channels_last(array: Any) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


def training(model: nn.Module, loss: Callable[[], torch.Tensor], net: Net) -> Callable[[], torch.Tensor]:
    optimizer = torch.optim.SGD(model.parameters(), lr=net.rate, momentum=net.momentum, fused=True)

    def step() -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        optimizer.step()
        return value

    return step


def evaluation(net: Net, model: nn.Module, form: str) -> Callable[[], Any]:
    """The outputs."""
    x = net.data()[0]
    given = channels_last(x)
    forward: Any = model.eval()
    if form == "frozen":
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            forward = torch.jit.optimize_for_inference(torch.jit.trace(model, given))
    elif form == "compiled":
        forward = torch.compile(model, dynamic=False)

    @torch.inference_mode()
    def call() -> Any:
        return forward(torch.from_numpy(x)).numpy() if net.from_python else forward(given)

    return call


def call_of(net: Net, form: str) -> Callable[[], Any]:
    model = model_of(net)
    if net.kind == "forward":
        return evaluation(net, model, form)
    x, t = map(channels_last, net.data())
    criterion = F.cross_entropy if net.loss == "cross_entropy" else F.mse_loss

    def value(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return criterion(model(x), t)

    compiled = torch.compile(value, dynamic=False) if form == "compiled" else value
    if net.kind == "train":
        return training(model, lambda: compiled(x, t), net)
    if net.kind == "loss":
        return torch.no_grad()(lambda: compiled(x, t))
    by = [*model.parameters(), *([x.requires_grad_()] if net.by_input else [])]

    def gradients() -> list[torch.Tensor]:
        loss = compiled(x, t)
        return [loss.detach(), *torch.autograd.grad(loss, by)]

    return gradients


def task(net: Net, threads: int, form: str) -> Task:
    torch.set_num_threads(threads)
    start = time.perf_counter()
    call = call_of(net, form)
    first = call()
    facts = {"version": torch.__version__, "compile_seconds": time.perf_counter() - start}
    if net.kind == "train":
        facts["check"] = [float(value.detach()) for value in (first, call(), call())]
    else:
        facts["check"] = digest(first if isinstance(first, list) else [first])
    return Task(call, facts=facts)


if __name__ == "__main__":
    known = arguments(NETS)
    serve(lambda: task(NETS[known.task], known.threads, known.form))
