"""``graphad train lenet5``."""

import time
from pathlib import Path

from rich.console import Console

from graphad import data as sources
from graphad import train
from graphad.cli import plot, tables
from graphad.data import Dataset
from graphad.leaves import input as placeholder
from graphad.nn import summary


def dataset(name: str, seed: int) -> Dataset:
    """The digits, or the files in a folder."""
    return sources.digits(seed) if name == "digits" else sources.mnist(name)


def lenet5(
    data: str,
    epochs: int | None,
    lr: float,
    seed: int,
    batch: int,
    out: Path,
    threads: int | None,
    target: str,
    resume: bool,
) -> None:
    """Trains, prints tables, and writes ``out/lenet5.png`` and the checkpoints."""
    began = time.perf_counter()
    console = Console()
    images = dataset(data, seed)
    console.print(images)

    def log(epoch: train.Epoch) -> None:
        total = train.epochs_for(images) if epochs is None else epochs
        if (epoch.number + 1) % max(1, total // 10) == 0:
            console.print(f"epoch {epoch.number + 1:3}  loss {epoch.loss:.4f}  test accuracy {epoch.accuracy:.2%}")

    trained = train.lenet5(
        images,
        seed=seed,
        epochs=epochs,
        lr=lr,
        batch=batch,
        threads=threads,
        target=target,
        checkpoint=out,
        resume=resume,
        log=log,
    )
    path = out / "lenet5.png"
    plot.training(path, trained.history, images, trained.predicted)
    _report(console, trained, batch)
    wrong = int((trained.predicted != images.test_labels).sum())
    console.print(f"test accuracy [bold]{trained.accuracy:.2%}[/] ({wrong} of {len(images.test_labels)} wrong)")
    console.print(f"{path}, checkpoints beside it; {time.perf_counter() - began:.1f} s in all")


def _report(console: Console, trained: train.Trained, batch: int) -> None:
    """The model's table, what the compiler's stages did, and the times."""
    console.print(tables.model(summary(trained.model, placeholder("x", ("N", 1, 32, 32)))))
    trained.step.specialize(N=batch)  # the last call's batch was smaller
    print(trained.step.explain())  # not through rich, which would break its long lines
    console.print(f"compiled in {trained.compile_seconds:.2f} s, {trained.step_seconds * 1e3:.2f} ms a step")
