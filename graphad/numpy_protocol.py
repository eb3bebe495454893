"""NumPy's functions on tensors: ``np.sin(x)`` builds the node that ``ga.sin(x)`` does.

The ufuncs come from the ops' own records (the ufunc an op means), the functions from the table below. What is in
neither is refused: computing it would need numbers, which a tensor has not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from graphad import ops
from graphad.build import as_tensor, refuse
from graphad.compiler.errors import GraphError, ShapeError
from graphad.compiler.ir.op import registered
from graphad.ops.record import Elementwise
from graphad.tensor import Tensor, operator

UFUNCS: Final[dict[Any, Callable[..., Any]]] = {
    op.reference: op for op in registered() if isinstance(op, Elementwise) and isinstance(op.reference, np.ufunc)
} | {
    np.power: ops.pow,
    np.float_power: ops.pow,
    np.fabs: ops.abs,
    np.rint: ops.round,
    np.matmul: ops.matmul,
    np.positive: lambda x: x,
    np.bitwise_and: ops.logical_and,
    np.bitwise_or: ops.logical_or,
    np.bitwise_xor: ops.logical_xor,
    np.invert: ops.logical_not,
    np.divmod: lambda x, y: (ops.floor_divide(x, y), ops.remainder(x, y)),
}

HINTS: Final[dict[str, str]] = {
    "np.append": "ga.concat([x, y])",
    "np.average": "ga.sum(w * x) / ga.sum(w)",
    "np.column_stack": "ga.stack([x, y], 1)",
    "np.copy": "x itself: a tensor does not change",
    "np.diff": "x[1:] - x[:-1]",
    "np.fliplr": "ga.flip(x, 1)",
    "np.flipud": "ga.flip(x, 0)",
    "np.hstack": "ga.concat([x, y], 1)",
    "np.inner": "ga.einsum('...i,...i->...', x, y)",
    "np.isclose": "ga.abs(x - y) < tolerance",
    "np.allclose": "ga.all(ga.abs(x - y) < tolerance)",
    "np.linalg.norm": "ga.sqrt(ga.sum(x * x))",
    "np.nan_to_num": "ga.where(ga.isnan(x), 0, x)",
    "np.nansum": "ga.sum(ga.where(ga.isnan(x), 0, x))",
    "np.ptp": "ga.max(x) - ga.min(x)",
    "np.repeat": "ga.take(x, places, axis), or ga.broadcast_to and ga.reshape",
    "np.roll": "ga.concat([x[-k:], x[:-k]])",
    "np.split": "slices, x[:k] and x[k:]",
    "np.array_split": "slices, x[:k] and x[k:]",
    "np.tile": "ga.concat([x, x]), or ga.broadcast_to",
    "np.vdot": "ga.sum(x * y)",
    "np.vstack": "ga.concat([x, y], 0)",
    "np.add.reduce": "ga.sum",
    "np.add.accumulate": "ga.cumulative_sum",
    "np.multiply.reduce": "ga.prod",
    "np.multiply.accumulate": "ga.cumulative_prod",
    "np.maximum.reduce": "ga.max",
    "np.minimum.reduce": "ga.min",
    "np.logical_and.reduce": "ga.all",
    "np.logical_or.reduce": "ga.any",
    "np.logaddexp.reduce": "ga.logsumexp",
}
"""What to write for what has no op of its own."""


@operator("array_ufunc")
def array_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """``ufunc(*inputs)`` as a node.

    Errors: GraphError for a ufunc that has no op, for its methods (``np.add.reduce``) and for ``out=`` and ``where=``.
    """
    name = f"np.{ufunc.__name__}"
    if method != "__call__":
        usual = f"{name}(x[:, None], y)" if method == "outer" else "it with graphad's own functions"
        hint = HINTS.get(f"{name}.{method}", usual)
        refuse(GraphError, f"{name}.{method}", inputs, f"not possible on tensors; write {hint}")
    given = [k for k, v in kwargs.items() if not (k == "out" and all(o is None for o in v))]
    if given:
        hint = "a tensor cannot be written to" if "out" in given else "write ga.where or ga.astype around it"
        refuse(GraphError, name, inputs, f"{given[0]}= is not possible on tensors; {hint}")
    if ufunc not in UFUNCS:
        _unknown(name, inputs)
    return UFUNCS[ufunc](*inputs)


@operator("array_function")
def array_function(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """``function(*args, **kwargs)`` of NumPy's as a node.

    Errors: GraphError for a function that is not in the table and for an argument that has no counterpart.
    """
    name = f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1)
    tensors = [a for a in args if isinstance(a, Tensor)]
    if function not in FUNCTIONS:
        _unknown(name, tensors)
    rule = FUNCTIONS[function]
    if rule.many:
        wrong = [k for k in kwargs if k not in ("optimize", "subok")]
        if wrong:
            refuse(GraphError, name, tensors, f"{wrong[0]}= is not possible on tensors")
        return rule.ours(*args)
    given = dict(zip(rule.names, args, strict=False)) | dict(kwargs)
    unknown = [k for k in given if k not in rule.names]
    if unknown or len(args) > len(rule.names):
        what = f"{unknown[0]}=" if unknown else f"argument {len(rule.names) + 1}"
        refuse(GraphError, name, tensors, f"{what} is not possible on tensors; it takes {', '.join(rule.takes)}")
    chosen: dict[str, Any] = {}
    for key, value in given.items():
        ours = rule.names[key]
        if ours is None and value is not None:
            refuse(GraphError, name, tensors, f"{key}= is not possible on tensors; it takes {', '.join(rule.takes)}")
        if ours is not None:
            chosen[ours] = value
    return rule.ours(**chosen)


def _unknown(name: str, operands: Sequence[Any]) -> Any:
    last = name.rpartition(".")[2]
    usual = f"ga.{last}" if last in ops.__all__ else "it with graphad's own functions, or keep the call to NumPy arrays"
    refuse(GraphError, name, operands, f"NumPy's function is not known for tensors; write {HINTS.get(name, usual)}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A function of ours, and for each of NumPy's parameters, in order, ours; None: only None may be given.

    ``many``: operands only, as many as there are.
    """

    ours: Callable[..., Any]
    names: Mapping[str, str | None]
    many: bool = False

    @property
    def takes(self) -> list[str]:
        return [k for k, v in self.names.items() if v is not None]


def _rule(ours: Callable[..., Any], names: str = "") -> Rule:
    """``names``: NumPy's parameters; ``a:x`` is called x here, ``out-`` has no counterpart."""
    table: dict[str, str | None] = {}
    for word in names.split():
        theirs, _, here = word.rstrip("-").partition(":")
        table[theirs] = None if word.endswith("-") else here or theirs
    return Rule(ours, table, not names)


def _squeeze(x: Tensor, axis: Any = None) -> Tensor:
    return ops.squeeze(x, [i for i, d in enumerate(x.shape) if d == 1] if axis is None else axis)


def _transpose(x: Tensor, axes: Any = None) -> Tensor:
    return ops.permute_dims(x, range(x.ndim)[::-1] if axes is None else axes)


def _swapaxes(x: Tensor, a: int, b: int) -> Tensor:
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    return ops.permute_dims(x, order)


def _take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    return ops.take(ops.flatten(x), indices) if axis is None else ops.take(x, indices, axis)


def _cumulative(ours: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, axis=None: ours(ops.flatten(x), 0) if axis is None else ours(x, axis)


def _dot(x: Any, y: Any) -> Tensor:
    a, b = as_tensor(x, "np.dot"), as_tensor(y, "np.dot")
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if b.ndim > 2:
        refuse(ShapeError, "np.dot", (a, b), "takes up to two dimensions on the right; write ga.matmul or ga.tensordot")
    return ops.matmul(a, b)


def _pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0.0) -> Tensor:
    if mode != "constant":
        refuse(GraphError, "np.pad", (x,), f"only mode 'constant' is possible on tensors, got {mode!r}")
    return ops.pad(x, pad_width, constant_values)


def _round(x: Any, decimals: int = 0) -> Tensor:
    return ops.round(x) if decimals == 0 else ops.round(x * 10.0**decimals) / 10.0**decimals


_REDUCTION: Final = "a:x axis out- keepdims initial- where-"
_SUMMING: Final = "a:x axis dtype- out- keepdims initial- where-"
_SPREAD: Final = "a:x axis dtype- out- ddof:correction keepdims where- mean- correction"

FUNCTIONS: Final[dict[Any, Rule]] = {
    np.sum: _rule(ops.sum, _SUMMING),
    np.prod: _rule(ops.prod, _SUMMING),
    np.mean: _rule(ops.mean, "a:x axis dtype- out- keepdims where-"),
    np.var: _rule(ops.var, _SPREAD),
    np.std: _rule(ops.std, _SPREAD),
    np.max: _rule(ops.max, _REDUCTION),
    np.min: _rule(ops.min, _REDUCTION),
    np.amax: _rule(ops.max, _REDUCTION),
    np.amin: _rule(ops.min, _REDUCTION),
    np.any: _rule(ops.any, "a:x axis out- keepdims where-"),
    np.all: _rule(ops.all, "a:x axis out- keepdims where-"),
    np.argmax: _rule(ops.argmax, "a:x axis out- keepdims"),
    np.argmin: _rule(ops.argmin, "a:x axis out- keepdims"),
    np.count_nonzero: _rule(ops.count_nonzero, "a:x axis keepdims"),
    np.cumsum: _rule(_cumulative(ops.cumulative_sum), "a:x axis dtype- out-"),
    np.cumprod: _rule(_cumulative(ops.cumulative_prod), "a:x axis dtype- out-"),
    np.concatenate: _rule(ops.concat, "arrays:operands axis out- dtype-"),
    np.stack: _rule(ops.stack, "arrays:operands axis out- dtype-"),
    np.where: _rule(lambda c, x, y: ops.where(c, x, y), "condition:c x y"),
    np.dot: _rule(_dot, "a:x b:y out-"),
    np.tensordot: _rule(ops.tensordot, "a:x b:y axes"),
    np.outer: _rule(lambda x, y: ops.outer(ops.flatten(x), ops.flatten(y)), "a:x b:y out-"),
    np.einsum: _rule(ops.einsum),
    np.broadcast_arrays: _rule(ops.broadcast_arrays),
    np.trace: _rule(lambda x: ops.einsum("ii...->...", x), "a:x"),
    np.transpose: _rule(_transpose, "a:x axes"),
    np.swapaxes: _rule(_swapaxes, "a:x axis1:a axis2:b"),
    np.moveaxis: _rule(ops.moveaxis, "a:x source destination"),
    np.reshape: _rule(ops.reshape, "a:x shape order- newshape:shape copy-"),
    np.ravel: _rule(ops.flatten, "a:x"),
    np.expand_dims: _rule(ops.expand_dims, "a:x axis"),
    np.squeeze: _rule(_squeeze, "a:x axis"),
    np.broadcast_to: _rule(ops.broadcast_to, "array:x shape"),
    np.flip: _rule(ops.flip, "m:x axis"),
    np.pad: _rule(_pad, "array:x pad_width mode constant_values"),
    np.take: _rule(_take, "a:x indices axis out- mode-"),
    np.take_along_axis: _rule(ops.take_along_axis, "arr:x indices axis"),
    np.clip: _rule(ops.clip, "a:x a_min:min a_max:max out- min max"),
    np.tril: _rule(ops.tril, "m:x k"),
    np.triu: _rule(ops.triu, "m:x k"),
    np.round: _rule(_round, "a:x decimals out-"),
    np.zeros_like: _rule(ops.zeros_like, "a:x dtype"),
    np.ones_like: _rule(ops.ones_like, "a:x dtype"),
    np.full_like: _rule(ops.full_like, "a:x fill_value:value dtype"),
    np.shape: _rule(lambda x: x.shape, "a:x"),
    np.ndim: _rule(lambda x: x.ndim, "a:x"),
    np.size: _rule(lambda x: x.size, "a:x"),
}
