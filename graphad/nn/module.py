"""What a layer is: a function of tensors that owns parameters, and a place in a tree that names them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any, Final, Self, TypeVar

import numpy as np

from graphad.build import refuse
from graphad.checks import shown, whole
from graphad.compiler.errors import GraphError
from graphad.compiler.ir.kinds import Leaf
from graphad.nn import storage
from graphad.nn.held import held
from graphad.nn.start import Start, join
from graphad.sites import current_layer, layer
from graphad.tensor import Parameter, State, Tensor, Variable

V = TypeVar("V", bound=Variable)

_CREATED: Final = count()
_PLACE: Final = frozenset(("_owner", "_made"))
"""A module's attributes that say where it stands and what it made: nothing that it holds."""


class Module(ABC):
    """A layer, or a tree of layers. Subclasses write ``forward``.

    Layers, parameters and states are attributes, or stand in lists, tuples and dicts at any depth, and have torch's
    names: ``blocks.0.weight``. Parameters are made on first use, when the whole tree stands: each starts from the seed
    and its path. A layer used on its own has the path ``name``; without one it starts from the order in which layers
    with parameters were created, unless it has a seed.

    >>> import graphad as ga
    >>> class Residual(Module):
    ...     def __init__(self):
    ...         self.inner = Linear(8, 8)
    ...
    ...     def forward(self, x):
    ...         return x + self.inner(x)
    >>> from graphad.nn import Linear
    >>> sorted(Residual().state_dict())
    ['inner.bias', 'inner.weight']
    """

    name: str = ""
    seed: int | None = None
    _owner: Module | None = None
    _key: str = ""
    _made: dict[str, Parameter] | None = None
    _number: int = 0

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        if cls.create is not Module.create:
            object.__setattr__(self, "_number", next(_CREATED))
        return self

    @abstractmethod
    def forward(self, *inputs: Any) -> Any:
        """The layer's output; called by ``module(x)``."""

    def create(self, start: Start) -> dict[str, Parameter]:
        """The layer's own parameters, by name. Called once, when the path is known."""
        return {}

    def _attributes(self) -> dict[str, object]:
        """What the module holds, by name: its attributes and the parameters it made."""
        return {name: value for name, value in vars(self).items() if name not in _PLACE} | (self._made or {})

    def children(self) -> dict[str, Module]:
        """The layers directly below, by name."""
        return dict(held(self._attributes(), Module))

    def __setattr__(self, name: str, value: object) -> None:
        if name == "name" and not isinstance(value, str):
            refuse(GraphError, type(self).__name__, (), f"name is a text, got {shown(value)}")
        if name == "seed" and value is not None:
            value = whole(type(self).__name__, "seed", value, 0)
        if name not in _PLACE:
            for _, item in held({name: value}, (Module, Variable)):
                if isinstance(item, Module):
                    self.adopt(item)
        super().__setattr__(name, value)

    def adopt(self, child: Module) -> None:
        """Makes this module the place ``child`` is named after, unless it has one, has been used, or holds this one."""
        if child._owner is None and child._made is None and child is not self._root():
            child._owner = self

    def __call__(self, *inputs: Any) -> Any:
        """``forward``, with every node made inside knowing its layer, and the output named after it."""
        if self._made is None or self._owner is None:
            self._ready()
        return under(self._key, self.forward, *inputs)

    def own(self, name: str) -> Parameter:
        """One of the layer's own parameters."""
        if self._made is None:
            self._ready()
        assert self._made is not None
        return self._made[name]

    def named_parameters(self) -> dict[str, Parameter]:
        """All parameters of the tree by path, in order; one that stands in two places has the first's name."""
        return self._named(Parameter)

    def parameters(self) -> list[Parameter]:
        """All parameters of the tree, in order."""
        return list(self.named_parameters().values())

    def named_states(self) -> dict[str, State]:
        """All states of the tree by path, in order: torch's named_buffers."""
        return self._named(State)

    def states(self) -> list[State]:
        """All states of the tree, in order: torch's buffers."""
        return list(self.named_states().values())

    def named_leaves(self) -> dict[str, Variable]:
        """All parameters and states by path: layer by layer, in each its parameters first, as torch's state_dict."""
        return self._named(Parameter, State)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all values, states' too, under torch's names, such as "0.weight"."""
        return storage.dump(self.named_leaves())

    def load_state_dict(self, values: Mapping[str, Any]) -> None:
        """Sets all values. Errors: StateError that lists names missing, unexpected or of a wrong shape; none is set."""
        storage.load("load_state_dict", self.named_leaves(), values)

    def layers(self, path: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
        """(path, layer) of the layers that have none below them, in order; one that stands twice comes twice."""
        waiting: list[tuple[str, Callable[..., Any], tuple[object, ...]]] = [(path, self, ())]
        while waiting:
            at, one, above = waiting.pop()
            below = one._below() if isinstance(one, Module) else {}
            if not below:
                yield at, one
            inner = (*above, one)
            new = [(join(at, name), each, inner) for name, each in below.items() if not _among(each, inner)]
            waiting += new[::-1]

    def _below(self) -> Mapping[str, Callable[..., Any]]:
        """What the module is made of, by name, one level down."""
        return self.children()

    def _named(self, *kinds: type[V]) -> dict[str, V]:
        """The tree's leaves, of one kind after the other in each module."""
        self._ready()
        found: dict[str, V] = {}
        seen: set[Variable] = set()
        for path, module in self._tree():
            for kind in kinds:
                for name, leaf in held(module._attributes(), kind):
                    if leaf not in seen:
                        seen.add(leaf)
                        found[join(path, name)] = leaf
        return found

    def _tree(self) -> Iterator[tuple[str, Module]]:
        """(path, module) of all modules from this one on, each once, at its first place."""
        waiting: list[tuple[str, Module]] = [("", self)]
        seen: set[int] = set()
        while waiting:
            path, module = waiting.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module
                waiting += [(join(path, name), child) for name, child in module.children().items()][::-1]

    def _root(self) -> Module:
        root = self
        while root._owner is not None:
            root = root._owner
        return root

    def _ready(self) -> None:
        """Makes what is not made yet of the whole tree that this module belongs to."""
        if id(self) not in self._root()._build():  # taken out of its owner meanwhile
            self._build()

    def _build(self) -> set[int]:
        """Gives every module of the tree its place and its parameters, if it has none yet; answers who they are."""
        waiting: list[tuple[Module, str, str, int]] = [(self, "", self.name, 0)]
        seen: set[int] = set()
        while waiting:
            module, above, key, inherited = waiting.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            seed = inherited if module.seed is None else module.seed
            path = join(above, key)
            if module._made is None:
                module._make(key, Start(seed, path, module._number if not path and module.seed is None else None))
            children = module.children()
            for child in children.values():
                module.adopt(child)
            waiting += [(child, path, name, seed) for name, child in children.items()][::-1]
        return seen

    def _make(self, key: str, start: Start) -> None:
        self._key = key
        self._made = self.create(start)


def _among(one: object, several: tuple[object, ...]) -> bool:
    return any(one is other for other in several)


def under(name: str, function: Callable[..., Any], *inputs: Any) -> Any:
    """``function(*inputs)`` as the layer ``name`` below the one that is open, its output named after it.

    Not named: a leaf, and what has a name. A layer that changes nothing hands its input through.
    """
    if not name:
        return function(*inputs)
    with layer(name):
        out = function(*inputs)
        if isinstance(out, Tensor) and not out.label and not isinstance(out.kind, Leaf):
            return out.named(current_layer())
        return out
