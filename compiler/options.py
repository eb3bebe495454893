"""What the user may choose about compiling. The whole of it is part of every cache key."""

import difflib
from dataclasses import asdict, dataclass, fields
from functools import wraps
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from graphad.compiler.errors import GraphError

Precision: TypeAlias = Literal["default", "strict"]
Convolution: TypeAlias = Literal["auto", "im2col", "direct", "pixels", "depth", "winograd"]
Batch: TypeAlias = Literal["auto", "lanes", "rows"]
Isa: TypeAlias = Literal["native", "sse", "avx2", "avx512", "neon"]

_CHOICES = {
    "precision": get_args(Precision),
    "convolution": get_args(Convolution),
    "batch": get_args(Batch),
    "isa": get_args(Isa),
}
T = TypeVar("T")


def _named(cls: type[T]) -> type[T]:
    """The class, made to refuse a name that is no field with the one that is close."""
    make = cls.__init__
    known = [f.name for f in fields(cls)]  # type: ignore[arg-type]

    @wraps(make)
    def checked(self: T, *args: Any, **named: Any) -> None:
        for name, value in named.items():
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]}=?" if close else f"the options are {', '.join(known)}"
                raise GraphError(f"{cls.__name__}({name}={value!r}): there is no option {name!r}; {hint}")
        make(self, *args, **named)

    cls.__init__ = checked  # type: ignore[assignment]
    return cls


@_named
@dataclass(frozen=True)
class Options:
    """How a function is compiled.

    Args:
        precision: "strict" keeps every elementary function within an ulp or two, and subnormal numbers in steps that
            update something; "default" may take faster functions, and zeros.
        nan_guard: stop where an output or an updated state is NaN, before any state changes, and name the node and
            line that made it of operands that were none. NaNs that no result takes stop nothing.
        fast_math: allow identities that are true of real numbers only (x*0 = 0, x/x = 1, sums in another order).
        convolution: "auto", the cheapest way by a count of cycles; or one for all that can go so: "im2col"; "direct", a
            loop nest; "pixels", neighbouring results in the lanes of vectors; "depth", summed elements;
            "winograd", tiles of the image.
        batch: how convolutions go through a batch: "lanes", an example in each lane of a vector; "rows",
            one after the other; or the first unless the batch is so small that lanes would stay empty.
        tune: measure what could be done in several ways, with random numbers of the first call's sizes, and remember
            what was quickest; ``explain()`` shows the seconds. It takes as long as compiling each way of each layer,
            once. Results may then differ in rounding from machine to machine.
        isa: the instruction set whose registers matrix products are cut for, "native" for this machine's. The
            instructions themselves are always this machine's: results differ in nothing but time.
        disable: names of passes to leave out, for debugging.
    """

    precision: Precision = "default"
    nan_guard: bool = False
    fast_math: bool = False
    convolution: Convolution = "auto"
    batch: Batch = "auto"
    tune: bool = False
    isa: Isa = "native"
    disable: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in _CHOICES:
                _check_choice(f.name, value, _CHOICES[f.name])
            elif f.name == "disable":
                _check_names(value)
            elif not isinstance(value, bool):
                raise GraphError(f"Options({f.name}={value!r}): write {f.name}=True or {f.name}=False")

    def key(self) -> str:
        """The whole as text, equal for equal options."""
        return ",".join(f"{name}={value!r}" for name, value in asdict(self).items())


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        wanted = " or ".join(f"{name}={c!r}" for c in choices)
        raise GraphError(f"Options({name}={value!r}): write {wanted}")


def _check_names(value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(v, str) for v in value):
        raise GraphError(f"Options(disable={value!r}): write a tuple of names of passes, such as disable=('simplify',)")
