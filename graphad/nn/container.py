"""Layers one after another."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, final

from graphad.compiler.errors import GraphError
from graphad.nn.module import Module, under

Layer: TypeAlias = Callable[..., Any]
"""A module, or any function from tensor to tensor."""


@final
class Sequential(Module):
    """``x -> last(...(first(x)))``; layers are modules and plain functions of tensors, equals of one another.

    A layer's name is its own ``name``, or its number. ``seed`` holds for all layers that have none of their own.

    >>> import graphad as ga
    >>> from graphad.nn import Linear
    >>> model = Sequential(Linear(4, 3), ga.tanh, Linear(3, 2, name="last"))
    >>> list(model.state_dict())
    ['0.weight', '0.bias', 'last.weight', 'last.bias']
    """

    def __init__(self, *layers: Layer, name: str = "", seed: int | None = None) -> None:
        self.name = name
        self.seed = seed
        found: dict[str, Layer] = {}
        for i, one in enumerate(layers):
            if not callable(one):
                raise GraphError(f"Sequential: layer {i} is no module and no function of a tensor: {one!r}")
            key = (one.name if isinstance(one, Module) else "") or str(i)
            if key in found:
                raise GraphError(f"Sequential: two layers are named {key!r}; each needs a name of its own")
            found[key] = one
        self._layers = found

    def forward(self, x: Any) -> Any:
        for key, one in self._layers.items():
            if isinstance(one, Module) and one._owner is self and one._key == key:
                x = one(x)  # opens its layer itself, as it does wherever it is called
            else:
                x = under(key, one.forward if isinstance(one, Module) else one, x)
        return x

    def _attributes(self) -> dict[str, object]:
        found = super()._attributes()
        del found["_layers"]
        return found | self._layers

    def _below(self) -> dict[str, Layer]:
        return self._layers | self.children()

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers.values())

    def __getitem__(self, key: int | str) -> Layer:
        """A layer by number or name."""
        if isinstance(key, str):
            if key not in self._layers:
                raise GraphError(f"Sequential has no layer {key!r}, only {', '.join(self._layers)}")
            return self._layers[key]
        return list(self._layers.values())[key]

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(_show, self._layers.values()))})"


def _show(one: Layer) -> str:
    return repr(one) if isinstance(one, Module) else str(getattr(one, "__name__", getattr(one, "name", repr(one))))
