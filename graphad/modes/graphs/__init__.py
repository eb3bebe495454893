"""The benchmark graphs, written from the literature; importing this package registers them, in this order."""

# isort: off
from graphad.modes.graphs import (
    worked,
    roe,
    robot,
    heart,
    combustion,
    finance,
    chains,
    nets,
    transformer,
    systems,
    mixture,
    bundle,
)

__all__ = [
    "worked", "roe", "robot", "heart", "combustion", "finance", "chains", "nets", "transformer", "systems", "mixture",
    "bundle",
]  # fmt: skip
