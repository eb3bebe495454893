"""Products of tensors: matmul, einsum and their relatives, all through the one kind Contract."""

import string
from collections.abc import Sequence
from itertools import combinations

from graphad.build import TensorLike, as_tensor, broadcast, broadcast_shapes, make, normalize_axis, refuse, tensors
from graphad.compiler.errors import DTypeError, ShapeError
from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.op import CONTRACT
from graphad.compiler.ir.size import Dim, Size
from graphad.compiler.ir.view import AxisMap
from graphad.ops.reductions import sum as sum_
from graphad.ops.shape import affine, expand_dims, permute_dims, squeeze
from graphad.tensor import Tensor, operator


def contract(x: Tensor, y: Tensor, left: str, right: str, out: str) -> Tensor:
    """The einsum ``left,right->out`` of two tensors of one dtype, letters unique in each."""
    x, left = _presum(x, left, right + out)
    y, right = _presum(y, right, left + out)
    return make(CONTRACT, Contract(left, right, out), (x, y))


def _presum(x: Tensor, letters: str, needed: str) -> tuple[Tensor, str]:
    """Letters that stand nowhere else are summed first."""
    alone = tuple(i for i, c in enumerate(letters) if c not in needed)
    if not alone:
        return x, letters
    return sum_(x, alone), "".join(c for c in letters if c in needed)


@operator("matmul")
def matmul(x: TensorLike, y: TensorLike) -> Tensor:
    """The matrix product over the last axis of ``x`` and the last but one of ``y``, batched by broadcasting.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).shape
    (1, 1)
    """
    a, b = tensors("matmul", (x, y))
    if a.ndim == 0 or b.ndim == 0:
        refuse(ShapeError, "matmul", (a, b), "takes no scalars; multiply with *")
    if a.dtype == "bool":
        refuse(DTypeError, "matmul", (a, b), "takes numbers, got bool")
    if a.ndim == 1 or b.ndim == 1:
        return _with_vector(a, b)
    if a.shape[-1] != b.shape[-2]:
        refuse(
            ShapeError, "matmul", (a, b),
            f"axis -1 of the left operand has {a.shape[-1]} elements, axis -2 of the right {b.shape[-2]}"
            + ("; right.T?" if a.shape[-1] == b.shape[-1] else ""),
        )
    lead = _lead_shape(a, b)
    letters = string.ascii_lowercase[: len(lead)]
    a, left = _batch(a, lead, letters)
    b, right = _batch(b, lead, letters)
    return contract(a, b, left + "xz", right + "zy", letters + "xy")


def _with_vector(a: Tensor, b: Tensor) -> Tensor:
    if a.ndim == 1 and b.ndim == 1:
        return vecdot(a, b)
    if a.ndim == 1:
        return squeeze(matmul(expand_dims(a, 0), b), -2)
    return squeeze(matmul(a, expand_dims(b, 1)), -1)


def _lead_shape(a: Tensor, b: Tensor) -> tuple[Dim, ...]:
    parts = [t for t in (a, b) if t.ndim > 2]
    if not parts:
        return ()
    return broadcast_shapes("matmul", [_lead(t) for t in parts])


def _lead(t: Tensor) -> Tensor:
    """A stand-in with the batch axes alone, for the broadcasting rule and its error."""
    return affine(t, t.shape[:-2], [AxisMap(terms=((i, 1),)) for i in range(t.ndim - 2)] + [AxisMap(), AxisMap()])


def _batch(t: Tensor, lead: tuple[Dim, ...], letters: str) -> tuple[Tensor, str]:
    """Batch axes of size 1 are dropped, not repeated, where the other operand has the size."""
    own = t.shape[:-2]
    if len(own) == len(lead) and own == lead:
        return t, letters
    offset = len(lead) - len(own)
    single = tuple(i for i, d in enumerate(own) if d == 1 and lead[offset + i] != 1)
    kept = "".join(letters[offset + i] for i in range(len(own)) if i not in single)
    return (squeeze(t, single) if single else t), kept


def vecdot(x: TensorLike, y: TensorLike, axis: int = -1) -> Tensor:
    """The sum of products along an axis."""
    a, b = tensors("vecdot", (x, y))
    shape = broadcast_shapes("vecdot", (a, b))
    a, b = broadcast(a, shape), broadcast(b, shape)
    place = normalize_axis("vecdot", a, axis)
    letters = string.ascii_lowercase[: len(shape)]
    return contract(a, b, letters, letters, letters.replace(letters[place], ""))


def outer(x: TensorLike, y: TensorLike) -> Tensor:
    """All products of two vectors' elements."""
    a, b = tensors("outer", (x, y))
    if a.ndim != 1 or b.ndim != 1:
        refuse(ShapeError, "outer", (a, b), "takes two vectors")
    return contract(a, b, "i", "j", "ij")


def tensordot(x: TensorLike, y: TensorLike, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """The sum of products over pairs of axes: the last ``axes`` of x with the first of y, or two lists."""
    a, b = tensors("tensordot", (x, y))
    if isinstance(axes, int):
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    pairs = [
        (normalize_axis("tensordot", a, i), normalize_axis("tensordot", b, j)) for i, j in zip(*axes, strict=True)
    ]
    left = list(string.ascii_lowercase[: a.ndim])
    right = list(string.ascii_uppercase[: b.ndim])
    for i, j in pairs:
        if a.shape[i] != b.shape[j]:
            refuse(ShapeError, "tensordot", (a, b), f"axis {i} has {a.shape[i]} elements, axis {j} {b.shape[j]}")
        right[j] = left[i]
    summed = {left[i] for i, _ in pairs}
    out = "".join(c for c in left + right if c not in summed)
    return contract(a, b, "".join(left), "".join(right), out)


def einsum(subscripts: str, *operands: TensorLike) -> Tensor:
    """Einstein's sum, as numpy.einsum with letters and ``...``; several operands in the pairwise order that costs least.

    >>> einsum("ij,jk->ik", [[1.0, 2.0]], [[3.0], [4.0]]).shape
    (1, 1)
    """
    found = tensors("einsum", operands)
    inputs, out = _subscripts(subscripts, found)
    parts = [_diagonal(t, letters) for t, letters in zip(found, inputs, strict=True)]
    while len(parts) > 1:
        i, j = _cheapest(parts, out)
        (a, left), (b, right) = parts[i], parts[j]
        rest = [p for k, p in enumerate(parts) if k not in (i, j)]
        needed = set(out).union(*(letters for _, letters in rest))
        kept = "".join(c for c in dict.fromkeys(left + right) if c in needed)
        parts = [*rest, (contract(a, b, left, right, kept), kept)]
    tensor, letters = _presum(*parts[0], out)
    return permute_dims(tensor, [letters.index(c) for c in out])


def _subscripts(text: str, operands: Sequence[Tensor]) -> tuple[list[str], str]:
    text = text.replace(" ", "")
    left, arrow, out = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        refuse(ShapeError, "einsum", operands, f"{text!r} names {len(inputs)} operands, got {len(operands)}")
    spare = [c for c in string.ascii_letters if c not in text]
    widths = [t.ndim - len(i.replace("...", "")) if "..." in i else 0 for i, t in zip(inputs, operands, strict=True)]
    dots = spare[: max(widths)]
    inputs = [i.replace("...", "".join(dots[len(dots) - w :])) for i, w in zip(inputs, widths, strict=True)]
    for letters, t in zip(inputs, operands, strict=True):
        if len(letters) != t.ndim or not all(c in string.ascii_letters for c in letters):
            refuse(ShapeError, "einsum", operands, f"{letters!r} does not name the {t.ndim} axes of {t.type}")
    if arrow:
        out = out.replace("...", "".join(dots))
    else:
        joined = "".join(inputs)
        out = "".join(dots) + "".join(sorted(c for c in set(joined) if joined.count(c) == 1 and c not in dots))
    if len(set(out)) != len(out) or not set(out) <= set("".join(inputs)):
        refuse(ShapeError, "einsum", operands, f"the result {out!r} names letters twice or that no operand has")
    return inputs, out


def _diagonal(t: Tensor, letters: str) -> tuple[Tensor, str]:
    """A letter that stands twice in one operand reads its diagonal."""
    unique = "".join(dict.fromkeys(letters))
    if len(unique) == len(letters):
        return t, letters
    shape = tuple(t.shape[letters.index(c)] for c in unique)
    for i, c in enumerate(letters):
        if t.shape[i] != t.shape[letters.index(c)]:
            refuse(ShapeError, "einsum", (t,), f"{c!r} is {t.shape[letters.index(c)]} and {t.shape[i]}")
    return affine(t, shape, [AxisMap(terms=((unique.index(c), 1),)) for c in letters]), unique


def _cheapest(parts: Sequence[tuple[Tensor, str]], out: str) -> tuple[int, int]:
    """The pair whose product costs fewest multiplications; a symbolic size counts as 64."""

    def cost(pair: tuple[int, int]) -> int:
        sizes = {c: d for k in pair for c, d in zip(parts[k][1], parts[k][0].shape, strict=True)}
        total = 1
        for d in sizes.values():
            total *= 64 if isinstance(d, Size) else d
        return total

    return min(combinations(range(len(parts)), 2), key=cost)


def trace(x: TensorLike) -> Tensor:
    """The sum of a matrix's diagonal."""
    return einsum("...ii->...", x)


def linear_product(x: TensorLike, weight: TensorLike) -> Tensor:
    """``x @ weight.T`` over the last axes: (..., I), (O, I) -> (..., O), without a transposed copy."""
    a, b = as_tensor(x), as_tensor(weight)
    letters = string.ascii_lowercase[: a.ndim - 1]
    return contract(a, b, letters + "z", "yz", letters + "y")


__all__ = ["einsum", "matmul", "outer", "tensordot", "trace", "vecdot"]
