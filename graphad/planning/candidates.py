"""The modes carried out: what each would build, what it multiplies, and why one is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from graphad.chain import Bracketing
from graphad.chain.text import line
from graphad.planning.blocks import as_tensors
from graphad.planning.chains import Chain, by_chain, plan_chains
from graphad.planning.dags import of_scalars
from graphad.planning.eliminations import Elimination, plan_elimination
from graphad.planning.problem import Problem
from graphad.planning.scalars import scalars
from graphad.planning.sweeps import by_forward, by_reverse
from graphad.runtime.once import cached_property
from graphad.sparse import Compression, sparse_hessian, sparse_jacobian
from graphad.structures import Nodes, Prices, direction, forward, reverse
from graphad.tensor import Tensor

Way: TypeAlias = Literal["forward", "reverse", "chain", "eliminate", "sparse"]

WIDEST: Final = 100
"""Characters of a bracketing that a table shows."""
SCALAR_PRODUCTS: Final = 60_000
"""Products up to which forward and reverse mode of scalar code are written out entry by entry."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to the Jacobian. ``build`` makes its nodes; ``multiplications`` is what its products take.

    ``plain`` counts, for scalar code, also the products with a factor +1 or -1, as published counts do.
    """

    mode: Way
    multiplications: int
    how: str
    build: Callable[[], list[list[Tensor]]]
    plain: int | None = None
    order: tuple[int, ...] | None = None
    chains: tuple[Chain, ...] = ()

    @cached_property
    def blocks(self) -> list[list[Tensor]]:
        """The nodes, built once: what was priced is what is answered."""
        return self.build()

    @property
    def bracketings(self) -> tuple[Bracketing, ...]:
        """Of chain mode, one for each output and input."""
        return tuple(chain.bracketing for chain in self.chains)


def sweep(problem: Problem, mode: Literal["forward", "reverse"]) -> Candidate:
    """Forward or reverse mode: entry by entry for scalar code, else with whole tensors."""
    graph = scalars(problem)
    if graph is not None and (dag := of_scalars(graph)).graph is not None:
        order = dag.intermediates if mode == "forward" else dag.intermediates[::-1]
        if dag.published(order) <= SCALAR_PRODUCTS:
            plain, costly = dag.count(order)
            ordered = Elimination(problem, dag, order, graph)
            return Candidate(mode, costly, _ends(problem, mode), lambda: ordered.accumulate(Nodes()), plain, order)
    run = by_forward if mode == "forward" else by_reverse
    w = Prices()
    run(w, problem)

    def build() -> list[list[Tensor]]:
        nodes = Nodes()
        return as_tensors(nodes, problem, run(nodes, problem))

    return Candidate(mode, w.multiplications, _ends(problem, mode), build)


def _ends(problem: Problem, mode: str) -> str:
    ends = problem.inputs if mode == "forward" else problem.outputs
    shown = ", ".join(str(x.type) for x in ends[:3]) + (", ..." if len(ends) > 3 else "")
    return f"from {'the input' if mode == 'forward' else 'the output'}{'s' if len(ends) > 1 else ''} {shown}"


def chained(problem: Problem, chains: dict[tuple[Tensor, Tensor], Chain] | None = None) -> Candidate:
    """Chain mode; of one stage only, where no node cuts the graph."""
    known = plan_chains(problem) if chains is None else chains
    w = Prices()
    by_chain(w, problem, known)

    def build() -> list[list[Tensor]]:
        nodes = Nodes()
        return as_tensors(nodes, problem, by_chain(nodes, problem, known))

    all_ = tuple(known.values())
    text = "; ".join(_line(chain) for chain in all_[:2]) + ("; ..." if len(all_) > 2 else "")
    return Candidate("chain", w.multiplications, text, build, chains=all_)


def _line(chain: Chain) -> str:
    text = line(chain.bracketing)
    return text if len(text) <= WIDEST else f"{len(chain.stages)} stages"


def eliminated(problem: Problem, found: Elimination | None = None, seed: int = 0) -> Candidate | None:
    """Eliminate mode; None where the graph is too large to look for an order."""
    elimination = plan_elimination(problem, seed) if found is None else found
    if elimination is None:
        return None

    def build() -> list[list[Tensor]]:
        return elimination.accumulate(Nodes())

    scalar = elimination.scalars is not None
    if scalar:
        plain, costly = elimination.dag.count(elimination.order)
    else:
        w = Prices()
        elimination.dag.play(w, elimination.order)
        plain, costly = w.multiplications, w.multiplications
    how = f"{len(elimination.order)} {'scalars' if scalar else 'tensors'}, {elimination.method}"
    return Candidate("eliminate", costly, how, build, plain if scalar else None, elimination.order)


def compressed(problem: Problem, plan: Compression) -> Candidate:
    """Sparse mode: sweeps by colour, and what is known before."""
    (y,), (x,) = problem.outputs, problem.inputs
    tangent, adjoint = Prices(), Prices()
    if plan.tangents:
        forward(tangent, problem.edges, problem.nodes, {x: direction(x.shape, x.dtype, target=True)})
    if plan.adjoints:
        reverse(adjoint, problem.edges, problem.nodes, {y: direction(y.shape, y.dtype, target=False)}, {x})
    sweeps = plan.tangents * tangent.multiplications + plan.adjoints * adjoint.multiplications
    build = sparse_hessian if plan.method == "star" else sparse_jacobian
    return Candidate("sparse", sweeps, str(plan), lambda: [[build(plan.y, plan.x, plan)]])
