"""What an optimiser is: it writes new values of parameters, and of the states it keeps, as nodes of the graph."""

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import numpy as np

from graphad.autodiff import UntrainedWarning, grad, movable, order
from graphad.build import refuse
from graphad.checks import listed, mapped, real, shown
from graphad.compiler.errors import GraphadError, GraphError, ShapeError
from graphad.compiler.ir.dtypes import is_float
from graphad.leaves import state
from graphad.nn import storage
from graphad.ops.creation import zeros_like
from graphad.sites import caller
from graphad.tensor import Parameter, State, Tensor, Variable

Updates = dict[Variable, Tensor]
"""{leaf: its next value}, for ``ga.compile(..., updates=...)``."""

NAMED: Final = 5
"""How many parameters a warning names."""


@final
class Rate(State):
    """A learning rate: a number in [0, inf), however it is set."""

    __slots__ = ()

    def misfit(self, array: np.ndarray) -> GraphadError | None:
        found = super().misfit(array)
        if found is None and not 0 <= array < math.inf:
            return GraphError(f"lr is in [0, inf), got {array}")
        return found


class Optimizer(ABC):
    """Subclasses write one parameter's rule, ``_rule``. All updates of a step are simultaneous.

    The learning rate is a float64 state, read when the compiled function runs: setting it compiles nothing.
    """

    def __init__(self, lr: float) -> None:
        self._states: dict[str, State] = {}
        self._names: dict[Parameter, str] = {}
        self._lr = Rate("lr", np.array(_positive(type(self).__name__, "lr", lr)))
        self._states["lr"] = self._lr

    @property
    def lr(self) -> State:
        """The learning rate's leaf; ``lr.value`` is its number."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr.value = np.float64(_positive(type(self).__name__, "lr", value))

    def minimize(self, loss: Tensor, parameters: Sequence[Parameter]) -> Updates:
        """One step down the gradient of a scalar: {leaf: new value} for the parameters and the optimiser's states.

        A parameter that the loss does not depend on has the gradient zero. Warnings: UntrainedWarning for parameters
        of the loss that are not among ``parameters``; ``ga.stop_gradient`` says that they are meant to stay.

        >>> import graphad as ga
        >>> w = ga.parameter("w", [3.0])
        >>> updates = ga.optim.SGD(lr=0.5).minimize(ga.sum(w * w), [w])
        >>> ga.evaluate(updates[w])
        array([0.], dtype=float32)
        """
        given: tuple[object, object] = loss, parameters  # the user's: may be anything
        if not isinstance(given[0], Tensor) or isinstance(given[1], Tensor):
            refuse(GraphError, type(self).__name__, (), "minimize takes the loss, then the parameters: (loss, [w, b])")
        leaves = listed(type(self).__name__, "parameters", parameters, "parameters")
        if not leaves:
            refuse(GraphError, type(self).__name__, (), "there are no parameters to update")
        found = self.updates(_gradients(loss, leaves))
        self._warn(loss, leaves)
        return found

    def updates(self, gradients: Mapping[Parameter, Tensor]) -> Updates:
        """The same from gradients of the user's own making: clipped, averaged, of several losses."""
        found: Updates = {}
        mapped(type(self).__name__, "gradients", gradients, "{parameter: gradient}")
        for leaf, gradient in gradients.items():
            self._check(leaf, gradient)
        self._begin(found)
        for leaf, gradient in gradients.items():
            found[leaf] = self._rule(leaf, gradient, found)
        return found

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the learning rate and of all states, by name."""
        return storage.dump(self._states)

    def load_state_dict(self, values: Mapping[str, Any]) -> None:
        """Sets them all, after ``minimize`` has made them. Errors: StateError that lists what does not fit."""
        storage.load(f"{type(self).__name__}.load_state_dict", self._states, values)

    @property
    def states(self) -> dict[str, State]:
        """The learning rate and the states made so far, by name."""
        return dict(self._states)

    def _begin(self, updates: Updates) -> None:  # noqa: B027 (plain descent has nothing to add)
        """Adds the updates of what all parameters share."""

    @abstractmethod
    def _rule(self, leaf: Parameter, gradient: Tensor, updates: Updates) -> Tensor:
        """The parameter's next value; adds the next values of its states to ``updates``."""

    def _warn(self, loss: Tensor, leaves: Sequence[Parameter]) -> None:
        """Says which parameters of the loss are forgotten."""
        given = set(leaves)
        others = [leaf for leaf in movable(loss) if leaf not in given]
        if others:
            names = ", ".join(f"{leaf.name!r} ({leaf.site})" for leaf in others[:NAMED])
            more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
            site = caller()
            message = (
                f"{type(self).__name__}: the loss depends on parameters that are not updated: {names}{more}; add them, "
                "as ga.parameters(loss) does, or write ga.stop_gradient around what is meant to stay"
            )
            warnings.warn_explicit(message, UntrainedWarning, site.file, site.line)

    def _check(self, leaf: Parameter, gradient: Tensor) -> None:
        name = type(self).__name__
        if not isinstance(leaf, Parameter):
            refuse(GraphError, name, (leaf,), "updates parameters only; make one with ga.parameter")
        given: object = gradient  # the user's: may be anything
        if not isinstance(given, Tensor):
            refuse(GraphError, name, (leaf,), f"the gradient of {leaf.name!r} is a tensor, got {shown(given)}")
        if gradient.shape != leaf.shape:
            refuse(
                ShapeError,
                name,
                (leaf, gradient),
                f"the gradient of {leaf.name!r} has shape {list(gradient.shape)}, expected {list(leaf.shape)}",
            )

    def _state(self, name: str, value: Any) -> State:
        """The state of that name, made on first use."""
        if name not in self._states:
            self._states[name] = state(name, value)
        return self._states[name]

    def _slot(self, kind: str, leaf: Parameter) -> State:
        """A state of the parameter's shape, zeros at first, named after both."""
        return self._state(f"{kind}.{self._name(leaf)}", np.zeros(leaf.storage.shape, leaf.storage.dtype))

    def _name(self, leaf: Parameter) -> str:
        """The parameter's name; a number tells two of one name apart."""
        if leaf not in self._names:
            taken = set(self._names.values())
            name, count = leaf.name, 1
            while name in taken:
                count += 1
                name = f"{leaf.name}~{count}"
            self._names[leaf] = name
        return self._names[leaf]

    def _rate(self, leaf: Parameter) -> Tensor:
        """The learning rate in the parameter's dtype."""
        return self._lr.astype(leaf.dtype)


def _gradients(loss: Tensor, leaves: Sequence[Parameter]) -> dict[Parameter, Tensor]:
    """The loss's gradients, zero for a float parameter that it does not depend on."""
    if loss.shape == () and is_float(loss.dtype):  # else grad says what is wrong
        below = set(order([loss]))
        reached = [p for p in leaves if not _trainable(p) or p in below]
    else:
        reached = list(leaves)
    found = dict(zip(reached, grad(loss, reached), strict=True)) if reached else {}
    return {leaf: found[leaf] if leaf in found else zeros_like(leaf) for leaf in leaves}


def _trainable(leaf: object) -> bool:
    return isinstance(leaf, Parameter) and is_float(leaf.dtype)


def _positive(who: str, what: str, value: float) -> float:
    return real(who, what, value, 0)
