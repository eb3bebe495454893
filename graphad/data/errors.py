"""The one error of this package."""

from graphad.runtime.errors import GraphadError


class DataError(GraphadError, ValueError):
    """Data that cannot be used as it is: a missing, broken or foreign file, arrays that do not belong together."""
