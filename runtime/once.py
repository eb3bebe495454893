"""Properties that are computed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from functools import cached_property  # noqa: TID251 (its types)
else:

    class cached_property:  # noqa: N801 (it stands for functools')
        """As ``functools.cached_property``, without the lock that this has up to Python 3.11.

        That one is shared by all objects of a class: threads wait for each other's compilations, and a child that is
        forked meanwhile for ever. Of two threads that come at once both compute, and the last value stays.

        >>> class Circle:
        ...     radius = 2
        ...
        ...     @cached_property
        ...     def area(self):
        ...         return 3.14 * self.radius**2
        >>> circle = Circle()
        >>> circle.area, circle.__dict__
        (12.56, {'area': 12.56})
        """

        def __init__(self, function: Callable[[Any], Any]) -> None:
            self.function = function
            self.__doc__ = function.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, instance: object, owner: type | None = None) -> Any:
            if instance is None:
                return self
            value = instance.__dict__[self.name] = self.function(instance)
            return value


__all__ = ["cached_property"]
