"""A contraction folded back, as a convolution of its own: no sums into memory.

    out[p] += d[x] * w[i]  for p = offset + s*x + i       (a convolution's input gradient, axis by axis)

With p - offset = s*q + r, r < s, the sum is over m, where x = q - m and i = r + s*m: for each of the s phases r a
convolution of d, with margins of zeros, by every s-th tap of w. With stride 1 that is one phase, and the taps in
reverse.
"""

from dataclasses import dataclass

from graphad.compiler.ir.infer import infer
from graphad.compiler.ir.kinds import Contract, Fold
from graphad.compiler.ir.make import viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.view import Affine, AxisMap


@dataclass(frozen=True)
class Phase:
    """The place along one axis of the fold's result: ``scale * [letter] + [phase] + offset``; "" for no phase."""

    letter: str
    scale: int
    phase: str
    offset: int

    def place(self, at: dict[str, Dim]) -> Dim:
        return self.scale * at[self.letter] + (at[self.phase] if self.phase else 0) + self.offset


@dataclass(frozen=True)
class Adjoint:
    """``anchor``: the contraction; ``axes``: where its results are in the fold's; ``d`` is its left operand."""

    anchor: Node
    axes: tuple[Phase, ...]


def adjoint(fold: Node, product: Node) -> Adjoint | None:
    """``fold(product)`` as one contraction; None where its axes are not those of a convolution."""
    kind, made = fold.kind, product.kind
    assert isinstance(kind, Fold)
    assert isinstance(made, Contract)
    letters = made.out
    for d, w in ((0, 1), (1, 0)):
        words = (made.left, made.right)
        build = _Build(product.operands[d], words[d], product.operands[w], words[w])
        axes = [build.axis(a, letters, e) for a, e in zip(kind.map.axes, kind.shape, strict=True)]
        if all(axes):
            return Adjoint(build.anchor(product, [p for p in axes if p]), tuple(p for p in axes if p))
    return None


class _Build:
    """Collects the views of both operands, axis by axis of the fold's result."""

    def __init__(self, d: Node, d_letters: str, w: Node, w_letters: str) -> None:
        self.d, self.w = d, w
        self.d_letters, self.w_letters = d_letters, w_letters
        self.used = set(d_letters + w_letters)
        self.d_axes: dict[str, list[tuple[str, int]]] = {c: [(c, 1)] for c in d_letters}
        self.w_axes: dict[str, list[tuple[str, int]]] = {c: [(c, 1)] for c in w_letters}
        self.d_start: dict[str, int] = {}
        self.extents: dict[str, Dim] = {
            **dict(zip(d_letters, d.type.shape, strict=True)),
            **dict(zip(w_letters, w.type.shape, strict=True)),
        }

    def axis(self, found: AxisMap, letters: str, extent: Dim) -> Phase | None:
        if found.divisor != 1 or not isinstance(found.offset, int) or not isinstance(extent, int):
            return None
        terms = [(letters[j], c) for j, c in found.terms]
        if len(terms) == 1 and terms[0][1] == 1 and found.offset == 0 and self.extents[terms[0][0]] == extent:
            return Phase(terms[0][0], 1, "", 0)
        pixel = [(c, s) for c, s in terms if c in self.d_letters and c not in self.w_letters]
        tap = [(c, s) for c, s in terms if c in self.w_letters and c not in self.d_letters]
        if len(pixel) != 1 or len(tap) > 1 or len(pixel) + len(tap) != len(terms):
            return None
        (letter, stride), step = pixel[0], tap[0][1] if tap else 1
        if stride < 1 or (stride > 1 and (step != 1 or not tap)):
            return None
        return self._phases(letter, stride, tap[0][0] if tap else "", step, found.offset, extent)

    def _phases(self, letter: str, stride: int, tap: str, step: int, offset: int, extent: int) -> Phase:
        taps = self.extents[tap] if tap else 1
        assert isinstance(taps, int)
        first, last = (-offset) // stride, (extent - 1 - offset) // stride
        self.d_start[letter] = first
        self.extents[letter] = last - first + 1
        if not tap:
            return Phase(letter, 1, "", first + offset)
        many = self._fresh(-(-taps // stride))
        phase = self._fresh(stride) if stride > 1 else ""
        self.d_axes[letter] = [(letter, 1), (many, -step)]
        self.w_axes[tap] = [(phase, 1), (many, stride)] if phase else [(many, 1)]
        return Phase(letter, stride, phase, first * stride + offset)

    def _fresh(self, extent: int) -> str:
        name = next(c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in self.used)
        self.used.add(name)
        self.extents[name] = extent
        return name

    def anchor(self, product: Node, axes: list[Phase]) -> Node:
        out = "".join(c for p in axes for c in (p.letter, p.phase) if c)
        kind = product.kind
        assert isinstance(kind, Contract)
        for c in kind.out:  # letters of size 1 that the fold does not look at
            for own in (self.d_axes, self.w_axes):
                if own.get(c) == [(c, 1)] and c not in out:
                    own[c] = []
        d, d_letters = self._view(self.d, self.d_letters, self.d_axes)
        w, w_letters = self._view(self.w, self.w_letters, self.w_axes)
        made = Contract(d_letters, w_letters, out)
        return Node(product.op, made, (d, w), infer(made, [d.type, w.type]), product.site)

    def _view(self, x: Node, letters: str, axes: dict[str, list[tuple[str, int]]]) -> tuple[Node, str]:
        new = "".join(k for c in letters for k, _ in axes[c])
        shape = tuple(self.extents[c] for c in new)
        maps = []
        for c, extent in zip(letters, x.type.shape, strict=True):
            terms = sorted((new.index(k), s) for k, s in axes[c])
            found = AxisMap(self.d_start.get(c, 0), tuple(terms))
            low, high = found.range(shape)
            assert isinstance(low, int)
            assert isinstance(high, int)
            assert isinstance(extent, int)
            maps.append(AxisMap(found.offset, found.terms, 1, low < 0 or high >= extent))
        return viewed(x, Affine(shape, tuple(maps)), x.site), new
