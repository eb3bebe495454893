"""Derivatives of the user's own: rules that replace what AD would do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graphad.build import TensorLike, as_tensor, make, refuse
from graphad.checks import shown
from graphad.compiler.errors import GraphError, ShapeError
from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.op import AliasOp, register
from graphad.compiler.ir.view import identity
from graphad.ops.stop import STOP, stop_gradient
from graphad.tensor import Tensor

Jvp: TypeAlias = Callable[..., Tensor]
Vjp: TypeAlias = Callable[[Tensor], Sequence[Tensor | None]]

CUSTOM = AliasOp(name="custom")
register(CUSTOM)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CustomOp(AliasOp):
    """An alias whose derivative with respect to ``inputs`` is given by rules, not by what lies behind it."""

    inputs: tuple[Tensor, ...]
    jvp: Jvp
    vjp: Vjp


def custom_derivative(value: Tensor, inputs: Sequence[Tensor], jvp: Jvp, vjp: Vjp) -> Tensor:
    """``value`` with its own derivative rules with respect to ``inputs``.

    Args:
        value: the result, computed from the inputs in any way.
        jvp: (one tangent an input, zeros where there is none) -> the value's tangent.
        vjp: the value's cotangent -> one cotangent an input (None: none).

    Both rules are written with graph expressions, so the result differentiates again.

    >>> import graphad as ga
    >>> x = ga.input("x", ())
    >>> y = ga.custom_derivative(ga.floor(x), [x], jvp=lambda t: t, vjp=lambda c: [c])  # straight through
    >>> ga.evaluate(ga.grad(3 * y, x), {x: 0.5})
    array(3., dtype=float32)
    """
    if not isinstance(value, Tensor):
        refuse(GraphError, "custom_derivative", (), f"the value is a tensor, got {shown(value)}")
    if not isinstance(inputs, list | tuple) or not inputs or not all(isinstance(i, Tensor) for i in inputs):
        refuse(GraphError, "custom_derivative", (value,), "inputs are one or more tensors")
    if not all(map(callable, (jvp, vjp))):
        refuse(GraphError, "custom_derivative", (value,), "give both rules, jvp and vjp")
    op = CustomOp(name=CUSTOM.name, inputs=tuple(inputs), jvp=jvp, vjp=vjp)
    return make(op, View(identity(value.shape)), (value,))


def check_rule(name: str, node: Tensor, found: TensorLike | None, expected: Tensor) -> Tensor | None:
    """What a user's rule answered for ``expected``, if it has the right shape."""
    if found is None:
        return None
    tensor = as_tensor(found, f"custom {name}")
    if tensor.shape != expected.shape:
        refuse(
            ShapeError,
            f"custom {name}",
            (node,),
            f"the rule answered shape {list(tensor.shape)}, expected {list(expected.shape)}",
        )
    return tensor


def answers(node: Tensor, op: CustomOp, cotangent: Tensor) -> list[Tensor | None]:
    """The cotangents that the rule ``vjp`` answers, one an input."""
    parts = op.vjp(cotangent)
    if not isinstance(parts, list | tuple):
        refuse(GraphError, "custom vjp", (node,), f"the rule answers a list, one cotangent an input, got {parts!r}")
    if len(parts) != len(op.inputs):
        refuse(GraphError, "custom vjp", (node,), f"answered {len(parts)} cotangents for {len(op.inputs)} inputs")
    return [check_rule("vjp", node, part, x) for x, part in zip(op.inputs, parts, strict=True)]


__all__ = ["STOP", "CustomOp", "answers", "check_rule", "custom_derivative", "stop_gradient"]
