"""What a layer is: a function of tensors that owns parameters, and a place in a tree that names them."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphad.build import as_array, refuse
from graphad.checks import shown, whole
from graphad.compiler.errors import GraphError, ShapeError
from graphad.compiler.ir.kinds import Leaf
from graphad.leaves import parameter
from graphad.nn import storage
from graphad.nn.init import Initializer
from graphad.sites import current_layer, layer
from graphad.tensor import Parameter, Tensor


def join(path: str, name: str) -> str:
    """``name`` below ``path``; either may be empty."""
    return f"{path}.{name}" if path and name else path or name


@final
@dataclass(frozen=True, slots=True)
class Start:
    """Where a layer's initial values come from: the seed and the layer's path, and nothing else.

    So a layer starts with the same values whichever layers stand before it and in whichever order they are made.
    """

    seed: int
    path: str

    def parameter(self, name: str, shape: tuple[int, ...], initializer: Initializer) -> Parameter:
        """A float32 parameter with values drawn for ``seed`` and ``path.name``."""
        path = join(self.path, name)
        words = np.frombuffer(hashlib.sha256(path.encode()).digest(), "<u4")
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, *words.tolist()])))
        drawn = as_array(f"the initializer of {path!r}", initializer(shape, generator))
        if drawn.shape != shape:
            refuse(ShapeError, f"the initializer of {path!r}", (), f"answers {list(drawn.shape)}, not {list(shape)}")
        return parameter(path, drawn.astype(np.float32))


class Module(ABC):
    """A layer, or a tree of layers. Subclasses write ``forward``; layers and parameters are attributes.

    Parameters are made on first use, when the whole tree stands: each is named by its path ("0.weight") and starts
    from the seed and that path. A layer used on its own has the path ``name``, so two of them need two names.

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

    @abstractmethod
    def forward(self, *inputs: Any) -> Any:
        """The layer's output; called by ``module(x)``."""

    def create(self, start: Start) -> dict[str, Parameter]:
        """The layer's own parameters, by name. Called once, when the path is known."""
        return {}

    def children(self) -> dict[str, Module]:
        """The layers directly below, by name."""
        found: dict[str, Module] = {}
        for name, value in vars(self).items():
            if isinstance(value, Module) and name != "_owner":
                found[name] = value
            elif isinstance(value, list | tuple):
                found |= {f"{name}.{i}": item for i, item in enumerate(value) if isinstance(item, Module)}
        return found

    def __setattr__(self, name: str, value: object) -> None:
        if name == "name" and not isinstance(value, str):
            refuse(GraphError, type(self).__name__, (), f"name is a text, got {shown(value)}")
        if name == "seed" and value is not None:
            value = whole(type(self).__name__, "seed", value, 0)
        super().__setattr__(name, value)
        if name == "_owner":
            return
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Module):
                self.adopt(item)

    def adopt(self, child: Module) -> None:
        """Makes this module the place ``child`` is named after, unless it has one or has been used."""
        if child._owner is None and child._made is None:
            child._owner = self

    def __call__(self, *inputs: Any) -> Any:
        """``forward``, with every node made inside knowing its layer, and the output named after it."""
        self._ready()
        return under(self._key, self.forward, *inputs)

    def own(self, name: str) -> Parameter:
        """One of the layer's own parameters."""
        self._ready()
        assert self._made is not None
        return self._made[name]

    def named_parameters(self) -> dict[str, Parameter]:
        """All parameters of the tree by path, in order; one that stands in two places has the first's name."""
        self._ready()
        found: dict[str, Parameter] = {}
        seen: set[Parameter] = set()
        for name, leaf in self._walk(""):
            if leaf not in seen:
                seen.add(leaf)
                found[name] = leaf
        return found

    def parameters(self) -> list[Parameter]:
        """All parameters of the tree, in order."""
        return list(self.named_parameters().values())

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all values under torch's names, such as "0.weight"."""
        return storage.dump(self.named_parameters())

    def load_state_dict(self, values: Mapping[str, Any]) -> None:
        """Sets all values. Errors: StateError that lists names missing, unexpected or of a wrong shape; none is set."""
        storage.load("load_state_dict", self.named_parameters(), values)

    def layers(self, path: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
        """(path, layer) of the layers that have none below them, in order."""
        children = self.children()
        if not children:
            yield path, self
        for name, child in children.items():
            yield from child.layers(join(path, name))

    def _walk(self, path: str) -> Iterator[tuple[str, Parameter]]:
        for name, leaf in {**vars(self), **(self._made or {})}.items():
            if isinstance(leaf, Parameter):
                yield join(path, name), leaf
        for name, child in self.children().items():
            yield from child._walk(join(path, name))

    def _ready(self) -> None:
        """Makes the parameters of the whole tree that this module belongs to, once."""
        if self._made is not None:
            return
        root = self
        while root._owner is not None:
            root = root._owner
        root._build("", root.name, 0)
        if self._made is None:  # taken out of its owner meanwhile
            self._build("", self.name, 0)

    def _build(self, above: str, key: str, seed: int) -> None:
        path = join(above, key)
        seed = seed if self.seed is None else self.seed
        if self._made is None:
            self._key = key
            self._made = self.create(Start(seed, path))
        for name, child in self.children().items():
            self.adopt(child)
            child._build(path, name, seed)


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
