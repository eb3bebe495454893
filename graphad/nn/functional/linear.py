"""The affine map."""

from graphad.build import TensorLike, as_tensor, need_float, refuse
from graphad.compiler.errors import DTypeError, ShapeError
from graphad.nn.functional.spatial import each_of, plural
from graphad.ops.contraction import linear_product
from graphad.sites import current_layer
from graphad.tensor import Tensor


def linear(x: TensorLike, weight: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """``x weight^T + bias`` over the last axis: (..., I), (O, I), (O,) -> (..., O).

    Errors: ShapeError where features do not fit, DTypeError for mixed dtypes.

    >>> from graphad import input
    >>> linear(input("x", ("N", 400)), input("w", (120, 400)), input("b", (120,))).shape
    (N, 120)
    """
    tensor, matrix = as_tensor(x, "linear"), as_tensor(weight, "linear")
    need_float("linear", tensor)
    _check(tensor, matrix)
    out = linear_product(tensor, matrix)
    if bias is None:
        return out
    row = as_tensor(bias, "linear")
    if row.shape != matrix.shape[:1]:
        refuse(
            ShapeError,
            "linear",
            (row,),
            f"bias expects one element for {each_of(matrix.shape[0], 'output feature')}, got {list(row.shape)}",
        )
    if row.dtype != out.dtype:
        refuse(DTypeError, "linear", (row,), f"bias expects {out.dtype}, got {row.dtype}; astype({out.dtype!r})?")
    return out + row


def _check(x: Tensor, weight: Tensor) -> None:
    if weight.ndim != 2:
        refuse(ShapeError, "linear", (x, weight), f"weight has 2 dimensions, (output, input), got {weight.ndim}")
    if x.ndim == 0:
        refuse(ShapeError, "linear", (x, weight), "x has at least one dimension, (..., input features), got none")
    if x.dtype != weight.dtype:
        refuse(
            DTypeError,
            "linear",
            (x, weight),
            f"x and weight have one dtype, got {x.dtype} and {weight.dtype}; write x.astype({weight.dtype!r})",
        )
    wanted = weight.shape[1]
    if x.shape[-1] == wanted:
        return
    flat = x.ndim > 2 and _flat_size(x) == wanted
    turned = weight.shape[0] == x.shape[-1]
    fix = "; reshape(x, (x.shape[0], -1))?" if flat else "; weight.T?" if turned and not current_layer() else ""
    refuse(
        ShapeError,
        "linear",
        (x, weight),
        f"weight expects {wanted} input feature{plural(wanted)} (axis 1 of weight), "
        f"got {x.shape[-1]} (axis -1 of x){fix}",
    )


def _flat_size(x: Tensor) -> object:
    """Elements of one example."""
    total = x.shape[1]
    for size in x.shape[2:]:
        total = total * size
    return total
