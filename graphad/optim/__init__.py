"""Optimisers: new values of parameters as nodes of the graph, with formulas exactly torch's.

* `optimizer`: what all share: states, the learning rate as a run-time value; `sgd`, `adam`: the rules
* `schedule`: learning rates over time; `clip`: gradients kept from growing too long
"""

from graphad.optim.adam import Adam, AdamW
from graphad.optim.clip import clip_by_global_norm, global_norm
from graphad.optim.optimizer import Optimizer, Updates
from graphad.optim.schedule import CosineLR, Schedule, StepLR
from graphad.optim.sgd import SGD

__all__ = [
    "Adam",
    "AdamW",
    "SGD",
    "Optimizer",
    "Updates",
    "CosineLR",
    "Schedule",
    "StepLR",
    "clip_by_global_norm",
    "global_norm",
]
