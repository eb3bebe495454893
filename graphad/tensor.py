"""Tensors: the nodes a user builds with, their operators, and the leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final, NoReturn, TypeVar

import numpy as np

from graphad.arrays import array_of
from graphad.compiler.errors import DTypeError, GraphadError, GraphError, ShapeError
from graphad.compiler.ir.kinds import Kind, Leaf
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import PARAMETER, STATE, Op
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape, TensorType
from graphad.runtime import Turn
from graphad.sites import caller

OPERATORS: Final[dict[str, Callable[..., Any]]] = {}
"""What the operators and methods below call, by name; the op modules enter themselves (so that nothing is circular)."""


F = TypeVar("F", bound=Callable[..., Any])


def operator(name: str) -> Callable[[F], F]:
    """Enters a function into OPERATORS."""

    def enter(function: F) -> F:
        OPERATORS[name] = function
        return function

    return enter


def here() -> str:
    """The user's file and line, as errors end with it."""
    site = caller()
    return f" [{site.file}:{site.line}]"


class Tensor(Node):
    """A value of the graph: a dtype and a shape now, numbers when a compiled function runs.

    Tensors hash by identity; ``==`` builds a node.

    >>> import graphad as ga
    >>> x = ga.input("x", ("N", 3))
    >>> (2 * x + 1).shape
    (N, 3)
    """

    __slots__ = ()
    __array_priority__ = 1000

    @property
    def shape(self) -> Shape:
        return self.type.shape

    @property
    def dtype(self) -> str:
        return self.type.dtype

    @property
    def ndim(self) -> int:
        return self.type.ndim

    @property
    def size(self) -> Dim:
        return self.type.size

    @property
    def T(self) -> Tensor:  # noqa: N802 (the Array API's name)
        """A matrix, transposed."""
        if self.ndim != 2:
            raise ShapeError(f".T takes a matrix, got {self.type}; use permute_dims or matrix_transpose{here()}")
        return self._do("permute_dims", (1, 0))

    @property
    def mT(self) -> Tensor:  # noqa: N802 (the Array API's name)
        """The last two axes exchanged."""
        return self._do("matrix_transpose")

    def named(self, label: str) -> Tensor:
        """The tensor itself, with a name by which a compiled function can be asked for it."""
        self.label = label
        return self

    def reshape(self, *shape: Any) -> Tensor:
        """Same elements, other shape; one size may be -1."""
        return self._do("reshape", shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape)

    def astype(self, dtype: Any) -> Tensor:
        """Converted to another dtype."""
        return self._do("astype", dtype)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """The sum over axes."""
        return self._do("sum", axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """The mean over axes."""
        return self._do("mean", axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """The greatest element over axes."""
        return self._do("max", axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """The least element over axes."""
        return self._do("min", axis=axis, keepdims=keepdims)

    def _do(self, name: str, *args: Any, **kwargs: Any) -> Tensor:
        result: Tensor = OPERATORS[name](self, *args, **kwargs)
        return result

    def __add__(self, other: Any) -> Tensor:
        return self._do("add", other)

    def __radd__(self, other: Any) -> Tensor:
        return self._swapped("add", other)

    def __sub__(self, other: Any) -> Tensor:
        return self._do("subtract", other)

    def __rsub__(self, other: Any) -> Tensor:
        return self._swapped("subtract", other)

    def __mul__(self, other: Any) -> Tensor:
        return self._do("multiply", other)

    def __rmul__(self, other: Any) -> Tensor:
        return self._swapped("multiply", other)

    def __truediv__(self, other: Any) -> Tensor:
        return self._do("divide", other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return self._swapped("divide", other)

    def __floordiv__(self, other: Any) -> Tensor:
        return self._do("floor_divide", other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return self._swapped("floor_divide", other)

    def __mod__(self, other: Any) -> Tensor:
        return self._do("remainder", other)

    def __rmod__(self, other: Any) -> Tensor:
        return self._swapped("remainder", other)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return other // self, other % self

    def __pow__(self, other: Any) -> Tensor:
        return self._do("pow", other)

    def __rpow__(self, other: Any) -> Tensor:
        return self._swapped("pow", other)

    def __matmul__(self, other: Any) -> Tensor:
        return self._do("matmul", other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return self._swapped("matmul", other)

    def __neg__(self) -> Tensor:
        return self._do("negative")

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return self._do("abs")

    def __invert__(self) -> Tensor:
        return self._do("logical_not")

    def __and__(self, other: Any) -> Tensor:
        return self._do("logical_and", other)

    def __or__(self, other: Any) -> Tensor:
        return self._do("logical_or", other)

    def __xor__(self, other: Any) -> Tensor:
        return self._do("logical_xor", other)

    def __lt__(self, other: Any) -> Tensor:
        return self._do("less", other)

    def __le__(self, other: Any) -> Tensor:
        return self._do("less_equal", other)

    def __gt__(self, other: Any) -> Tensor:
        return self._do("greater", other)

    def __ge__(self, other: Any) -> Tensor:
        return self._do("greater_equal", other)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return self._do("equal", other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return self._do("not_equal", other)

    __hash__ = Node.__hash__

    def __getitem__(self, key: Any) -> Tensor:
        return self._do("getitem", key)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise GraphError(
            f"a tensor does not change ({self!r}); "
            f"write ga.where(condition, new, old), or ga.concat of the parts old and new{here()}"
        )

    def __delitem__(self, key: Any) -> NoReturn:
        raise GraphError(f"a tensor does not change ({self!r}); write ga.concat of the parts that stay{here()}")

    def __len__(self) -> int:
        if not self.shape or not isinstance(self.shape[0], int):
            raise ShapeError(f"{self.type} has no first axis of known size to count or walk{here()}")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> NoReturn:
        raise GraphError(
            f"a tensor has no truth value while the graph is written ({self!r}); "
            f"choose between values with ga.where(condition, a, b), combine conditions with & | ~{here()}"
        )

    def __float__(self) -> NoReturn:
        raise GraphError(f"a tensor has no number yet ({self!r}); use ga.evaluate or a compiled function{here()}")

    __int__ = __index__ = __complex__ = __float__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return OPERATORS["array_ufunc"](ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return OPERATORS["array_function"](function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise GraphError(f"a tensor has no numbers yet ({self!r}); use ga.evaluate or a compiled function{here()}")

    def _swapped(self, name: str, other: Any) -> Tensor:
        result: Tensor = OPERATORS[name](other, self)
        return result

    def __repr__(self) -> str:
        name = f" {self.kind.name!r}" if isinstance(self.kind, Leaf) else f" {self.label!r}" if self.label else ""
        return f"<{self.op.name}{name}: {self.type}>"


class Number(Tensor):
    """A number that sizes make, such as ``1 / N``: it takes the dtype of the tensor it meets, as a Python number does.

    ``at(dtype)`` is its value computed in a dtype.
    """

    __slots__ = ("at",)

    def __init__(self, at: Callable[[str], Tensor], dtype: str) -> None:
        own = at(dtype)
        super().__init__(own.op, own.kind, own.operands, own.type, own.site)
        self.at = at

    def _do(self, name: str, *args: Any, **kwargs: Any) -> Tensor:
        found = NotImplemented if kwargs else OPERATORS["number"](name, self, *args)
        return super()._do(name, *args, **kwargs) if found is NotImplemented else found

    def _swapped(self, name: str, other: Any) -> Tensor:
        found = OPERATORS["number"](name, other, self)
        return super()._swapped(name, other) if found is NotImplemented else found


_CREATED: Final = count()


class Variable(Tensor):
    """A leaf with storage of its own, shared by every function that uses it.

    ``value`` reads a snapshot, which cannot be written to, and sets it. ``number`` counts in order of creation.
    """

    __slots__ = ("number", "storage")

    def __init__(self, op: Op, kind: Kind, storage: np.ndarray) -> None:
        super().__init__(op, kind, (), TensorType(storage.dtype.name, storage.shape), caller())
        self.storage = storage
        self.number = next(_CREATED)

    @property
    def value(self) -> np.ndarray:
        found = Turn([self.storage], []).run(self.storage.copy)
        found.flags.writeable = False
        return found

    @value.setter
    def value(self, new: Any) -> None:
        try:
            array = array_of(new)
        except (ShapeError, DTypeError) as error:
            raise type(error)(f"{self!r}: the new value: {error}{here()}") from error
        if array.shape != self.storage.shape:
            raise ShapeError(
                f"{self!r}: the new value has shape {list(array.shape)}, expected {list(self.storage.shape)}{here()}"
            )
        if not np.can_cast(array.dtype, self.storage.dtype, "same_kind"):
            raise DTypeError(f"{self!r}: the new value is {array.dtype}; write .astype({self.dtype!r}){here()}")
        problem = self.misfit(array)
        if problem is not None:
            raise type(problem)(f"{self!r}: {problem}{here()}")
        Turn([], [self.storage]).run(np.copyto, self.storage, array, "same_kind")

    def misfit(self, array: np.ndarray) -> GraphadError | None:
        """What is wrong with the numbers of a new value whose shape and kind are right: one that the dtype lacks."""
        dtype = self.storage.dtype
        if np.can_cast(array.dtype, dtype):
            return None
        if dtype.kind == "f":
            with np.errstate(over="ignore"):
                lost = np.isfinite(array) & np.isinf(array.astype(dtype))
            most = np.finfo(dtype).max
            span, wider = f"-{most:.4g} to {most:.4g}", "a float64"
        else:
            low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
            lost = (array < low) | (array > high)
            span, wider = f"{low} to {high}", "an int64"
        if not lost.any():
            return None
        first = array[lost].flat[0]
        fix = f", or {wider} array where it is made" if dtype.itemsize < 8 else ""
        return DTypeError(f"expected numbers of {dtype} ({span}), got {first}; write smaller ones{fix}")

    def mismatch(self, new: object) -> GraphadError | None:
        """What keeps a tensor from being the leaf's next value."""
        if not isinstance(new, Tensor):
            return GraphError(f"the new value of {self.name!r} is a tensor, got {new!r}")
        if new.shape != self.shape:
            return ShapeError(f"the new value of {self!r} has another shape: {new.type}")
        if new.dtype != self.dtype:
            return DTypeError(f"the new value of {self!r} has dtype {new.dtype}; write .astype({self.dtype!r})")
        return None

    @property
    def name(self) -> str:
        assert isinstance(self.kind, Leaf)
        return self.kind.name


class Parameter(Variable):
    """A leaf that is trained: ``module.parameters()`` finds it and an optimiser updates it."""

    __slots__ = ()

    def __init__(self, name: str, storage: np.ndarray) -> None:
        super().__init__(PARAMETER, Leaf("parameter", name), storage)


class State(Variable):
    """A leaf that outlives the call but is not trained: momentum, learning rate, counters, running statistics.

    ``next`` is the value that a call of a compiled function leaves behind, if the function reads the state; None, as
    at first: what it was. Whatever is computed sees the value before the call.

    >>> import graphad as ga
    >>> calls = ga.state("calls", 0)
    >>> calls.next = calls + 1
    >>> f = ga.compile([], calls * 10)
    >>> int(f()), int(f()), int(calls.value)
    (0, 10, 2)
    """

    __slots__ = ("_next",)

    def __init__(self, name: str, storage: np.ndarray) -> None:
        super().__init__(STATE, Leaf("state", name), storage)
        self._next: Tensor | None = None

    @property
    def next(self) -> Tensor | None:
        return self._next

    @next.setter
    def next(self, new: Tensor | None) -> None:
        problem = None if new is None else self.mismatch(new)
        if problem is not None:
            raise type(problem)(f"{self!r}: {problem}{here()}")
        self._next = new

    def advance(self, new: Tensor, y: Tensor) -> Tensor:
        """``y``, such that a compiled function that computes it gives the state the value ``new``, if it reads the
        state or not.

        For what a layer keeps of its input: each of its calls says what it makes of the state.

        >>> import graphad as ga
        >>> x, mean = ga.input("x", ("N",)), ga.state("mean", 0.0)
        >>> centred = mean.advance(0.5 * mean + 0.5 * ga.mean(x), x - ga.mean(x))
        >>> f = ga.compile([x], centred)
        >>> f([1.0, 3.0]), float(mean.value)
        (array([-1.,  1.], dtype=float32), 1.0)
        """
        problem = self.mismatch(new)
        if problem is not None:
            raise type(problem)(f"{self!r}: {problem}{here()}")
        return self._do("advance", new, y)
