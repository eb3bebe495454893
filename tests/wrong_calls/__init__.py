"""Wrong calls of everything that is public, each with the error that says so: what the rows are made of.

A row is (call, error class, part of its message). Calls are texts in the names of this module, so that a fuzzer can
change their arguments: ``eval(call, vars(wrong_calls))``.
"""

from typing import Any, TypeAlias

import numpy as np

import graphad as ga
from graphad import chain as chain
from graphad import data, nn, optim, train
from graphad import elimination as elimination
from graphad import modes as modes
from graphad import recompute as recompute
from graphad import sparse as sparse

Row: TypeAlias = tuple[str, type[ga.GraphadError], str]

F = nn.functional
NAN, INF = float("nan"), float("inf")
MASKED = np.ma.masked_array([1.0, 2.0], [True, False])
MASKED3 = np.ma.masked_array(np.zeros(3, np.float32), [True, False, False])
NUMPY_5 = np.array(5)
X = ga.input("x", ("N", 3))
V = ga.input("v", (3,))
INDEX = ga.input("index", (2,), "int64")
LABELS = ga.input("labels", ("N",), "int64")
FLAG = ga.input("flag", (2,), "bool")
IMAGE = ga.input("image", ("N", 2, 6, 6))
W = ga.parameter("w", np.ones((3, 2), np.float32))
KERNEL = ga.parameter("kernel", np.ones((4, 2, 3, 3), np.float32))
LOSS = ga.sum(X * X)
TWICE = ga.compile([V], 2 * V, target="numpy")
ROWS = ga.compile([X], 2 * X)
OPTIMIZER = optim.SGD(lr=0.1)


def set_value(value: object) -> None:
    """A parameter's value set."""
    ga.parameter("p", [1.0, 2.0]).value = value  # type: ignore[assignment]


def fit(**changed: Any) -> object:
    """A training with one argument changed."""
    loader = data.Loader(np.zeros((4, 3), np.float32), np.zeros(4, np.int64), 2, 0)
    given = {
        "step": lambda *batch: 1.0,
        "loader": loader,
        "epochs": 1,
        "model": nn.Linear(3, 2),
        "optimizer": OPTIMIZER,
    }
    return train.fit(**(given | {"progress": False} | changed))
