"""LeNet-5 in PyTorch at its best on a CPU: channels_last and a fused optimiser (the harness tunes malloc).

With --compiled, through torch.compile.
"""

import time
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.lenet_data import timing_batch
from benchmarks.worker import Task, arguments, serve


def lenet5() -> nn.Sequential:
    """32x32 images of one channel to ten logits."""
    features = (nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
    classifier = (nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    return nn.Sequential(*features, nn.Flatten(), *classifier)


def task(size: int, threads: int, kind: str, compiled: bool) -> Task:
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    images, labels = timing_batch(size)
    x = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
    t = torch.from_numpy(labels)
    model = lenet5().to(memory_format=torch.channels_last)
    forward = torch.compile(model) if compiled else model
    start = time.perf_counter()
    call = calls(model, lambda: nn.functional.cross_entropy(forward(x), t))[kind]
    call()
    return Task(call, facts={"version": torch.__version__, "compile_seconds": time.perf_counter() - start})


def calls(model: nn.Module, loss: Callable[[], torch.Tensor]) -> dict[str, Callable[[], object]]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)

    def gradient() -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        return value

    def step() -> torch.Tensor:
        value = gradient()
        optimizer.step()
        return value

    return {"step": step, "gradient": gradient, "loss": torch.no_grad()(loss)}


if __name__ == "__main__":
    known = arguments()
    serve(lambda: task(known.batch, known.threads, known.task, known.compiled))
