"""Random networks on small batches, compiled and evaluated: convolutions, norms of the batch, shared and viewed weights.

    python -m tests.networks 100 200      # the seeds from 100 to 199; prints those that fail

``random_program(seed)`` builds a ``Problem``, ``check(seed)`` raises AssertionError where the compiled program is not the
graph evaluated node by node. Both depend on the seed alone.
"""

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import graphad as ga
from graphad.nn import functional as F

BATCHES = (0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 37)
OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {}, {}, {}, {}, {"precision": "strict"}, {"batch": "lanes"}, {"batch": "rows"}, {"convolution": "direct"},
    {"convolution": "im2col"},
)  # fmt: skip
TOLERANCE = {"float32": 2e-4, "float64": 1e-9}
_CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_POOL = {
    1: (F.max_pool1d, F.avg_pool1d),
    2: (F.max_pool2d, F.avg_pool2d),
    3: (F.max_pool3d, F.avg_pool3d),
}
_NAMES = ("N", "B", "batch")


@dataclass
class Problem:
    """A function and what it is called with: ``feeds`` for each call, arrays for the inputs in order."""

    seed: int
    inputs: list[ga.Tensor]
    outputs: list[ga.Tensor]
    feeds: list[list[np.ndarray]]
    options: ga.Options
    threads: int
    dtype: str
    steps: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)

    @property
    def description(self) -> str:
        """What the program is, in words, with its seed."""
        sizes = [[f.shape for f in feed] for feed in self.feeds]
        return f"seed {self.seed}: {'; '.join(self.steps)} -> {', '.join(self.titles)} ({self.options.key()}, {sizes})"


def random_program(seed: int, dtype: str | None = None) -> Problem:
    """A network with derivatives, its inputs' values, and how it is compiled. ``dtype``: of floats, if not by chance."""
    return _Maker(seed, dtype).problem()


def check(seed: int) -> None:
    """Raise AssertionError, with the seed and the program, where compiled numbers are not the evaluated ones."""
    check_problem(random_program(seed))


def check_problem(problem: Problem) -> None:
    """The same for a program that is at hand."""
    try:
        function = ga.compile(problem.inputs, problem.outputs, options=problem.options, threads=problem.threads)
        for feed in problem.feeds:
            _compare(problem, function(*feed), feed)
    except Exception as error:
        raise AssertionError(f"{problem.description}\n{type(error).__name__}: {error}") from error


def _compare(problem: Problem, found: Sequence[np.ndarray], feed: Sequence[np.ndarray]) -> None:
    with np.errstate(all="ignore"):
        wanted = _evaluated(problem, feed)
    wrong = [i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if not _close(a, b, problem.dtype)]
    if not wrong:
        return
    # Where rounding errors grow, as at a kink or in a saturated tanh, as much is allowed as noise and fewer digits change.
    others = [_evaluated(problem, _noise(feed, k)) for k in range(4)]
    if problem.dtype == "float32":
        others.append(_evaluated(random_program(problem.seed, "float64"), [x.astype(np.float64) for x in feed]))
    for i in wrong:
        spread = max(_distance(other[i], wanted[i]) for other in others)
        apart = _distance(found[i], wanted[i])
        name = problem.titles[i]
        assert apart <= 20 * spread, f"{name}: {apart} apart, where noise makes {spread}\n{found[i]}\n{wanted[i]}"


def _evaluated(problem: Problem, feed: Sequence[np.ndarray]) -> list[np.ndarray]:
    return list(ga.evaluate(problem.outputs, dict(zip(problem.inputs, feed, strict=True))))


def _noise(feed: Sequence[np.ndarray], k: int) -> list[np.ndarray]:
    rng = np.random.default_rng(k)
    scaled = [x * (1 + 4 * np.finfo(x.dtype).eps * rng.uniform(-1, 1, x.shape)).astype(x.dtype) for x in feed]
    return [np.asarray(x, f.dtype) for x, f in zip(scaled, feed, strict=True)]


def _close(a: np.ndarray, b: np.ndarray, dtype: str) -> bool:
    """Equal up to rounding errors of the largest element, NaN where the other has NaN."""
    assert (a.dtype, a.shape) == (b.dtype, b.shape), f"{a.dtype}{a.shape} for {b.dtype}{b.shape}"
    return _distance(a, b) <= TOLERANCE[dtype]


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return np.inf
    where = np.isfinite(b)
    if not where.any():
        return 0.0
    scale = max(float(np.abs(b[where]).max()), 1e-2)
    return float(np.abs(a[where] - b[where]).max()) / scale


class _Maker:
    """One program. ``shapes``: of the inputs, with the batches' names."""

    def __init__(self, seed: int, dtype: str | None = None) -> None:
        self.seed, self.rng, self.sharing = seed, np.random.default_rng(seed), np.random.default_rng(~seed & 0xFFFF)
        drawn = self.pick(("float32", "float32", "float64"))
        self.dtype: str = dtype or drawn
        self.rank = self.pick((1, 1, 1, 2, 2, 3))
        self.inputs: list[ga.Tensor] = []
        self.least = 0  # examples: of none there is no maximum
        self.weights: list[ga.Tensor] = []
        self.drawn: list[ga.Tensor] = []
        self.replayed: Iterator[ga.Tensor] | None = None
        self.steps: list[str] = []

    # -- chance --------------------------------------------------------------------------------------------------------

    def pick(self, items: Sequence[Any]) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def say(self, text: str) -> None:
        self.steps.append(text)

    # -- the whole -----------------------------------------------------------------------------------------------------

    def problem(self) -> Problem:
        names = list(self.rng.permutation(_NAMES))
        two = self.chance(0.15)
        batches: list[Any] = names[: 1 + two] if self.chance(0.8) else [self.pick(BATCHES[1:8])] * (1 + two)
        channels, spatial = self.pick((1, 2, 3, 4)), self._spatial()
        xs = [self.leaf(f"x{i}", (b, channels, *spatial)) for i, b in enumerate(batches)]
        heads = self._network(xs)
        outputs, titles = self._outputs(xs, heads)
        fitting = BATCHES[self.least :]
        tries = self.rng.choice(fitting, size=(self.pick((1, 1, 2)), len(batches)))
        feeds = [self._feed(dict(zip(batches, map(int, row), strict=True))) for row in tries]
        options = ga.Options(**self.pick(OPTIONS))
        text = f"{self.dtype} x {[str(x.type) for x in xs]}"
        return Problem(
            self.seed, self.inputs, outputs, feeds, options, self.pick((1, 2)), self.dtype, [text, *self.steps], titles
        )

    def _spatial(self) -> tuple[int, ...]:
        if self.rank == 1 and self.chance(0.2):
            return (self.pick((17, 24, 33)),)
        most = {1: 12, 2: 8, 3: 5}[self.rank]
        return tuple(int(self.rng.integers(3, most + 1)) for _ in range(self.rank))

    def leaf(self, name: str, shape: tuple[Any, ...]) -> ga.Tensor:
        x = ga.input(name, shape, dtype=self.dtype)
        self.inputs.append(x)
        return x

    def weight(self, shape: tuple[int, ...]) -> ga.Tensor:
        """A new weight, or one that there is; for a second batch those of the first."""
        if self.replayed is not None:
            return next(self.replayed)
        known = [w for w in self.weights if w.shape == shape]
        if known and self.sharing.random() < 0.5:
            self.say("shared")
            w = known[int(self.sharing.integers(len(known)))]
        else:
            w = self.leaf(f"w{len(self.weights)}", shape)
            self.weights.append(w)
        self.drawn.append(w)
        return w

    def _feed(self, sizes: dict[Any, int]) -> list[np.ndarray]:
        found = []
        for x in self.inputs:
            shape = [d if isinstance(d, int) else sizes[str(d)] for d in x.shape]
            fan = max(int(np.prod(shape[1:])), 1) if any(x is w for w in self.weights) else 1
            found.append(np.asarray(self.rng.standard_normal(shape) / np.sqrt(fan), self.dtype))
        return found

    def _network(self, xs: list[ga.Tensor]) -> list[ga.Tensor]:
        """The network's result for each batch: the same layers and weights for all."""
        count = int(self.rng.integers(1, 6))
        state, said = self.rng.bit_generator.state, len(self.steps)
        heads = []
        for x in xs:  # the same draws, so the same layers
            self.rng.bit_generator.state = state
            del self.steps[said:]
            self.replayed = iter(self.drawn) if heads else None
            h = x
            for _ in range(count):
                h = self._step(h)
            heads.append(self._head(h))
        return heads

    def _step(self, h: ga.Tensor) -> ga.Tensor:
        step = self.pick(_STEPS)
        found = step(self, h)
        if found is None or _elements(found) > 3000:
            return h
        self.say(step.__name__.lstrip("_"))
        return found

    def _head(self, h: ga.Tensor) -> ga.Tensor:
        """Flattened, and now and then a dense layer on it."""
        flat = ga.flatten(h, 1)
        if self.chance(0.4):
            return flat
        return _dense(self, flat)

    # -- what is asked for ---------------------------------------------------------------------------------------------

    def _outputs(self, xs: list[ga.Tensor], heads: list[ga.Tensor]) -> tuple[list[ga.Tensor], list[str]]:
        loss = self._loss(heads)
        leaves = [x for x in (*xs, *self.weights) if self._reaches(loss, x)]
        outputs, titles = [], []
        for _ in range(self.pick((1, 1, 2, 3))):
            title, ask = self.pick(_ASKED)
            found = ask(self, loss, heads, leaves)
            found = [y for y in found if _elements(y) <= 20000]
            outputs += found
            titles += [title] * len(found)
        return (outputs, titles) if outputs else ([loss], ["loss"])

    def _reaches(self, y: ga.Tensor, x: ga.Tensor) -> bool:
        stack, seen = [y], set()
        while stack:
            node = stack.pop()
            if node is x:
                return True
            if node not in seen:
                seen.add(node)
                stack.extend(node.operands)
        return False

    def _loss(self, heads: list[ga.Tensor]) -> ga.Tensor:
        if len(heads) == 2:
            self.say("Siamese")
            a, b = (ga.tanh(h) for h in heads)
            if self.chance(0.6):
                similar = a @ ga.matrix_transpose(b)
                return ga.sum(similar * similar)
            return ga.sum(a * a) * ga.sum(b * b)
        (y,) = heads
        return self.pick(
            (
                lambda: ga.sum(y * y),
                lambda: ga.mean(ga.tanh(y) ** 2),
                lambda: ga.sum(ga.logsumexp(y, axis=1)),
                lambda: ga.sum(ga.sum(y, axis=0) ** 2),
                lambda: ga.sum(F.softmax(y, 1) * y * y),
            )
        )()

    def tangent(self, x: ga.Tensor) -> ga.Tensor:
        return ga.cos(x) + 0.5


def _elements(x: ga.Tensor) -> int:
    """Of an example."""
    return int(np.prod([d for d in x.shape if isinstance(d, int)]))


# -- layers: h is (N, C, *spatial); None where a layer does not fit -----------------------------------------------------


def _conv(m: _Maker, h: ga.Tensor) -> ga.Tensor | None:
    channels, spatial = h.shape[1], h.shape[2:]
    groups = m.pick([g for g in (1, 1, 1, 2, channels) if channels % g == 0])
    out = groups * m.pick((1, 1, 2, 3, 8)) if groups > 1 else m.pick((1, 2, 3, 5, 8, 16))
    if out > 24:
        return None
    taps = tuple(m.pick((1, 2, 3, 3, 5)) for _ in spatial)
    stride = m.pick((1, 1, 1, 2))
    padding = m.pick((0, 0, 1, 2, "same")) if stride == 1 else m.pick((0, 1))
    dilation = m.pick((1, 1, 1, 2))
    for d, k in zip(spatial, taps, strict=True):
        room = d + (0 if padding == "same" else 2 * padding) - dilation * (k - 1)
        if room < 1:
            return None
    w = _viewed_weight(m, (out, channels // groups, *taps))
    bias = m.weight((out,)) if m.chance(0.3) else None
    m.say(
        f"conv {w.shape} stride {stride} padding {padding} dilation {dilation} groups {groups} bias {bias is not None}"
    )
    return _CONVOLVE[m.rank](h, w, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


def _viewed_weight(m: _Maker, shape: tuple[int, ...]) -> ga.Tensor:
    """A weight of this shape, or a view of one, or one that is computed."""
    how = m.pick(("plain",) * 6 + ("flip", "slice", "pad", "transpose", "reshape", "repeat", "normal", "computed"))
    if how != "plain":
        m.say(how)
    last = shape[-1]
    match how:
        case "flip":
            return ga.flip(m.weight(shape), axis=m.pick(range(len(shape))))
        case "slice":
            axis = m.pick(range(len(shape)))
            wide = tuple(2 * d + 1 if i == axis else d for i, d in enumerate(shape))
            start, step = m.pick((0, 1)), m.pick((1, 2))
            key = tuple(
                slice(start, start + step * shape[axis], step) if i == axis else slice(None) for i in range(len(shape))
            )
            return m.weight(wide)[key]
        case "pad" if last > 1:
            return ga.pad(m.weight((*shape[:-1], last - 1)), [(0, 0)] * (len(shape) - 1) + [m.pick(((0, 1), (1, 0)))])
        case "transpose":
            w = m.weight((shape[1], shape[0], *shape[2:]))
            return ga.permute_dims(w, (1, 0, *range(2, len(shape))))
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


def _activation(m: _Maker, h: ga.Tensor) -> ga.Tensor:
    return m.pick((ga.tanh, F.sigmoid, F.softplus, F.relu, F.gelu, ga.sin, lambda x: x * x))(h)


def _batch_norm(m: _Maker, h: ga.Tensor) -> ga.Tensor:
    axes = m.pick(((0,), (0, *range(2, h.ndim)), tuple(range(h.ndim))))
    centred = h - ga.mean(h, axis=axes, keepdims=True)
    variance = ga.mean(centred * centred, axis=axes, keepdims=True)
    y = centred / ga.sqrt(variance + 0.1)
    if m.chance(0.5):
        y = y * ga.reshape(m.weight((h.shape[1],)), (1, h.shape[1]) + (1,) * (h.ndim - 2))
    return y


def _layer_norm(m: _Maker, h: ga.Tensor) -> ga.Tensor:
    axes = m.pick(((1,), tuple(range(1, h.ndim))))
    centred = h - ga.mean(h, axis=axes, keepdims=True)
    return centred / ga.sqrt(ga.mean(centred * centred, axis=axes, keepdims=True) + 0.1)


def _by_norm(m: _Maker, h: ga.Tensor) -> ga.Tensor:
    return h / ga.sqrt(ga.sum(h * h) + 0.5)


def _by_number(m: _Maker, h: ga.Tensor) -> ga.Tensor:
    """A number of the whole batch, used in several ways."""
    s = ga.tanh(ga.sum(h))
    return m.pick((lambda: h * s, lambda: h + s, lambda: h * s + ga.exp(s), lambda: ga.where(s > 0.1, h, -h)))()


def _by_greatest(m: _Maker, h: ga.Tensor) -> ga.Tensor | None:
    axes = m.pick(((0,), (0, 2), None))
    m.least = 1
    reduce = m.pick((ga.max, ga.min))
    greatest = reduce(h, axis=axes, keepdims=axes is not None)
    return h - 0.5 * greatest


def _over_batch(m: _Maker, h: ga.Tensor) -> ga.Tensor:
    """Softmax over the examples, or their running sum."""
    if m.chance(0.3):
        return ga.tanh(ga.cumulative_sum(h, axis=0))
    e = ga.exp(ga.tanh(h))
    return e / (ga.sum(e, axis=0, keepdims=True) + 0.5)


def _pool(m: _Maker, h: ga.Tensor) -> ga.Tensor | None:
    if min(h.shape[2:]) < 2:
        return None
    stride, padding = m.pick((None, 1, 2)), m.pick((0, 0, 1))
    return m.pick(_POOL[m.rank])(h, 2, stride=stride, padding=padding)


def _view(m: _Maker, h: ga.Tensor) -> ga.Tensor | None:
    axis = m.pick(range(1, h.ndim))
    extent = h.shape[axis]
    whole = (slice(None),) * axis
    widths = [(0, 0)] * h.ndim
    widths[axis] = m.pick(((1, 0), (0, 2), (1, 1)))
    return m.pick(
        (
            lambda: ga.flip(h, axis=axis),
            lambda: ga.flip(h, axis=0),
            lambda: ga.pad(h, widths),
            lambda: h[(*whole, slice(1, None))] if extent > 1 else None,
            lambda: h[(*whole, slice(None, None, 2))] if extent > 1 else None,
            lambda: ga.concat([h, ga.flip(h, axis=axis)], axis=axis),
            lambda: ga.permute_dims(h, (0, *reversed(range(1, h.ndim)))),
            lambda: (
                ga.reshape(h, (-1, extent * _elements(h) // h.shape[1] // extent, h.shape[1], *(1,) * (h.ndim - 3)))
                if h.ndim > 2
                else None
            ),
            lambda: ga.cumulative_sum(h, axis=axis) * 0.3,
            lambda: ga.take(h, ga.constant(np.array([0, extent - 1, 0])), axis=axis),
        )
    )()


def _residual(m: _Maker, h: ga.Tensor) -> ga.Tensor | None:
    y = _conv(m, h)
    return None if y is None else y + h if y.shape == h.shape else None


def _mixed(m: _Maker, h: ga.Tensor) -> ga.Tensor:
    """Products of an example with itself or with a matrix, along channels or places."""
    c, last = h.shape[1], h.shape[-1]
    flat = ga.reshape(h, (-1, c, _elements(h) // c))
    return m.pick(
        (
            lambda: ga.reshape(ga.einsum("ncs,nds->ncd", flat, flat), (-1, c, c, *(1,) * (m.rank - 1))),
            lambda: ga.tensordot(h, _viewed_weight(m, (last, m.pick((1, 3, 8)))), ((h.ndim - 1,), (0,))),
            lambda: ga.einsum("nc...,c->nc...", h, m.weight((c,))) if False else h * ga.mean(h, axis=1, keepdims=True),
            lambda: ga.reshape(
                ga.einsum("ncs,csd->ncd", flat, m.weight((c, flat.shape[2], 3))), (-1, c, 3, *(1,) * (m.rank - 1))
            ),
        )
    )()


def _dense(m: _Maker, flat: ga.Tensor) -> ga.Tensor:
    width, out = flat.shape[1], m.pick((1, 2, 3, 10))
    how = m.pick(("plain", "slice", "transpose", "flip", "linear"))
    m.say(f"dense {how} {width} x {out}")
    match how:
        case "slice":
            return flat @ m.weight((width, out + 3))[:, 1 : out + 1]
        case "transpose":
            return flat @ ga.matrix_transpose(m.weight((out, width)))
        case "flip":
            return flat @ ga.flip(m.weight((width, out)), axis=m.pick((0, 1)))
        case "linear":
            return F.linear(flat, m.weight((out, width)), m.weight((out,)))
        case _:
            return flat @ m.weight((width, out))


_STEPS: tuple[Callable[[_Maker, ga.Tensor], ga.Tensor | None], ...] = (
    _conv, _conv, _conv, _conv, _activation, _activation, _batch_norm, _layer_norm, _by_norm, _by_number, _by_greatest,
    _over_batch, _pool, _view, _view, _residual, _mixed,
)  # fmt: skip


# -- what is asked for --------------------------------------------------------------------------------------------------


def _some(m: _Maker, leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    count = m.pick((1, 1, 2, 3))
    return [leaves[i] for i in m.rng.permutation(len(leaves))[:count]]


def _gradients(m: _Maker, loss: ga.Tensor, heads: list[ga.Tensor], leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    return ga.grad(loss, _some(m, leaves))


def _second(m: _Maker, loss: ga.Tensor, heads: list[ga.Tensor], leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    (first, *_), other = _some(m, leaves), _some(m, leaves)
    (slope,) = ga.grad(loss, [first])
    penalty = ga.sum(slope * slope)
    return ga.grad(penalty, [x for x in other if m._reaches(penalty, x)])


def _hvp(m: _Maker, loss: ga.Tensor, heads: list[ga.Tensor], leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    some = _some(m, leaves)
    return ga.hvp(loss, some, [m.tangent(x) for x in some])


def _jvp(m: _Maker, loss: ga.Tensor, heads: list[ga.Tensor], leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    y, some = heads[0], [x for x in _some(m, leaves) if m._reaches(heads[0], x)]
    return [ga.jvp(y, some, [m.tangent(x) for x in some])] if some else [y]


def _values(m: _Maker, loss: ga.Tensor, heads: list[ga.Tensor], leaves: list[ga.Tensor]) -> list[ga.Tensor]:
    return [*heads, loss]


_ASKED: tuple[tuple[str, Callable[..., list[ga.Tensor]]], ...] = (
    ("value", _values), ("gradient", _gradients), ("gradient", _gradients), ("second derivative", _second),
    ("hvp", _hvp), ("jvp", _jvp),
)  # fmt: skip


def main(first: int, last: int) -> None:
    """Try the seeds, print those that fail."""
    for seed in range(first, last):
        print(f"\r{seed}", end="", file=sys.stderr, flush=True)  # what was tried where the process dies
        try:
            check(seed)
        except AssertionError as error:
            cause = error.__cause__
            frames = traceback.extract_tb(cause.__traceback__)[-3:] if cause is not None else []
            where = [f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in frames]
            print(f"FAIL {str(error)[:1500]} {where}", flush=True)
        except Exception as error:
            where = [
                f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-3:]
            ]
            print(f"BUILD seed {seed}: {type(error).__name__}: {str(error)[:500]} {where}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
