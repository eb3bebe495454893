"""A training's whole state, to a checkpoint and back: weights, layers' states, optimiser, history."""

import reprlib
from pathlib import Path
from typing import Final

from graphad.nn import storage
from graphad.nn.module import Module
from graphad.optim import Optimizer
from graphad.runtime import FormatError
from graphad.tensor import Variable
from graphad.train import checkpoint
from graphad.train.errors import CheckpointError
from graphad.train.history import History

LAST: Final = "last.safetensors"
BEST: Final = "best.safetensors"


def _leaves(model: Module, optimizer: Optimizer) -> dict[str, Variable]:
    found: dict[str, Variable] = {f"model.{name}": leaf for name, leaf in model.named_leaves().items()}
    return found | {f"optimizer.{name}": leaf for name, leaf in optimizer.states.items()}


def save(folder: Path, model: Module, optimizer: Optimizer, seed: int, history: History) -> None:
    """Writes ``last.safetensors``, and ``best.safetensors`` first if the last epoch is the best so far."""
    arrays = storage.dump(_leaves(model, optimizer))
    facts = {"epochs": len(history), "seed": seed, "best": history.best, "history": history.facts()}
    if history.best_epoch == len(history) - 1:
        checkpoint.write(folder / BEST, arrays, facts)
    checkpoint.write(folder / LAST, arrays, facts)


def load(path: Path, model: Module, optimizer: Optimizer, seed: int | None = None) -> History:
    """Sets model and optimiser to a checkpoint's values and answers its history.

    Errors: CheckpointError that names the file, for one that is truncated, foreign, of another model or optimiser, or
    of another seed than ``seed``; nothing is set then.
    """
    arrays, facts = checkpoint.read(path)
    try:
        history = History.of(facts.get("history"))
    except FormatError as error:
        raise CheckpointError(f"{path}: {error}") from error
    if seed is not None and facts.get("seed") != seed:
        raise CheckpointError(
            f"{path}: was trained with seed {reprlib.repr(facts.get('seed'))}, the batches have seed {seed}; "
            "use that seed, or resume=False to start anew"
        )
    try:
        storage.load(str(path), _leaves(model, optimizer), arrays)
    except storage.StateError as error:
        raise CheckpointError(str(error)) from error
    return history


def load_model(path: Path, model: Module) -> None:
    """Sets a model's weights and states alone. Errors: CheckpointError; nothing is set then."""
    arrays, _ = checkpoint.read(path)
    weights = {name.removeprefix("model."): value for name, value in arrays.items() if name.startswith("model.")}
    try:
        storage.load(str(path), model.named_leaves(), weights)
    except storage.StateError as error:
        raise CheckpointError(str(error)) from error
