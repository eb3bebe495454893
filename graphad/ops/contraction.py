"""Products of tensors: matmul, einsum and their relatives, all through the one kind Contract."""

import string
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from graphad.build import (
    TensorLike,
    as_tensor,
    broadcast,
    broadcast_shapes,
    common_shape,
    make,
    normalize_axis,
    refuse,
    tensors,
)
from graphad.checks import listed, shown, text
from graphad.compiler.errors import DTypeError, ShapeError
from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.op import CONTRACT
from graphad.compiler.ir.size import Dim, Size
from graphad.compiler.ir.types import show_shape
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


def _numbers(name: str, operands: Sequence[TensorLike]) -> list[Tensor]:
    found = tensors(name, operands)
    if found[0].dtype == "bool":
        refuse(DTypeError, name, found, "takes numbers, got bool; write ga.astype(x, 'int64')")
    return found


@operator("matmul")
def matmul(x: TensorLike, y: TensorLike) -> Tensor:
    """The matrix product over the last axis of ``x`` and the last but one of ``y``, batched by broadcasting.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).shape
    (1, 1)
    """
    a, b = _numbers("matmul", (x, y))
    if a.ndim == 0 or b.ndim == 0:
        refuse(ShapeError, "matmul", (a, b), "takes no scalars; multiply with *")
    if a.ndim == 1 or b.ndim == 1:
        return _with_vector(a, b)
    if a.shape[-1] != b.shape[-2]:
        refuse(
            ShapeError,
            "matmul",
            (a, b),
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
    return common_shape("matmul", (a, b), [t.shape[:-2] for t in parts])


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
    """The sum of products along an axis of the operands' common shape, along which both have the same size.

    Errors: ShapeError where one lacks the axis or has another size: what is summed over is not repeated.
    """
    found = _numbers("vecdot", (x, y))
    common = broadcast_shapes("vecdot", found)
    a, b = (broadcast(t, common) for t in found)
    place = normalize_axis("vecdot", a, axis)
    own = [t.shape[place - len(common)] if len(common) - place <= t.ndim else None for t in found]
    if own[0] != own[1]:
        sizes = " and ".join("missing" if d is None else str(d) for d in own)
        refuse(ShapeError, "vecdot", found, f"axis {axis} is {sizes}; it is summed over, so both have the same size")
    letters = string.ascii_lowercase[: a.ndim]
    return contract(a, b, letters, letters, letters.replace(letters[place], ""))


def outer(x: TensorLike, y: TensorLike) -> Tensor:
    """All products of two vectors' elements."""
    a, b = _numbers("outer", (x, y))
    if a.ndim != 1 or b.ndim != 1:
        refuse(ShapeError, "outer", (a, b), "takes two vectors")
    return contract(a, b, "i", "j", "ij")


def _pairs(a: Tensor, b: Tensor, axes: Any) -> list[tuple[int, int]]:
    """The axes of the two operands that are summed over."""
    if isinstance(axes, int | np.integer) and not isinstance(axes, bool):
        if not 0 <= axes <= min(a.ndim, b.ndim):
            refuse(ShapeError, "tensordot", (a, b), f"axes is at most {min(a.ndim, b.ndim)}, got {axes}")
        axes = ([*range(a.ndim - axes, a.ndim)], [*range(axes)])
    if not isinstance(axes, list | tuple) or len(axes) != 2:
        refuse(ShapeError, "tensordot", (a, b), f"axes is a number or two lists of axes, got {shown(axes)}")
    left, right = ([s] if isinstance(s, int) else listed("tensordot", "each of axes", s, "axes") for s in axes)
    found = [[normalize_axis("tensordot", t, i) for i in side] for t, side in ((a, left), (b, right))]
    if len(left) != len(right) or any(len(set(side)) != len(side) for side in found):
        refuse(ShapeError, "tensordot", (a, b), f"axes pair each axis with one other, got {left} and {right}")
    return list(zip(*found, strict=True))


def tensordot(x: TensorLike, y: TensorLike, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """The sum of products over pairs of axes: the last ``axes`` of x with the first of y, or two lists.

    Shape: the axes of x that are left, then those of y.

    >>> tensordot([[1.0, 2.0]], [[3.0], [4.0]], axes=1).shape
    (1, 1)
    """
    a, b = _numbers("tensordot", (x, y))
    pairs = _pairs(a, b, axes)
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
    """Einstein's sum, as numpy.einsum; several operands in the pairwise order that costs least.

    >>> einsum("ij,jk->ik", [[1.0, 2.0]], [[3.0], [4.0]]).shape
    (1, 1)
    """
    text("einsum", "the first argument, the subscripts,", subscripts, empty=True)
    found = _numbers("einsum", operands)
    inputs, out = _subscripts(subscripts, found)
    parts = _squeezed([_diagonal(t, letters) for t, letters in zip(found, inputs, strict=True)], subscripts)
    _check_letters(subscripts, found, parts)
    while len(parts) > 1:
        i, j = _cheapest(parts, out)
        (a, left), (b, right) = parts[i], parts[j]
        rest = [p for k, p in enumerate(parts) if k not in (i, j)]
        needed = set(out).union(*(letters for _, letters in rest))
        kept = "".join(c for c in dict.fromkeys(left + right) if c in needed)
        parts = [*rest, (contract(a, b, left, right, kept), kept)]
    tensor, letters = _presum(*parts[0], out)
    return permute_dims(tensor, [letters.index(c) for c in out])


def _subscripts(spec: str, operands: Sequence[Tensor]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, the dots spelled out with letters of their own."""
    left, arrow, out = spec.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        refuse(ShapeError, "einsum", operands, f"{spec!r} names {len(inputs)} operands, got {len(operands)}")
    widths = [_dots(spec, i, t) for i, t in zip(inputs, operands, strict=True)]
    spare = [c for c in string.ascii_letters if c not in spec]
    dots = "".join(spare[: max(widths)])
    inputs = [i.replace("...", dots[len(dots) - w :]) for i, w in zip(inputs, widths, strict=True)]
    if not arrow:
        joined = "".join(inputs)
        out = "..." + "".join(sorted(c for c in set(joined) - set(dots) if joined.count(c) == 1))
    if dots and "..." not in out:
        refuse(
            ShapeError, "einsum", operands, f"{spec!r}: the result has no ... for the {len(dots)} axes it stands for"
        )
    out = out.replace("...", dots)
    if len(set(out)) != len(out) or not set(out) <= set("".join(inputs)):
        refuse(ShapeError, "einsum", operands, f"{spec!r}: the result names a letter twice or one that no operand has")
    return inputs, out


def _check_letters(text: str, operands: Sequence[Tensor], parts: Sequence[tuple[Tensor, str]]) -> None:
    sizes: dict[str, Dim] = {}
    for t, letters in parts:
        for c, d in zip(letters, t.shape, strict=True):
            if sizes.setdefault(c, d) != d:
                who = repr(c) if c in text else "an axis of ..."
                refuse(
                    ShapeError, "einsum", operands, f"{text!r}: {who} is {sizes[c]} in one operand and {d} in another"
                )


def _dots(text: str, letters: str, t: Tensor) -> int:
    """How many axes of ``t`` its dots stand for."""
    named = letters.replace("...", "", 1)
    if not all(c in string.ascii_letters for c in named):
        refuse(ShapeError, "einsum", (t,), f"{text!r}: subscripts are letters and ..., got {letters!r}")
    if len(named) > t.ndim or (len(named) != t.ndim and named == letters):
        refuse(ShapeError, "einsum", (t,), f"{text!r}: {letters!r} does not name the {t.ndim} axes of {t.type}")
    return t.ndim - len(named)


def _squeezed(parts: Sequence[tuple[Tensor, str]], named: str) -> list[tuple[Tensor, str]]:
    """Axes of the dots of size 1 dropped where another operand has the size: the product repeats them."""
    wide = {c for t, letters in parts for c, d in zip(letters, t.shape, strict=True) if d != 1}
    out = []
    for t, letters in parts:
        single = [i for i, c in enumerate(letters) if t.shape[i] == 1 and c in wide and c not in named]
        kept = "".join(c for i, c in enumerate(letters) if i not in single)
        out.append((squeeze(t, single) if single else t, kept))
    return out


def _diagonal(t: Tensor, letters: str) -> tuple[Tensor, str]:
    """A letter that stands twice in one operand reads its diagonal."""
    unique = "".join(dict.fromkeys(letters))
    if len(unique) == len(letters):
        return t, letters
    shape = tuple(t.shape[letters.index(c)] for c in unique)
    for i, c in enumerate(letters):
        if t.shape[i] != t.shape[letters.index(c)]:
            refuse(ShapeError, "einsum", (t,), f"axes of one letter are equal: {letters!r} for {show_shape(t.shape)}")
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
    """The sum of the diagonal of the last two axes.

    >>> trace([[1.0, 2.0], [3.0, 4.0]]).shape
    ()
    """
    return einsum("...ii->...", x)


def linear_product(x: TensorLike, weight: TensorLike) -> Tensor:
    """``x @ weight.T`` over the last axes: (..., I), (O, I) -> (..., O), without a transposed copy."""
    a, b = as_tensor(x), as_tensor(weight)
    letters = string.ascii_lowercase[: a.ndim - 1]
    return contract(a, b, letters + "z", "yz", letters + "y")


__all__ = ["einsum", "matmul", "outer", "tensordot", "trace", "vecdot"]
