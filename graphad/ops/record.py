"""The records an op is declared by: elementwise, reduction, scan. An incomplete one cannot be constructed.

A record is callable: it makes the node. Everything about the op is in it: what every target emits (``scalar`` or the
monoid), what it means (``reference``), its derivative (``partials``, or the weights of a reduction), and where tests
sample it (``domain``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import Signature, signature
from types import FunctionType
from typing import Any, Final, Literal, TypeAlias, cast

import numpy as np

from graphad.build import (
    TensorLike,
    as_tensor,
    broadcast_all,
    make,
    need_float,
    normalize_axes,
    normalize_axis,
    refuse,
    tensors,
)
from graphad.checks import flag
from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.ir import scalar as s
from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.kinds import Map, Monoid, Reduce, Scan
from graphad.compiler.ir.op import MapOp, ReduceOp, ScanOp, register
from graphad.ops.describe import Described, Signed, elementwise_text, folding_text, names_of, positional
from graphad.tensor import OPERATORS, Tensor

Interval: TypeAlias = tuple[float, float]
Takes: TypeAlias = Literal["float", "number", "bool", "any"]


@dataclass(frozen=True, slots=True)
class Select:
    """The partial of a choice: ``weight`` times the tangent where ``condition`` holds, and nothing elsewhere.

    A select, not a product with a mask: 0 * inf would be NaN.
    """

    condition: Tensor
    weight: Tensor | int = 1


Known: TypeAlias = Tensor | Select | int | float | None
Partial: TypeAlias = Known | Callable[[], Known]
"""d out / d operand: a tensor, a choice, a number, None where there is no derivative; or a function that makes one of
these, for a partial that costs many nodes, and is called only if it is needed."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Elementwise(MapOp):
    __doc__ = Described("""An elementwise op.

    ``partials(*operands, out)`` answers one Partial an operand, as graph expressions, so that it differentiates again.
    ``domain``: one interval an operand.
    """)

    partials: Callable[..., Sequence[Partial]] | None
    domain: tuple[Interval, ...]
    takes: Takes
    divides: bool = False
    kind: Map
    operands: tuple[str, ...]
    __signature__ = Signed()

    @property
    def __name__(self) -> str:
        return self.name

    def __get__(self, instance: object, owner: object = None) -> "Elementwise":
        """Itself, as an attribute of a class, too; what has it is documented as a function is."""
        return self

    def signature(self) -> Signature:
        """Of the call."""
        return positional(self.operands, Tensor)

    def describe(self) -> str:
        """What ``help`` says."""
        return elementwise_text(self.scalar, self.operands, self.reference, self.takes, self.partials is not None)

    def __call__(self, *operands: TensorLike) -> Tensor:
        if len(operands) != self.arity:
            refuse(GraphError, self.name, (), f"takes {self.arity} operands, got {len(operands)}")
        if self.name == "where":
            condition = _boolean(self.name, operands[0])
            return self.build((condition, *tensors(self.name, operands[1:])))
        return self.build(self._check(tensors(self.name, operands)))

    def build(self, operands: Sequence[Tensor]) -> Tensor:
        """The node on tensors of fitting dtypes."""
        return make(self, self.kind, broadcast_all(self.name, operands))

    def _check(self, operands: list[Tensor]) -> list[Tensor]:
        dtype = operands[0].dtype
        if self.divides and not is_float(dtype):
            return [t.astype("float32") for t in operands]
        if self.takes == "float":
            for t in operands:
                need_float(self.name, t)
        if self.takes == "number" and dtype == "bool":
            refuse(DTypeError, self.name, operands, "takes numbers, got bool; write ga.astype(x, 'int64') or ga.where")
        if self.takes == "bool":
            return [_boolean(self.name, t) for t in operands]
        return operands


def _boolean(name: str, value: TensorLike) -> Tensor:
    tensor = as_tensor(value, name)
    if tensor.dtype != "bool":
        refuse(DTypeError, name, (tensor,), f"a condition is bool, got {tensor.dtype}; write x != 0")
    return tensor


def elementwise(
    name: str,
    *,
    scalar: Callable[..., s.Operand],
    reference: Callable[..., Any],
    partials: Callable[..., Sequence[Partial]] | None,
    domain: Sequence[Interval],
    simplify: Callable[..., int | None] | None = None,
    takes: Takes = "float",
    divides: bool = False,
    commutative: bool = False,
) -> Elementwise:
    """Declares an elementwise op under ``name`` and answers its constructor.

    Args:
        scalar: the scalar expression every target emits from, as a function of scalars.
        reference: the NumPy function it means.
        partials: d out / d operand as a function of (operands..., out); None for ops without derivative.
        domain: the interval of each operand in which tests sample.
        simplify: float-safe identities, see ``MapOp``.
        takes: "float", "number" (no bool), "bool" or "any".
        divides: integers are converted to float32 first.
    """
    arity = len(domain)
    if not all(map(callable, (scalar, reference))) or arity == 0:
        raise GraphError(f"op {name!r} needs a scalar expression, a reference and a domain for each operand")
    expression = s.build(arity, scalar)
    op = Elementwise(
        name=name,
        scalar=expression,
        kind=Map(expression),
        operands=names_of(cast(FunctionType, scalar)),
        arity=arity,
        reference=reference,
        partials=partials,
        domain=tuple(domain),
        simplify=simplify,
        takes=takes,
        divides=divides,
        commutative=commutative,
    )
    if s.arity(op.scalar) != arity:
        raise GraphError(f"op {name!r}: the scalar expression uses {s.arity(op.scalar)} of {arity} operands")
    register(op)
    OPERATORS[name] = op
    return op


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reduction(ReduceOp):
    __doc__ = Described(
        """A reduction. ``weights(x, out, axes)``: d out / d x, of x's shape (out is broadcast to it); None means 1."""
    )

    weights: Callable[[Tensor, Tensor, tuple[int, ...]], Partial] | None
    domain: Interval
    takes: Takes

    __signature__ = Signed()

    @property
    def __name__(self) -> str:
        return self.name

    def __get__(self, instance: object, owner: object = None) -> "Reduction":
        """Itself, see ``Elementwise``."""
        return self

    def signature(self) -> Signature:
        """Of the call."""
        return signature(self.__call__)

    def describe(self) -> str:
        """What ``help`` says."""
        return folding_text(
            "The reduction of ``x`` over ``axis`` (all axes for None)",
            self.monoid.name,
            self.weights is not None or self.monoid.name == "sum",
        )

    def __call__(self, x: TensorLike, axis: Any = None, keepdims: bool = False) -> Tensor:
        tensor = as_tensor(x, self.name)
        axes, kept = normalize_axes(self.name, tensor, axis), flag(self.name, "keepdims", keepdims)
        if self.takes == "bool" and tensor.dtype != "bool":
            tensor = tensor != 0
        if self.monoid.name in ("sum", "prod") and tensor.dtype in ("bool", "int32"):
            tensor = tensor.astype("int64")
        if self.takes == "number" and tensor.dtype == "bool":
            refuse(DTypeError, self.name, (tensor,), "takes numbers, got bool")
        if not axes and not self.monoid.is_arg:
            return tensor
        out = make(self, Reduce(self.monoid, axes), (tensor,))
        return OPERATORS["expand_dims"](out, axes) if kept and axes else out


def reduction(
    name: str,
    *,
    monoid: Monoid,
    reference: Callable[[np.ndarray, tuple[int, ...]], Any],
    weights: Callable[[Tensor, Tensor, tuple[int, ...]], Partial] | None,
    domain: Interval = (-2.0, 2.0),
    takes: Takes = "number",
) -> Reduction:
    """Declares a reduction; ``weights`` is None for one without derivative."""
    op = Reduction(name=name, monoid=monoid, reference=reference, weights=weights, domain=domain, takes=takes)
    register(op)
    OPERATORS[name] = op
    return op


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Prefix(ScanOp):
    __doc__ = Described(
        """A scan. ``jvp(x, out, tangent, axis, reverse)`` and ``vjp(x, out, cotangent, axis, reverse)``."""
    )

    jvp: Callable[[Tensor, Tensor, Tensor, int, bool], Tensor]
    vjp: Callable[[Tensor, Tensor, Tensor, int, bool], Tensor]
    domain: Interval

    __signature__ = Signed()

    @property
    def __name__(self) -> str:
        return self.name

    def __get__(self, instance: object, owner: object = None) -> "Prefix":
        """Itself, see ``Elementwise``."""
        return self

    def signature(self) -> Signature:
        """Of the call."""
        return signature(self.__call__)

    def describe(self) -> str:
        """What ``help`` says."""
        return folding_text(
            "All prefixes of ``x`` along ``axis``, from the end with ``reverse``, combined", self.monoid.name, True
        )

    def __call__(self, x: TensorLike, axis: int | None = None, reverse: bool = False) -> Tensor:
        tensor = as_tensor(x, self.name)
        if axis is None:
            if tensor.ndim != 1:
                refuse(ShapeError, self.name, (tensor,), "name the axis unless there is just one")
            axis = 0
        found, reverse = normalize_axis(self.name, tensor, axis), flag(self.name, "reverse", reverse)
        if tensor.dtype in ("bool", "int32"):
            tensor = tensor.astype("int64")
        return make(self, Scan(self.monoid, found, reverse), (tensor,))


def scan(
    name: str,
    *,
    monoid: Monoid,
    reference: Callable[[np.ndarray, int], Any],
    jvp: Callable[[Tensor, Tensor, Tensor, int, bool], Tensor],
    vjp: Callable[[Tensor, Tensor, Tensor, int, bool], Tensor],
    domain: Interval = (-2.0, 2.0),
) -> Prefix:
    """Declares a scan."""
    op = Prefix(name=name, monoid=monoid, reference=reference, jvp=jvp, vjp=vjp, domain=domain)
    register(op)
    OPERATORS[name] = op
    return op


ANYWHERE: Final[Interval] = (-3.0, 3.0)
POSITIVE: Final[Interval] = (0.1, 4.0)
UNIT: Final[Interval] = (-0.9, 0.9)
