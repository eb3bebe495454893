"""Training: the loop, its checkpoints, and recipes whose results were measured.

* `fit`: the loop; `history`: what it answers; `progress`: the bar
* `checkpoint`: the file; `snapshot`: a training's whole state in one
* `metrics`: accuracy and predictions
* `recipes`: LeNet-5 on the digits
"""

from graphad.train.errors import CheckpointError, TrainingError
from graphad.train.fit import fit
from graphad.train.history import Epoch, History
from graphad.train.metrics import accuracy, predictions
from graphad.train.recipes import Trained, epochs_for, lenet5
from graphad.train.snapshot import load, load_model

__all__ = [
    "CheckpointError",
    "Epoch",
    "History",
    "Trained",
    "TrainingError",
    "accuracy",
    "epochs_for",
    "fit",
    "lenet5",
    "load",
    "load_model",
    "predictions",
]
