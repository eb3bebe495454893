"""Contractions without panels: dot products, and convolution as a direct loop nest."""

from contextlib import ExitStack

from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import flat, split
from graphad.compiler.loops.ir import Lit, Load, Prim
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.letters import Plan
from graphad.compiler.lower.maps import store_all
from graphad.compiler.lower.panels import Panels


class Direct(Panels):
    """Schedules that read operands element by element, where they lie."""

    def direct_sum(self, found: Plan) -> Launch:
        """One accumulator an element, the summed letters inside: dot products, and products too small for panels."""
        builder, puller = self.context.builder("contract", self.nodes)
        known: dict[str, Dim] = {}
        with ExitStack() as stack:
            shared = False
            for c in found.out:
                mark = "parallel" if not shared and found.sizes[c] != 1 else "serial"
                shared = shared or found.sizes[c] != 1
                known[c] = stack.enter_context(builder.loop(found.sizes[c], mark, stem="o"))  # type: ignore[arg-type]
            total = builder.let("acc", Lit(0, self.dtype), mutable=True)
            with ExitStack() as inner:
                place = dict(known)
                for c in found.depth:
                    place[c] = inner.enter_context(builder.loop(found.sizes[c], stem="k"))
                x = puller.value(found.columns_operand, tuple(place[c] for c in found.columns_letters))
                y = puller.value(found.rows_operand, tuple(place[c] for c in found.rows_letters))
                builder.assign(total, Prim("add", (total, Prim("mul", (x, y), self.dtype)), self.dtype))
            puller.substituted[self.anchor] = total
            store_all(builder, puller, self.stores, tuple(known[c] for c in found.out))
        builder.kernel.reassociate = True
        builder.kernel.parallel = shared
        return builder.launch(tuple(self.nodes))

    def direct_rows(self, found: Plan) -> Launch:
        """A row of accumulators for each outer and row index; each element of the row operand meets the columns."""
        builder, puller = self.context.builder("contract", self.nodes)
        width = found.extent(found.columns)
        line = self.context.local(self.dtype, width, per_part=True)
        known: dict[str, Dim] = {}
        with ExitStack() as stack:
            self.open(builder, stack, found, known)
            for c in found.rows:
                known[c] = stack.enter_context(builder.loop(found.sizes[c], stem="o"))
            self.zero(builder, line, 0, width)
            with ExitStack() as inner:
                place = dict(known)
                for c in found.depth:
                    place[c] = inner.enter_context(builder.loop(found.sizes[c], stem="k"))
                y = puller.value(found.rows_operand, tuple(place[c] for c in found.rows_letters))
                for c in found.columns:
                    place[c] = inner.enter_context(builder.loop(found.sizes[c], stem="q"))
                x = puller.value(found.columns_operand, tuple(place[c] for c in found.columns_letters))
                at = flat([place[c] for c in found.columns], found.shape(found.columns))
                old = Load(builder.buffer(line), at, self.dtype)
                builder.store(line, at, Prim("add", (old, Prim("mul", (x, y), self.dtype)), self.dtype))
            with builder.loop(width, "vector", stem="q") as q:
                load = Load(builder.buffer(line), q, self.dtype)
                puller.substituted[self.anchor] = builder.let("v", load)
                known.update(zip(found.columns, split(q, found.shape(found.columns), builder.extents), strict=True))
                store_all(builder, puller, self.stores, tuple(known[c] for c in found.out))
        return builder.launch(tuple(self.nodes))
