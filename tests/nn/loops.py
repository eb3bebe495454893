"""Convolution and pooling as plain loops over NumPy arrays, straight from their formulas: slow, and nothing shared."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

Pairs = Sequence[tuple[int, int]]


def windows(
    x: np.ndarray, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int], padding: Pairs, fill: float
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """(place, elements (N, C, *sizes)) of each window over the spatial axes of x (N, C, ...)."""
    padded = np.pad(x, [(0, 0), (0, 0), *padding], constant_values=fill)
    spans = [(k - 1) * d + 1 for k, d in zip(sizes, dilations, strict=True)]
    counts = [(n - span) // s + 1 for n, span, s in zip(padded.shape[2:], spans, strides, strict=True)]
    for place in product(*map(range, counts)):
        cut = [slice(p * s, p * s + span, d) for p, s, span, d in zip(place, strides, spans, dilations, strict=True)]
        yield place, padded[(slice(None), slice(None), *cut)]


def assemble(parts: Iterator[tuple[tuple[int, ...], np.ndarray]]) -> np.ndarray:
    """(N, O, places...) from pairs of a place and its (N, O)."""
    found = dict(parts)
    counts = [max(axis) + 1 for axis in zip(*found, strict=True)]
    out = np.stack([found[place] for place in product(*map(range, counts))], axis=-1)
    return out.reshape(*out.shape[:2], *counts)


def convolve(
    x: np.ndarray, weight: np.ndarray, strides: Sequence[int], dilations: Sequence[int], padding: Pairs, groups: int
) -> np.ndarray:
    """out[n, o, place] = sum of window times weight[o], over the channels of o's group."""
    outs, ins = weight.shape[:2]

    def at(window: np.ndarray) -> np.ndarray:
        columns = []
        for o in range(outs):
            first = o // (outs // groups) * ins
            columns.append((window[:, first : first + ins] * weight[o]).reshape(len(window), -1).sum(1))
        return np.stack(columns, axis=1)

    return assemble((p, at(w)) for p, w in windows(x, weight.shape[2:], strides, dilations, padding, 0.0))


def max_pool(
    x: np.ndarray, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int], padding: Pairs
) -> np.ndarray:
    """The greatest of each window."""
    found = windows(x, sizes, strides, dilations, padding, -np.inf)
    return assemble((p, w.reshape(*w.shape[:2], -1).max(-1)) for p, w in found)


def avg_pool(x: np.ndarray, sizes: Sequence[int], strides: Sequence[int], padding: Pairs, include: bool) -> np.ndarray:
    """The mean of each window, of all elements or of those that are not padding."""
    ones = [1] * len(sizes)
    filled = windows(x, sizes, strides, ones, padding, 0.0 if include else np.nan)
    return assemble((p, np.nanmean(w.reshape(*w.shape[:2], -1), axis=-1)) for p, w in filled)
