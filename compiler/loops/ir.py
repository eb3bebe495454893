"""The loop IR: what every target is emitted from.

    Kernel  = name, parameters, body
    Stmt    = Let name = Expr | Assign name = Expr | Store buffer[Dim] = Expr | For var in Dim .. Dim step
            | If Expr | Registers name(extents) | Put name[Dim, ...] = Expr | Together var
            | Call function(arguments) | Fail | Note text
    Expr    = Lit | Ref name | At Dim | Bound Dim | Load buffer[Dim] | Element name[Dim, ...] | Prim(Expr, ...)
            | ToDtype Expr

Indices are polynomials (``Dim``) over loop variables and sizes, so that strides multiply out and cancel. A loop's mark
says what a target may do with it: nothing ("serial"), share its iterations among threads ("parallel"), or put them into
the lanes of vectors ("vector"); "unrolled" loops are written out by the target. A loop with ``lanes`` is written as
vectors out and out, and so is all that stands in Together: the same program in every lane. Scalars are SSA but for
those that a Let declares mutable; Registers are small arrays of such scalars, whose indices are known once loops are
unrolled.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from graphad.compiler.ir.node import Site
from graphad.compiler.ir.size import Dim


@dataclass(frozen=True, slots=True)
class Lit:
    """A constant."""

    value: bool | int | float
    dtype: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A scalar that was let."""

    name: str
    dtype: str


@dataclass(frozen=True, slots=True)
class At:
    """An index as a value, int64."""

    index: Dim
    dtype: str = "int64"


@dataclass(frozen=True, slots=True)
class Bound:
    """Where this thread's share of 0 .. extent begins, or where it ends; int64."""

    extent: Dim
    end: bool
    dtype: str = "int64"


@dataclass(frozen=True, slots=True)
class Load:
    """An element of a buffer."""

    buffer: str
    index: Dim
    dtype: str


@dataclass(frozen=True, slots=True)
class Element:
    """One of an array of registers."""

    name: str
    index: tuple[Dim, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Prim:
    """A primitive of ``ir/scalar.py`` applied."""

    primitive: str
    args: "tuple[Expr, ...]"
    dtype: str


@dataclass(frozen=True, slots=True)
class ToDtype:
    """A conversion."""

    arg: "Expr"
    dtype: str


Expr: TypeAlias = Lit | Ref | At | Bound | Load | Element | Prim | ToDtype


@dataclass(frozen=True, slots=True)
class Let:
    """A new scalar; Assign may change it when ``mutable``."""

    name: str
    value: Expr
    mutable: bool = False


@dataclass(frozen=True, slots=True)
class Assign:
    """A new value of a mutable scalar."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Store:
    """An element of a buffer set.

    ``stream``: the elements of the whole of a result, which passes the caches by if it does not fit; 0 for what is read
    again.
    """

    buffer: str
    index: Dim
    value: Expr
    stream: Dim = 0


@dataclass(frozen=True, slots=True)
class Registers:
    """An array of mutable scalars that stay in registers, all ``value`` at first."""

    name: str
    extents: tuple[int, ...]
    value: Lit


@dataclass(frozen=True, slots=True)
class Put:
    """A register set."""

    name: str
    index: tuple[Dim, ...]
    value: Expr


Mark: TypeAlias = Literal["serial", "parallel", "vector", "unrolled"]


@dataclass(frozen=True, slots=True)
class For:
    """``var`` from ``start`` up to and without ``stop``. ``parallel``: this part's share of the iterations.

    ``lanes``: straight-line code on independent points, for the target to run many at a time (``lanes.py``).
    ``within``: bounds that an unrolled loop keeps to besides its own. ``grain``: iterations of a parallel loop that
    one thread does together; 0: as many as any vector loop takes.
    """

    var: str
    start: Dim
    stop: Dim
    body: "list[Stmt]"
    step: int = 1
    mark: Mark = "serial"
    lanes: bool = False
    within: tuple[int, int] | None = None
    grain: int = 0


@dataclass(frozen=True, slots=True)
class Together:
    """The body in ``lanes`` lanes at once; ``var`` is the number of the lane. If the body is another such block, both
    are one: each of these lanes is as many as the inner block's.
    """

    var: str
    lanes: int
    body: "list[Stmt]"


@dataclass(frozen=True, slots=True)
class If:
    """The body, where the condition holds."""

    condition: Expr
    body: "list[Stmt]"


@dataclass(frozen=True, slots=True)
class Call:
    """A kernel called by a kernel. Arguments are buffers (by name, with an offset in elements) and indices."""

    function: str
    arguments: "tuple[tuple[str, Dim] | Dim, ...]"


@dataclass(frozen=True, slots=True)
class Fail:
    """The run stops: guard number ``code``, with the offending value."""

    code: Dim
    detail: Expr


@dataclass(frozen=True, slots=True)
class Prefetch:
    """An element of a buffer, and what lies beside it, is read soon. It may lie outside of the buffer."""

    buffer: str
    index: Dim


@dataclass(frozen=True, slots=True)
class Note:
    """A comment in the emitted text."""

    text: str


Stmt: TypeAlias = Let | Assign | Store | Registers | Put | For | Together | If | Call | Fail | Prefetch | Note


@dataclass(frozen=True, slots=True)
class Parameter:
    """A buffer that a kernel takes."""

    name: str
    dtype: str


@dataclass(eq=False, slots=True)
class Kernel:
    """A loop nest over buffers and sizes. ``scalars`` are the int64 arguments, by name.

    ``reassociate``: sums may change their order; ``strict``: every operation rounds as written. ``scheduled``: written
    out as it is to run, so that LLVM's passes over it would take longer than they gain. ``side_by_side``: neighbours of
    an example, numbered by ``PIXEL``, that are to be in the lanes beside the examples.
    """

    name: str
    buffers: list[Parameter]
    scalars: list[str]
    body: list[Stmt]
    reassociate: bool = False
    strict: bool = False
    scheduled: bool = False
    side_by_side: int = 1
    parallel: bool = True
    sites: tuple[Site, ...] = ()
    helpers: "tuple[Kernel, ...]" = field(default=())
