"""Plans: every mode is priced, and one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from graphad.autodiff.structure import flatten
from graphad.build import refuse
from graphad.compiler.errors import DTypeError, GraphadError, GraphError
from graphad.compiler.ir.dtypes import ITEMSIZE, is_float
from graphad.compiler.ir.size import Size
from graphad.planning.candidates import Candidate, chained, compressed, eliminated, sweep
from graphad.planning.chains import plan_chains
from graphad.planning.plan import CLEARLY, DENSEST, UNRIVALLED, ModeCost, Plan, choose
from graphad.planning.pricing import predicted
from graphad.planning.problem import Problem
from graphad.sparse import Compression, compress_jacobian
from graphad.structures import count
from graphad.tensor import Tensor
from graphad.text import bytes_text

TIMED: Final = 10_000
"""Nodes that are built for predictions; where all modes have more, only those that may win are."""
BUILT: Final = 60_000
"""Nodes above which nothing is built: products are counted and times are not predicted."""
RIVAL: Final = 3
"""A mode with more than so many times the least multiplications is no rival in time either."""
PRICED: Final = 20_000
"""Nodes up to which all modes are priced; above, forward and reverse only."""
SWEPT: Final = 100_000
"""Nodes times sweeps, or times chains, up to which a mode is priced, if another one needs fewer sweeps."""


def plan_jacobian(y: Any, x: Any, seed: int = 0) -> Plan:
    """What the Jacobian of ``y`` with respect to ``x`` costs in every mode, and which mode is the one to take.

    Args:
        y: a float tensor, or a list, tuple or dict of them.
        x: the same; each an input, a parameter, or a tensor that is computed.
        seed: of the annealing that looks for an elimination order.

    Symbolic sizes are taken for 64.

    Errors: GraphError and DTypeError as for `ga.jacobian`.

    >>> import graphad as ga
    >>> x = ga.input("x", (2,))
    >>> plan_jacobian(ga.sum(x * x), x).chosen
    'reverse'
    """
    return planned(question("plan_jacobian", y, x), (y, x), compress_jacobian, seed)


def planned(
    problem: Problem, trees: tuple[Any, Any], compress: Callable[[Tensor, Tensor], Compression], seed: int = 0
) -> Plan:
    """The plan of a problem: the choice, with what it left out priced too; ``compress`` colours one tensor by one."""
    choice = choice_of(problem, seed)
    found, skipped, cost = dict(choice.candidates), dict(choice.skipped), dict(choice.cost)
    for mode, candidate in found.items():
        if mode not in cost:
            cost[mode] = _cost(candidate, mode in choice.timed)
    sparse = _sparse(problem, compress)
    if isinstance(sparse, str):
        skipped["sparse"] = sparse
    else:
        found["sparse"], cost["sparse"] = sparse, _cost(sparse, choice.small)
    cost = {mode: cost[mode] for mode in found}
    chosen, why = choice.chosen, choice.why
    if dense_bytes(problem) > DENSEST:
        if "sparse" not in found:
            _refuse_size("plan_jacobian", problem)
        chosen, why = "sparse", _too_large(problem)
    return Plan(cost, skipped, chosen, why, problem, trees, found)


def _sparse(problem: Problem, compress: Callable[[Tensor, Tensor], Compression]) -> Candidate | str:
    """Sparse mode, or why it is not there."""
    ends = (*problem.outputs, *problem.inputs)
    if len(ends) > 2:
        return "one output and one input at a time"
    if any(isinstance(d, Size) for node in problem.nodes for d in node.shape):
        return "symbolic sizes"
    if len(problem.nodes) > PRICED:
        return f"{len(problem.nodes):,} nodes: not looked for above {PRICED:,}"
    try:
        return compressed(problem, compress(problem.outputs[0], problem.inputs[0]))
    except GraphadError as error:
        return str(error)


@dataclass(frozen=True, eq=False)
class Choice:
    """The one choice of a mode: what ``mode="auto"`` builds and what a plan says.

    Attributes:
        candidates, skipped: the modes that are there, and the reasons for those that are not.
        cost: of the modes that were priced to choose.
        timed: the modes that are compared in time; none, where all are too large to be built.
        small: whether every mode is.
    """

    candidates: Mapping[str, Candidate]
    skipped: Mapping[str, str]
    cost: Mapping[str, ModeCost]
    timed: tuple[str, ...]
    small: bool
    chosen: str
    why: str


def choice_of(problem: Problem, seed: int = 0) -> Choice:
    """The mode to take: the quickest by prediction, of all modes or, in large graphs, of those that may win."""
    found, skipped = candidates(problem, seed)
    small = sum(_size_of(problem, c) for c in found.values()) <= TIMED
    timed = tuple(found) if small else tuple(rivals(problem, found))
    compared = timed or tuple(found)
    chosen: str = plainest(found).mode
    why, cost = UNRIVALLED, dict[str, ModeCost]()
    if len(compared) > 1 and timed and _all_the_same([found[mode] for mode in timed]):
        why = "every mode builds the same"
    elif len(compared) > 1:
        cost = {mode: _cost(found[mode], mode in timed) for mode in compared}
        chosen, why = choose(cost)
    if not timed:
        why += f" (times are not predicted: {len(problem.nodes):,} nodes)"
    return Choice(found, skipped, cost, timed, small, chosen, why)


def _all_the_same(built: Sequence[Candidate]) -> bool:
    """Whether they are the very same nodes: that of a linear map is its matrix, however it is found."""
    return len({tuple(id(t) for row in c.blocks for t in row) for c in built}) == 1


def best_way(problem: Problem) -> Candidate:
    """What ``mode="auto"`` builds: the plan's choice.

    Errors: GraphError for a Jacobian that is too large for a dense array.
    """
    if dense_bytes(problem) > DENSEST:
        _refuse_size("jacobian", problem)
    choice = choice_of(problem)
    return choice.candidates[choice.chosen]


def _too_large(problem: Problem) -> str:
    return f"as a dense array it would take {bytes_text(dense_bytes(problem))}"


def _refuse_size(name: str, problem: Problem) -> NoReturn:
    several = len(problem.outputs) + len(problem.inputs) > 2
    sparse = "ask for each pair by itself with mode='sparse'" if several else "write mode='sparse'"
    refuse(GraphError, name, problem.outputs, f"{_too_large(problem)}; {sparse}, or name a mode to insist")


def rivals(problem: Problem, found: Mapping[str, Candidate]) -> list[str]:
    """The modes that may be the quickest, by their counts; none, where even those are too large to be built."""
    least = min(c.multiplications for c in found.values())
    plain = plainest(found)
    clearly = CLEARLY * plain.multiplications  # chain and eliminate mode are taken where they are clearly ahead only
    kept = [
        mode
        for mode, c in found.items()
        if c.multiplications <= RIVAL * least and (mode in ("forward", "reverse") or c.multiplications < clearly)
    ]
    kept = kept if plain.mode in kept else [plain.mode, *kept]
    return kept if sum(_size_of(problem, found[mode]) for mode in kept) <= BUILT else []


def plainest(found: Mapping[str, Candidate]) -> Candidate:
    """The one of reverse and forward mode that multiplies less."""
    return min((found[mode] for mode in ("reverse", "forward") if mode in found), key=lambda c: c.multiplications)


def question(name: str, y: Any, x: Any) -> Problem:
    """The problem, checked: float tensors at both ends, every input reached."""
    outputs, inputs = flatten(name, y), flatten(name, x)
    for tensor in outputs:
        if not is_float(tensor.dtype):
            refuse(
                DTypeError,
                name,
                (tensor,),
                f"{tensor.dtype} has no derivative: outputs are float32 or float64; write ga.astype(y, 'float32')",
            )
    return Problem.of(name, outputs, inputs)


def candidates(problem: Problem, seed: int = 0) -> tuple[dict[str, Candidate], dict[str, str]]:
    """Each mode's way, and the modes that have none, with the reason."""
    found, skipped = _swept(problem)
    nodes = len(problem.nodes)
    if nodes > PRICED:
        reason = f"{nodes:,} nodes: above {PRICED:,} forward and reverse only"
        return found, skipped | {"chain": reason, "eliminate": reason}
    pairs = len(set(problem.inputs)) * len(set(problem.outputs))
    chains = plan_chains(problem) if pairs * nodes <= SWEPT else {}
    if pairs * nodes > SWEPT:
        skipped["chain"] = f"{pairs:,} pairs of ends, {nodes:,} nodes: too many for a chain each"
    elif any(len(chain.stages) > 1 for chain in chains.values()):
        found["chain"] = chained(problem, chains)
    else:
        skipped["chain"] = "no node cuts the graph into stages"
    elimination = eliminated(problem, seed=seed)
    if elimination is None:
        skipped["eliminate"] = f"{len(problem.nodes):,} tensors: too many to look for an order"
    else:
        found["eliminate"] = elimination
    return found, skipped


def _swept(problem: Problem) -> tuple[dict[str, Candidate], dict[str, str]]:
    """Forward and reverse mode; of a large graph, only the one with fewer sweeps."""
    found: dict[str, Candidate] = {}
    skipped: dict[str, str] = {}
    sweeps = {"forward": len(set(problem.inputs)), "reverse": len(set(problem.outputs))}
    for mode, number in sweeps.items():
        if number > min(sweeps.values()) and number * len(problem.nodes) > SWEPT:
            skipped[mode] = f"{number:,} sweeps through {len(problem.nodes):,} nodes: too many to be counted"
        else:
            found[mode] = sweep(problem, "forward" if mode == "forward" else "reverse")
    return found, skipped


def _size_of(problem: Problem, candidate: Candidate) -> int:
    """About how many nodes a candidate has."""
    return len(problem.nodes) * 4 if candidate.plain is None else len(problem.nodes) + 2 * candidate.plain


def _cost(candidate: Candidate, timed: bool) -> ModeCost:
    if not timed:
        return ModeCost(candidate.multiplications, plain=candidate.plain, how=candidate.how)
    found = predicted([t for row in candidate.blocks for t in row])
    work = sum(kernel.seconds for kernel in found.by_kernel)
    return ModeCost(candidate.multiplications, found.seconds, found.memory, candidate.plain, candidate.how, work)


def dense_bytes(problem: Problem) -> int:
    """What the whole Jacobian takes as an array."""
    pairs = ((y, x) for y in problem.outputs for x in problem.inputs)
    return sum(count(y.shape) * count(x.shape) * ITEMSIZE[y.dtype] for y, x in pairs)
