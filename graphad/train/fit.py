"""The training loop."""

import math
import os
import time
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from graphad.build import refuse
from graphad.checks import flag, function, shown, text, whole
from graphad.compiler.errors import GraphError
from graphad.nn.module import Module
from graphad.optim import Optimizer, Schedule
from graphad.train import snapshot
from graphad.train.errors import TrainingError
from graphad.train.history import Epoch, History
from graphad.train.progress import Advance, bar


@runtime_checkable
class Batches(Protocol):
    """What ``fit`` draws batches from, such as ``data.Loader``: epoch k is the same whenever it is asked for."""

    seed: int

    def __len__(self) -> int: ...

    def epoch(self, k: int) -> Iterator[tuple[Any, ...]]: ...


def fit(
    step: Callable[..., Any],
    loader: Batches,
    epochs: int,
    *,
    model: Module,
    optimizer: Optimizer,
    schedule: Schedule | None = None,
    validate: Callable[[], float] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    log: Callable[[Epoch], None] | None = None,
    progress: bool = True,
) -> History:
    """Calls ``step`` on every batch of every epoch; validates, saves and reports after each epoch.

    Args:
        step: the compiled training step: ``step(*batch)`` answers the loss and updates the parameters.
        loader: batches, the same each time epoch k is asked for.
        epochs: how many in all, those done before a ``resume`` included.
        model, optimizer: whose values the checkpoints hold.
        schedule: sets the learning rate before each step, at the time in epochs with fractions.
        validate: () -> accuracy, called after each epoch; greater is better.
        checkpoint: a folder for ``last.safetensors``, after each epoch, and ``best.safetensors``.
        resume: go on from ``last.safetensors`` where there is one. The numbers are those of an unbroken run, to the
            bit: the order of the batches, the rate and the optimiser's states are all functions of the checkpoint.
        log: called with each finished epoch.
        progress: a bar, where standard error is a terminal.

    Errors: CheckpointError for a checkpoint that does not fit, before anything is loaded; TrainingError for a loss
    that is not finite.
    """
    function("fit", "step", step, "a batch")
    whole("fit", "epochs", epochs, 0)
    resume, progress = flag("fit", "resume", resume), flag("fit", "progress", progress)
    _check_parts(loader, model, optimizer, schedule, validate, log)
    folder = None if checkpoint is None else Path(text("fit", "checkpoint", _path(checkpoint)))
    history = History()
    if resume and folder is not None and (folder / snapshot.LAST).exists():
        history = snapshot.load(folder / snapshot.LAST, model, optimizer, loader.seed)
    with bar(epochs, len(history), progress) as advance:
        for number in range(len(history), epochs):
            began = time.perf_counter()
            loss = _epoch(step, loader, number, schedule, advance)
            accuracy = None if validate is None else float(validate())
            rate = float(optimizer.lr.value)
            epoch = Epoch(number, loss, accuracy, rate, time.perf_counter() - began)
            history.append(epoch)
            if folder is not None:
                snapshot.save(folder, model, optimizer, loader.seed, history)
            if log is not None:
                log(epoch)
    return history


def _epoch(
    step: Callable[..., Any], loader: Batches, number: int, schedule: Schedule | None, advance: Advance
) -> float:
    """One epoch's mean loss over its examples."""
    total, count = 0.0, 0
    for i, batch in enumerate(loader.epoch(number)):
        if schedule is not None:
            schedule.set(number + i / len(loader))
        loss = _number(step(*batch), number, i)
        size = len(batch[0])
        total, count = total + loss * size, count + size
        advance(number + (i + 1) / len(loader), f"loss {total / count:.4f}")
    if not count:
        raise TrainingError(f"epoch {number} has no batches")
    return total / count


def _number(value: Any, epoch: int, batch: int) -> float:
    array = np.asarray(value)
    if array.shape != ():
        raise TrainingError(
            f"the step answers its loss, one number, got shape {list(array.shape)}; compile it with the loss alone"
        )
    loss = float(array)
    if not math.isfinite(loss):
        raise TrainingError(
            f"the loss is {loss} in epoch {epoch}, batch {batch} (both from 0); a smaller learning rate? "
            "ga.Options(nan_guard=True) names the node that made the first NaN"
        )
    return loss


def _check_parts(loader: object, model: object, optimizer: object, *optional: object) -> None:
    """That each part is what its name says."""
    schedule, *called = optional
    kinds: tuple[tuple[str, object, type, str], ...] = (
        ("loader", loader, Batches, "batches, such as data.Loader"),
        ("model", model, Module, "a layer"),
        ("optimizer", optimizer, Optimizer, "an optimiser"),
        ("schedule", schedule, Schedule, "a schedule"),
    )
    for name, value, kind, wanted in kinds:
        if not isinstance(value, kind) and not (name == "schedule" and value is None):
            refuse(GraphError, "fit", (), f"{name} is {wanted}, got {shown(value)}")
    for name, value, form in (("validate", called[0], "()"), ("log", called[1], "an epoch")):
        if value is not None:
            function("fit", name, value, form)


def _path(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value
