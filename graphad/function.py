"""Compiled functions: what ``ga.compile`` answers, open to questions."""

from collections.abc import Sequence
from typing import Any, final

from graphad.arguments import arrange
from graphad.checks import text, whole
from graphad.compiler.build import graph_stages
from graphad.compiler.cost import Cost, estimate
from graphad.compiler.errors import GraphError, TargetError
from graphad.compiler.ir.graph import Graph
from graphad.compiler.pipeline import Stage
from graphad.report import probing, stages
from graphad.report.explain import explain, stage_table
from graphad.report.profile import Profile, profile
from graphad.runner import Runner
from graphad.tensor import Tensor
from graphad.text import Text


@final
class Function(Runner):
    """What ``ga.compile`` answers: call it with arrays, by position or by name.

    Several threads may call it at once. A call sees values of one moment: it has parameters and states that it updates
    for itself, whichever function else uses them, while calls that only read go side by side.

    >>> import graphad as ga
    >>> x = ga.input("x", ("N",))
    >>> f = ga.compile([x], {"twice": 2 * x, "total": ga.sum(x)})
    >>> f([1.0, 2.0])["twice"]
    array([2., 4.], dtype=float32)
    >>> f
    <compiled function (x: float32[N]) for cpu>
    """

    _stages: list[Stage] | None = None

    def show(self, stage: str | None = None) -> Text:
        """The text of the generated kernels; or the graph after a stage, from "graph", as written, to "fuse".

        Before the first call the graph has its symbolic sizes. Errors: GraphError for a stage that is not there, and
        for kernels that need sizes nobody has given.
        """
        if stage is None or text("show", "stage", stage) == stages.KERNELS:
            return self._kernels()
        return stages.graph_text(stages.graph_of(self._known_stages(), stage))

    def diff(self, before: str, after: str) -> Text:
        """What changed between two stages, as a unified diff; nodes keep their numbers.

        Errors: GraphError for a stage that is not there.
        """
        found = [
            self._kernels()
            if text("diff", "a stage", name) == stages.KERNELS
            else stages.graph_of(self._known_stages(), name)
            for name in (before, after)
        ]
        return stages.difference(found[0], found[1], (before, after))

    def _kernels(self) -> Text:
        if self.target == "numpy":
            raise TargetError("target 'numpy' has no kernels: it runs the graph node by node; show('graph') shows it")
        fixed = self._specializer.fixed
        if self._last is None and fixed:
            raise GraphError(
                f"show: the kernels depend on {', '.join(fixed)}; call the function, or "
                f"{self._written('specialize', 28)}, first; a graph stage, such as show('fuse'), does not"
            )
        compiled = self._last.compiled if self._last else self._specializer.compiled({})
        return Text(compiled.built.program.source)

    def _known_stages(self) -> Sequence[Stage]:
        if self._last is not None:
            return self._last.compiled.built.stages
        if self._stages is None:
            self._stages = graph_stages(self.graph, self.options)
        return self._stages

    def explain(self) -> Text:
        """What each stage did and how long it took, the kernels, how contractions are done, memory, machine code."""
        if self.target == "numpy":
            return Text(f"target numpy: the graph runs node by node\n\n{stage_table(self._known_stages())}\n")
        return explain(self._current("explain"), self.target)

    def profile(self, *args: Any, repeats: int = 10, **named: Any) -> Profile:
        """Seconds of each kernel in a call with these arguments; parameters and states stay what they are.

        >>> import graphad as ga
        >>> x = ga.input("x", (1000,))
        >>> f = ga.compile([x], ga.sum(ga.exp(x)))
        >>> len(f.profile([0.5] * 1000).rows) > 0
        True
        """
        if self.target == "numpy":
            raise TargetError("profile: target 'numpy' has no kernels; compile for 'cpu'")
        whole("profile", "repeats", repeats, 1, 10**6)
        if named or len(args) != self._count:
            args = arrange(self.names, args, named)
        inputs, last = self._specialized(args)
        if self._turn is None:
            return profile(last, inputs, repeats)
        return self._turn.run(profile, last, inputs, repeats)

    @property
    def cost(self) -> Cost:
        """Flops, bytes moved and peak memory of a call with the sizes of the last one; see ``cost_at``."""
        if self._last is not None:
            return self._last.cost
        if self.sizes:
            raise GraphError(
                f"cost: {', '.join(self.sizes)} is not known yet; call the function first, or write "
                f"{self._written('cost_at')}"
            )
        return self.cost_at()

    def cost_at(self, /, **sizes: int) -> Cost:
        """Flops, bytes moved and peak memory of a call with these sizes, without compiling machine code.

        >>> import graphad as ga
        >>> x, w = ga.input("x", ("N", 3)), ga.parameter("w", [[1.0] * 5] * 3)
        >>> ga.compile([x], x @ w).cost_at(N=10).flops
        300
        """
        known = self._known("cost_at", sizes)
        return estimate(self._specializer.compiled(known).built, known, self.threads)

    def probe(self, *names: str) -> "Function":
        """A function of the same inputs that returns intermediates by name, in order; it updates nothing.

        A name is one given by ``tensor.named("h")``, the path of a layer, whose last output it is, or a leaf's.
        Errors: GraphError for a name that is not there, with those that are close.

        >>> import graphad as ga
        >>> x = ga.input("x", ("N",))
        >>> f = ga.compile([x], ga.sum((x * x).named("squares")))
        >>> f.probe("squares")([1.0, 2.0])
        array([1., 4.], dtype=float32)
        """
        if not names:
            raise GraphError("probe: name at least one tensor or layer")
        nodes = tuple(probing.find(self.graph, text("probe", "a name", name)) for name in names)
        graph = Graph(self.graph.inputs, nodes)
        variables = {leaf: self.variables[leaf] for leaf in graph.states}
        tensors = tuple(Tensor(n.op, n.kind, n.operands, n.type, n.site, n.label) for n in nodes)
        outputs = tensors[0] if len(tensors) == 1 else tensors
        return Function(graph, variables, outputs, self.target, self.threads, self.options)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}: {x.type}" for name, x in zip(self.names, self.graph.inputs, strict=True))
        return f"<compiled function ({inputs}) for {self.target}>"


__all__ = ["Function"]
