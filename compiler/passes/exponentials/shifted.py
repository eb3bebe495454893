"""The values that expressions of exponentials are made of anew: p, log p and log s."""

from dataclasses import replace

from graphad.compiler.ir.kinds import Reduce, View
from graphad.compiler.ir.make import beneath_views, full, mapped, reduced, spread, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.view import Affine
from graphad.compiler.passes.exponentials.terms import Algebra
from graphad.runtime.once import cached_property


class Shifted:
    """``s = sum(exp(x))`` over axes, computed as ``exp(m) * sum(exp(x - m))``; each node is made when it is asked for.

    m is the maximum over the axes, and 0 where that is infinite or NaN: all -inf gives log s = log 0 = -inf, an inf
    gives log s = inf, and NaN stays NaN. An x that the user has shifted already is not shifted again.
    """

    def __init__(self, algebra: Algebra, total: Node) -> None:
        assert isinstance(total.kind, Reduce)
        self.algebra = algebra
        self.total = total
        self.axes = total.kind.axes
        self.given = total.operands[0].operands[0]

    def _repeat(self, x: Node) -> Node:
        return spread(x, self.axes, self.given.type.shape, x.site)

    @cached_property
    def shift(self) -> Node | None:
        """m; None where x is shifted as it stands."""
        if self._is_shifted(self.given):
            return None
        a, site = self.algebra, self.total.site
        m = reduced(a.max, self.given, self.axes, site)
        return mapped(a.where, mapped(a.isfinite, m, site=site), m, full(0, m.type, site), site=site)

    def _is_shifted(self, x: Node) -> bool:
        """``a - max(a)``, or ``a - where(isfinite(m), m, 0)``, which is what this makes (m may be simpler by now)."""
        if x.op is not self.algebra.subtract:
            return False
        a, m = x.operands[0], beneath_views(x.operands[1])
        if m.op is self.algebra.where:
            test = m.operands[0]
            return test.op is self.algebra.isfinite and test.operands[0] is m.operands[1]
        return m.op is self.algebra.max and m.operands[0] is a and m.kind == Reduce(self.algebra.max.monoid, self.axes)

    @cached_property
    def x(self) -> Node:
        """x - m."""
        if self.shift is None:
            return self.given
        return mapped(self.algebra.subtract, self.given, self._repeat(self.shift), site=self.total.site)

    @cached_property
    def exp(self) -> Node:
        """exp(x - m), at most 1."""
        return mapped(self.algebra.exp, self.x, site=self.total.site)

    @cached_property
    def sum(self) -> Node:
        """sum(exp(x - m)), at least 1."""
        return reduced(self.algebra.sum, self.exp, self.axes, self.total.site)

    @cached_property
    def p(self) -> Node:
        """exp(x) / s."""
        return mapped(self.algebra.divide, self.exp, self._repeat(self.sum), site=self.total.site)

    def scaled(self, factor: Node) -> Node:
        """``factor * p``; of a factor that a row has one of, ``(factor / s) exp(x)``: an element is not divided."""
        row = self._row(factor)
        if row is None:
            return mapped(self.algebra.multiply, factor, self.p)
        site = self.total.site
        return mapped(
            self.algebra.multiply, self.exp, self._repeat(mapped(self.algebra.divide, row, self.sum, site=site))
        )

    def _row(self, factor: Node) -> Node | None:
        """What ``factor`` repeats along the axes of the sum; None if its elements differ there."""
        found = factor.kind.map if isinstance(factor.kind, View) else None
        if not isinstance(found, Affine) or found.guarded or not found.used().isdisjoint(self.axes):
            return None
        kept = [i for i in range(len(found.shape)) if i not in self.axes]
        axes = tuple(replace(a, terms=tuple((kept.index(i), c) for i, c in a.terms)) for a in found.axes)
        return viewed(factor.operands[0], replace(found, shape=self.sum.type.shape, axes=axes), factor.site)

    @cached_property
    def _log_sum(self) -> Node:
        return mapped(self.algebra.log, self.sum, site=self.total.site)

    @cached_property
    def log_p(self) -> Node:
        """x - log s, without the logarithm of a p that has become 0."""
        return mapped(self.algebra.subtract, self.x, self._repeat(self._log_sum), site=self.total.site)

    @cached_property
    def log_s(self) -> Node:
        """The logarithm of the sum, of its shape."""
        if self.shift is None:
            return self._log_sum
        return mapped(self.algebra.add, self.shift, self._log_sum, site=self.total.site)
