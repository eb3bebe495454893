"""Which parameters a value depends on."""

from typing import Any

from graphad.autodiff.local import differentiable, inputs_of
from graphad.autodiff.modes import order
from graphad.autodiff.structure import flatten
from graphad.compiler.ir.graph import topological
from graphad.tensor import Parameter, Tensor


class UntrainedWarning(UserWarning):
    """A loss depends on a parameter that its optimiser does not update."""


def parameters(y: Any) -> list[Parameter]:
    """The parameters that a tensor, or any of a list, tuple or dict of tensors, depends on, in order of creation.

    >>> import graphad as ga
    >>> a, b, c = (ga.parameter(name, 1.0) for name in "abc")
    >>> ga.parameters(c * ga.exp(a))
    [<parameter 'a': float32[]>, <parameter 'c': float32[]>]
    """
    found = [node for node in topological(flatten("parameters", y)) if isinstance(node, Parameter)]
    return sorted(found, key=lambda leaf: leaf.number)


def movable(y: Tensor) -> list[Parameter]:
    """Those whose change changes ``y`` by its derivative: not those behind stop_gradient only, in order of creation."""
    found = {y}
    for node in reversed(order([y])):
        if node in found and differentiable(node):
            found.update(inputs_of(node))
    leaves = [node for node in found if isinstance(node, Parameter) and differentiable(node)]
    return sorted(leaves, key=lambda leaf: leaf.number)
