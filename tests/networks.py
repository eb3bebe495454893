"""Random networks on small batches, compiled and evaluated: convolutions, norms of a batch, shared and viewed weights.

    python -m tests.networks 100 200      # the seeds from 100 to 199; prints those that fail

``random_program(seed)`` builds a ``Problem``; ``check(seed)`` raises AssertionError where the compiled program does not
give what the graph evaluated node by node gives. Both depend on the seed alone. Layers and what is asked for:
``tests/layers.py``.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import graphad as ga
from tests import layers

BATCHES = (0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 37)
NAMES = ("N", "B", "n", "first", "l", "part")
OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {}, {}, {}, {}, {"precision": "strict"}, {"batch": "lanes"}, {"batch": "rows"}, {"convolution": "direct"},
    {"convolution": "im2col"},
)  # fmt: skip
TOLERANCE = {"float32": 2e-4, "float64": 1e-9}
LEAST = 1e-2
"""The magnitude of a result below which errors are not relative to it: smaller ones are differences of larger terms."""
WIDE = 3000  # elements of an example in a layer, at most


@dataclass
class Problem:
    """A function and what it is called with: ``feeds`` for each call, arrays for the inputs in order."""

    seed: int
    dtype: str
    inputs: list[ga.Tensor]
    outputs: list[ga.Tensor]
    titles: list[str]
    feeds: list[list[np.ndarray]]
    options: ga.Options
    threads: int
    steps: list[str] = field(default_factory=list)

    @property
    def graph(self) -> tuple[list[ga.Tensor], list[ga.Tensor]]:
        """Inputs and outputs."""
        return self.inputs, self.outputs

    @property
    def description(self) -> str:
        """What the program is, in words, with its seed."""
        sizes = [[f.shape for f in feed] for feed in self.feeds]
        how = f"{self.options.key()}, threads={self.threads}"
        return f"seed {self.seed}: {'; '.join(self.steps)} -> {', '.join(self.titles)} ({how}, {sizes})"


def random_program(seed: int, dtype: str | None = None, batches: Sequence[int] = ()) -> Problem:
    """A network with derivatives, its inputs' values, and how it is compiled.

    ``dtype``: instead of the one drawn. ``batches``: numbers instead of the sizes drawn.
    """
    return Maker(seed, dtype, batches).problem()


def check(seed: int) -> None:
    """Raise AssertionError, with the seed and the program, where compiled numbers are not the evaluated ones."""
    problem = random_program(seed)
    try:
        function = ga.compile(*problem.graph, options=problem.options, threads=problem.threads)
        for feed in problem.feeds:
            _compare(problem, function(*feed), feed)
    except Exception as error:
        raise AssertionError(f"{problem.description}\n{type(error).__name__}: {error}") from error


def _compare(problem: Problem, found: Sequence[np.ndarray], feed: Sequence[np.ndarray]) -> None:
    """Equal up to rounding errors of the largest element; NaN and infinite where the other is.

    Where such errors grow, as at a kink or in a saturated tanh, as much is allowed as noise in the inputs and fewer
    digits change.
    """
    wanted = _evaluated(problem, feed)
    wrong = [i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if not _close(a, b)]
    if not wrong:
        return
    others = [_evaluated(problem, _noisy(feed, k)) for k in range(4)]
    if problem.dtype == "float32":
        others.append(_evaluated(random_program(problem.seed, "float64"), [x.astype("float64") for x in feed]))
    for i in wrong:
        spread = max(_distance(other[i], wanted[i]) for other in others)
        apart, name = _distance(found[i], wanted[i]), problem.titles[i]
        assert apart <= 20 * spread, f"{name}: {apart} apart, where noise makes {spread}\n{found[i]}\n{wanted[i]}"


def _evaluated(problem: Problem, feed: Sequence[np.ndarray]) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return list(ga.evaluate(problem.outputs, dict(zip(problem.inputs, feed, strict=True))))


def _noisy(feed: Sequence[np.ndarray], k: int) -> list[np.ndarray]:
    rng = np.random.default_rng(k)
    return [(x * (1 + 4 * np.finfo(x.dtype).eps * rng.uniform(-1, 1, x.shape))).astype(x.dtype) for x in feed]


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    assert (a.dtype, a.shape) == (b.dtype, b.shape), f"{a.dtype}{a.shape} for {b.dtype}{b.shape}"
    return _distance(a, b) <= TOLERANCE[b.dtype.name]


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """The greatest difference, relative to the largest element."""
    where = np.isfinite(b)
    if not np.array_equal(np.isfinite(a), where):
        return np.inf
    if not where.any():
        return 0.0
    return float(np.abs(a[where] - b[where]).max()) / max(float(np.abs(b[where]).max()), LEAST)


class Maker:
    """Draws one program: layers (``layers.LAYERS``) and what is asked for (``layers.ASKED``) call back."""

    def __init__(self, seed: int, dtype: str | None = None, batches: Sequence[int] = ()) -> None:
        self.seed, self.rng, self.sharing = seed, *(np.random.default_rng([seed, k]) for k in range(2))
        drawn = self.pick(("float32", "float32", "float64"))
        self.dtype: str = dtype or drawn
        self.batches = batches
        self.rank: int = self.pick((1, 1, 1, 2, 2, 3))
        self.least = 0  # examples: of none there is no maximum
        self.inputs: list[ga.Tensor] = []
        self.weights: list[ga.Tensor] = []
        self.steps: list[str] = []
        self._drawn: list[ga.Tensor] = []
        self._again: Iterator[ga.Tensor] | None = None

    # -- what layers draw ----------------------------------------------------------------------------------------------

    def pick(self, items: Sequence[Any]) -> Any:
        """One of the items."""
        return items[int(self.rng.integers(len(items)))]

    def chance(self, p: float) -> bool:
        """True with probability ``p``."""
        return bool(self.rng.random() < p)

    def some(self, items: Sequence[ga.Tensor]) -> list[ga.Tensor]:
        """One to three of the items."""
        return [items[i] for i in self.rng.permutation(len(items))[: self.pick((1, 1, 2, 3))]]

    def say(self, text: str) -> None:
        """Note a step, for the description."""
        self.steps.append(text)

    def weight(self, shape: tuple[int, ...]) -> ga.Tensor:
        """A new weight, or one that there is; for a second batch those of the first."""
        if self._again is not None:
            return next(self._again)
        known = [w for w in self.weights if w.shape == shape]
        if known and self.sharing.random() < 0.5:
            self.say("shared")
            found = known[int(self.sharing.integers(len(known)))]
        else:
            found = self._leaf(f"w{len(self.weights)}", shape)
            self.weights.append(found)
        self._drawn.append(found)
        return found

    # -- the whole -----------------------------------------------------------------------------------------------------

    def problem(self) -> Problem:
        """All of it."""
        count = 2 if self.chance(0.15) else 1
        named = [str(name) for name in self.rng.permutation(NAMES)[:count]]
        batches: list[Any] = named if self.chance(0.8) else [self.pick(BATCHES[1:8])] * count
        batches = list(self.batches) or batches
        channels, spatial = self.pick((1, 2, 3, 4)), self._spatial()
        xs = [self._leaf(f"x{i}", (batch, channels, *spatial)) for i, batch in enumerate(batches)]
        outputs, titles = self._outputs(xs, self._heads(xs))
        tries = self.rng.choice(BATCHES[self.least :], size=(self.pick((1, 1, 2)), count))
        feeds = [self._feed(dict(zip(named, map(int, row), strict=True))) for row in tries]
        options, threads = ga.Options(**self.pick(OPTIONS)), self.pick((1, 2))
        steps = [", ".join(str(x.type) for x in xs), *self.steps]
        return Problem(self.seed, self.dtype, self.inputs, outputs, titles, feeds, options, threads, steps)

    def _spatial(self) -> tuple[int, ...]:
        if self.rank == 1 and self.chance(0.2):
            return (self.pick((17, 24, 33)),)
        most = {1: 12, 2: 8, 3: 5}[self.rank]
        return tuple(int(d) for d in self.rng.integers(3, most + 1, self.rank))

    def _leaf(self, name: str, shape: tuple[Any, ...]) -> ga.Tensor:
        x = ga.input(name, shape, dtype=self.dtype)
        self.inputs.append(x)
        return x

    def _feed(self, sizes: dict[str, int]) -> list[np.ndarray]:
        """Values that keep the layers' results near 1."""
        weights, found = set(self.weights), []
        for x in self.inputs:
            shape = [d if isinstance(d, int) else sizes[str(d)] for d in x.shape]
            fan = max(int(np.prod(shape[1:])), 1) if x in weights else 1
            found.append(np.asarray(self.rng.standard_normal(shape) / np.sqrt(fan), self.dtype))
        return found

    def _heads(self, xs: list[ga.Tensor]) -> list[ga.Tensor]:
        """The network's result (N, features) for each batch: the same draws, so the same layers and weights."""
        count, heads = int(self.rng.integers(1, 6)), []
        state, said = self.rng.bit_generator.state, len(self.steps)
        for x in xs:
            self.rng.bit_generator.state = state
            del self.steps[said:]
            self._again = iter(self._drawn) if heads else None
            for _ in range(count):
                x = self._layer(x)
            flat = ga.flatten(x, 1)
            heads.append(flat if self.chance(0.4) else layers.dense(self, flat))
        return heads

    def _layer(self, h: ga.Tensor) -> ga.Tensor:
        layer = self.pick(layers.LAYERS)
        found: ga.Tensor | None = layer(self, h)
        if found is None or layers.elements(found) > WIDE:
            return h
        self.say(layer.__name__)
        return found

    def _outputs(self, xs: list[ga.Tensor], heads: list[ga.Tensor]) -> tuple[list[ga.Tensor], list[str]]:
        loss = layers.loss(self, heads)
        leaves = [x for x in (*xs, *self.weights) if layers.reaches(loss, x)]
        outputs: list[ga.Tensor] = []
        titles: list[str] = []
        for _ in range(self.pick((1, 1, 2, 3))):
            ask = self.pick(layers.ASKED)
            found = ask(self, loss, heads, leaves)
            outputs += found
            titles += [ask.__name__] * len(found)
        return (outputs, titles) if outputs else ([loss], ["loss"])


def main(first: int, last: int) -> None:
    """Try the seeds, print those that fail; the one at work goes to stderr, for where the process dies."""
    for seed in range(first, last):
        print(f"\r{seed}", end="", file=sys.stderr, flush=True)
        try:
            check(seed)
        except Exception as error:
            frames = traceback.extract_tb((error.__cause__ or error).__traceback__)[-3:]
            where = ", ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in frames)
            print(f"FAIL {type(error).__name__} {str(error)[:1500]}\n({where})", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
