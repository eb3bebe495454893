"""The layers and derivatives of ``tests/networks.py``: functions of the maker, which draws, and of (N, C, *spatial).

A layer answers None where it does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

import graphad as ga
from graphad.nn import functional

if TYPE_CHECKING:
    from tests.networks import Maker

Layer: TypeAlias = "Callable[[Maker, ga.Tensor], ga.Tensor | None]"
Ask: TypeAlias = "Callable[[Maker, ga.Tensor, list[ga.Tensor], list[ga.Tensor]], list[ga.Tensor]]"

CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
POOL = {
    1: (functional.max_pool1d, functional.avg_pool1d),
    2: (functional.max_pool2d, functional.avg_pool2d),
    3: (functional.max_pool3d, functional.avg_pool3d),
}
VIEWS = ("flip", "slice", "pad", "transpose", "reshape", "repeat", "normal", "computed")


def elements(x: ga.Tensor) -> int:
    """Of an example."""
    return int(np.prod([d for d in x.shape if isinstance(d, int)]))


def reaches(y: ga.Tensor, x: ga.Tensor) -> bool:
    """Whether ``y`` depends on ``x``."""
    stack, seen = [y], set()
    while stack:
        node = stack.pop()
        if node is x:
            return True
        if node not in seen:
            seen.add(node)
            stack.extend(node.operands)
    return False


# -- layers ------------------------------------------------------------------------------------------------------------


def convolution(m: Maker, h: ga.Tensor) -> ga.Tensor | None:
    channels, spatial = h.shape[1], h.shape[2:]
    groups = m.pick([g for g in (1, 1, 1, 2, channels) if channels % g == 0])
    out = groups * m.pick((1, 1, 2, 3, 8)) if groups > 1 else m.pick((1, 2, 3, 5, 8, 16))
    taps = tuple(m.pick((1, 2, 3, 3, 5)) for _ in spatial)
    stride, dilation = m.pick((1, 1, 1, 2)), m.pick((1, 1, 1, 2))
    padding = m.pick((0, 0, 1, 2, "same")) if stride == 1 else m.pick((0, 1))
    margin = 0 if padding == "same" else 2 * padding
    if out > 24 or any(d + margin <= dilation * (k - 1) for d, k in zip(spatial, taps, strict=True)):
        return None
    w = viewed_weight(m, (out, channels // groups, *taps))
    bias = m.weight((out,)) if m.chance(0.3) else None
    m.say(f"weight {w.shape} stride {stride} padding {padding} dilation {dilation} groups {groups} bias {bias}")
    return CONVOLVE[m.rank](h, w, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


def viewed_weight(m: Maker, shape: tuple[int, ...]) -> ga.Tensor:
    """A weight of this shape, or a view of one, or one that is computed."""
    how, axis = m.pick((*("plain",) * 6, *VIEWS)), m.pick(range(len(shape)))
    start, step = m.pick((0, 1)), m.pick((1, 2))
    m.say(how)
    match how:
        case "flip":
            return ga.flip(m.weight(shape), axis=axis)
        case "slice":
            wide = tuple(2 * d + 1 if i == axis else d for i, d in enumerate(shape))
            cut = slice(start, start + step * shape[axis], step)
            return m.weight(wide)[tuple(cut if i == axis else slice(None) for i in range(len(shape)))]
        case "pad" if shape[-1] > 1:
            widths = [(0, 0)] * (len(shape) - 1) + [(start, 1 - start)]
            return ga.pad(m.weight((*shape[:-1], shape[-1] - 1)), widths)
        case "transpose":
            return ga.permute_dims(m.weight((shape[1], shape[0], *shape[2:])), (1, 0, *range(2, len(shape))))
        case "reshape":
            return ga.reshape(m.weight((int(np.prod(shape)),)), shape)
        case "repeat":
            return ga.broadcast_to(m.weight((1, *shape[1:])), shape)
        case "normal":
            w = m.weight(shape)
            return w / ga.sqrt(ga.sum(w * w) + 1.0)
        case "computed":
            return ga.tanh(m.weight(shape)) * 2.0
        case _:
            return m.weight(shape)


def activation(m: Maker, h: ga.Tensor) -> ga.Tensor:
    names = ("tanh", "sigmoid", "softplus", "relu", "gelu")
    return m.pick((*(getattr(functional, name) for name in names), ga.sin, lambda x: x * x))(h)


def batch_norm(m: Maker, h: ga.Tensor) -> ga.Tensor:
    axes = m.pick(((0,), (0, *range(2, h.ndim)), tuple(range(h.ndim))))
    y = _normal(h, axes)
    return y * ga.reshape(m.weight((h.shape[1],)), (1, h.shape[1]) + (1,) * (h.ndim - 2)) if m.chance(0.5) else y


def layer_norm(m: Maker, h: ga.Tensor) -> ga.Tensor:
    return _normal(h, m.pick(((1,), tuple(range(1, h.ndim)))))


def _normal(h: ga.Tensor, axes: tuple[int, ...]) -> ga.Tensor:
    centred = h - ga.mean(h, axis=axes, keepdims=True)
    return centred / ga.sqrt(ga.mean(centred * centred, axis=axes, keepdims=True) + 0.1)


def by_norm(m: Maker, h: ga.Tensor) -> ga.Tensor:
    return h / ga.sqrt(ga.sum(h * h) + 0.5)


def by_number(m: Maker, h: ga.Tensor) -> ga.Tensor:
    """A number of the whole batch, used in several ways."""
    s = ga.tanh(ga.sum(h) * 0.1)
    return m.pick((lambda: h * s, lambda: h + s, lambda: h * s + ga.exp(s), lambda: ga.where(s > 0.1, h, -h)))()


def by_greatest(m: Maker, h: ga.Tensor) -> ga.Tensor:
    m.least = 1
    axes = m.pick(((0,), (0, 2), None))
    return h - 0.5 * m.pick((ga.max, ga.min))(h, axis=axes, keepdims=axes is not None)


def over_batch(m: Maker, h: ga.Tensor) -> ga.Tensor:
    """Softmax over the examples, or their running sum."""
    if m.chance(0.3):
        return ga.tanh(ga.cumulative_sum(h, axis=0))
    e = ga.exp(ga.tanh(h))
    return e / (ga.sum(e, axis=0, keepdims=True) + 0.5)


def pooling(m: Maker, h: ga.Tensor) -> ga.Tensor | None:
    stride, padding = m.pick((None, 1, 2)), m.pick((0, 0, 1))
    return None if min(h.shape[2:]) < 2 else m.pick(POOL[m.rank])(h, 2, stride=stride, padding=padding)


def view(m: Maker, h: ga.Tensor) -> ga.Tensor | None:
    axis = m.pick(range(1, h.ndim))
    extent, whole = h.shape[axis], (slice(None),) * axis
    widths = [m.pick(((1, 0), (0, 2), (1, 1))) if i == axis else (0, 0) for i in range(h.ndim)]
    swapped = (-1, elements(h) // h.shape[1], h.shape[1], *(1,) * (h.ndim - 3))
    return m.pick(
        (
            lambda: ga.flip(h, axis=axis),
            lambda: ga.flip(h, axis=0),
            lambda: ga.pad(h, widths),
            lambda: h[(*whole, slice(1, None))] if extent > 1 else None,
            lambda: h[(*whole, slice(None, None, 2))],
            lambda: ga.concat([h, ga.flip(h, axis=axis)], axis=axis),
            lambda: ga.permute_dims(h, (0, *reversed(range(1, h.ndim)))),
            lambda: ga.reshape(h, swapped),
            lambda: ga.cumulative_sum(h, axis=axis) * 0.3,
            lambda: ga.take(h, ga.constant(np.array([0, extent - 1, 0])), axis=axis),
        )
    )()


def residual(m: Maker, h: ga.Tensor) -> ga.Tensor | None:
    y = convolution(m, h)
    return y + h if y is not None and y.shape == h.shape else y


def product(m: Maker, h: ga.Tensor) -> ga.Tensor:
    """Products of an example with itself or with a matrix, along channels or places."""
    c, ones = h.shape[1], (1,) * (m.rank - 1)
    flat = ga.reshape(h, (-1, c, elements(h) // c))
    return m.pick(
        (
            lambda: ga.reshape(ga.einsum("ncs,nds->ncd", flat, flat), (-1, c, c, *ones)),
            lambda: ga.tensordot(h, viewed_weight(m, (h.shape[-1], m.pick((1, 3, 8)))), ((h.ndim - 1,), (0,))),
            lambda: ga.reshape(ga.einsum("ncs,csd->ncd", flat, m.weight((c, flat.shape[2], 3))), (-1, c, 3, *ones)),
            lambda: h * ga.mean(h, axis=1, keepdims=True),
        )
    )()


def dense(m: Maker, flat: ga.Tensor) -> ga.Tensor:
    """(N, features) by a matrix, or by a view of one."""
    width, out = flat.shape[1], m.pick((1, 2, 3, 10, 10, 70))
    how, axis = m.pick(("plain", "slice", "transpose", "flip", "linear")), m.pick((0, 1))
    m.say(f"dense {how} {width} x {out}")
    match how:
        case "slice":
            return flat @ m.weight((width, out + 3))[:, 1 : out + 1]
        case "transpose":
            return flat @ ga.matrix_transpose(m.weight((out, width)))
        case "flip":
            return flat @ ga.flip(m.weight((width, out)), axis=axis)
        case "linear":
            return functional.linear(flat, m.weight((out, width)), m.weight((out,)))
        case _:
            return flat @ m.weight((width, out))


LAYERS: tuple[Layer, ...] = (
    convolution, convolution, convolution, convolution, activation, activation, batch_norm, layer_norm, by_norm,
    by_number, by_greatest, over_batch, pooling, view, view, residual, product,
)  # fmt: skip


# -- what is asked for -------------------------------------------------------------------------------------------------


def loss(m: Maker, heads: list[ga.Tensor]) -> ga.Tensor:
    """A number of one batch, or of two."""
    if len(heads) == 2:
        m.say("Siamese")
        a, b = (ga.tanh(0.3 * h) for h in heads)
        similar = a @ ga.matrix_transpose(b)
        return ga.sum(similar * similar) if m.chance(0.6) else ga.sum(a * a) * ga.sum(b * b)
    (y,) = heads
    return m.pick(
        (
            lambda: ga.sum(y * y),
            lambda: ga.mean(ga.tanh(0.3 * y) ** 2),
            lambda: ga.sum(ga.logsumexp(y, axis=1)) + ga.sum(y * y),
            lambda: ga.sum(ga.sum(y, axis=0) ** 2),
            lambda: ga.sum(functional.softmax(y, 1) * y * y),
        )
    )()


def tangent(x: ga.Tensor) -> ga.Tensor:
    return ga.cos(x) + 0.5


def values(m: Maker, number: ga.Tensor, heads: list[ga.Tensor], leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    return [*heads, number]


def gradients(m: Maker, number: ga.Tensor, heads: list[ga.Tensor], leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    return ga.grad(number, m.some(leaves))


def second_derivatives(m: Maker, number: ga.Tensor, heads: list[ga.Tensor], leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    first, others = m.pick(leaves), m.some(leaves)
    slope = ga.grad(number, first)
    penalty = ga.sum(slope * slope)
    return ga.grad(penalty, [x for x in others if reaches(penalty, x)])


def hvp(m: Maker, number: ga.Tensor, heads: list[ga.Tensor], leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    some = m.some(leaves)
    return ga.hvp(number, some, [tangent(x) for x in some])


def jvp(m: Maker, number: ga.Tensor, heads: list[ga.Tensor], leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    some = [x for x in m.some(leaves) if reaches(heads[0], x)]
    return [ga.jvp(heads[0], some, [tangent(x) for x in some])] if some else [heads[0]]


ASKED: tuple[Ask, ...] = (values, gradients, gradients, second_derivatives, hvp, jvp)
