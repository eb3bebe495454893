"""The kinds: what the compiler knows of a node. A closed union; ops are open, kinds are not.

Passes and lowerings match on kinds exhaustively, so adding one lists every place to edit.
"""

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np

from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.scalar import Scalar
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, IndexMap

Role: TypeAlias = Literal["input", "parameter", "state"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value from outside: an argument of the call, or storage that outlives it."""

    role: Role
    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known when the graph is written. Equal when the bits are equal.

    ``counts``: it is the number of elements along some axes, the first among them: so much more than a number.
    """

    value: np.ndarray = field(compare=False)
    counts: bool = False
    bits: tuple[str, tuple[int, ...], bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        value = np.array(self.value, order="C")
        value.setflags(write=False)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "bits", (value.dtype.name, value.shape, value.tobytes()))


@dataclass(frozen=True, slots=True)
class SizeOf:
    """A symbolic size as an int64 scalar."""

    size: Dim


@dataclass(frozen=True, slots=True)
class Index:
    """out[i] = i[axis], int64, of ``shape``: aranges, one-hot masks, counters."""

    shape: Shape
    axis: int


@dataclass(frozen=True, slots=True)
class Map:
    """out[i] = scalar(a[i], b[i], ...); all operands have the result's shape."""

    scalar: Scalar


@dataclass(frozen=True, slots=True)
class Monoid:
    """What a fold combines with. NaN and ties are the monoid's:

    sum, prod: NaN propagates; max, min: NaN wins; argmax, argmin: flat row-major index over the reduced axes of the
    first greatest (least), a NaN counting as greatest (least), as in NumPy; any, all: bool.
    """

    name: str

    def identity(self, dtype: str) -> bool | int | float:
        """What an empty fold gives."""
        match self.name:
            case "sum":
                return 0
            case "prod":
                return 1
            case "any":
                return False
            case "all":
                return True
            case _:
                pass
        low = self.name in ("max", "argmax")
        if is_float(dtype):
            return float("-inf") if low else float("inf")
        if dtype == "bool":
            return not low
        info = np.iinfo(dtype)
        return int(info.min if low else info.max)

    @property
    def is_arg(self) -> bool:
        return self.name in ("argmax", "argmin")

    @property
    def needs_element(self) -> bool:
        """An empty fold has no answer."""
        return self.name in ("max", "min", "argmax", "argmin")


SUM: Final = Monoid("sum")
PROD: Final = Monoid("prod")
MAX: Final = Monoid("max")
MIN: Final = Monoid("min")
ANY: Final = Monoid("any")
ALL: Final = Monoid("all")
ARGMAX: Final = Monoid("argmax")
ARGMIN: Final = Monoid("argmin")


@dataclass(frozen=True, slots=True)
class Reduce:
    """A fold over ``axes`` (sorted, not negative), which disappear."""

    monoid: Monoid
    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """All prefixes along an axis, or all suffixes with ``reverse``."""

    monoid: Monoid
    axis: int
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """out[i] = a[map(i)], or the map's fill value."""

    map: IndexMap


@dataclass(frozen=True, slots=True)
class Join:
    """The operands, one or more, end to end along ``axis``; equal sizes along the others."""

    axis: int


@dataclass(frozen=True, slots=True)
class Fold:
    """The transpose of ``View(map)``: out[map(i)] += a[i], of ``shape``; what the view filled is dropped."""

    map: Affine
    shape: Shape


@dataclass(frozen=True, slots=True)
class Contract:
    """The generalised matrix product: einsum of two operands, one letter an axis.

    Every letter of ``out`` is in ``left`` or ``right``; a letter that is not in ``out`` is in both.
    """

    left: str
    right: str
    out: str


@dataclass(frozen=True, slots=True)
class Gather:
    """out[.., j.., ..] = a[.., index[j..], ..] along ``axis``; the index is in range or the run stops."""

    axis: int


@dataclass(frozen=True, slots=True)
class Scatter:
    """The transpose of Gather: operands (index, values); out[.., index[j..], ..] += values[.., j.., ..]."""

    axis: int
    size: Dim


@dataclass(frozen=True, slots=True)
class After:
    """out[i] = a[i] of operands (a, b), read only once b is there: b says when, not what.

    Two computations that differ in what they wait for are two computations, so cse leaves both; fuse orders kernels by
    it and takes it away, so it costs nothing at run time.
    """


Kind: TypeAlias = (
    Leaf | Constant | SizeOf | Index | Map | Reduce | Scan | View | Join | Fold | Contract | Gather | Scatter | After
)
