"""What training stops with."""

from graphad.runtime.errors import GraphadError


class CheckpointError(GraphadError):
    """A checkpoint cannot be written, or used: missing, truncated, foreign, of another model. Names the file."""


class TrainingError(GraphadError):
    """Training cannot go on: the loss is not finite, the step does not answer one number."""
