"""lower: Graph with kernels -> launches of loop nests."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.graph import Graph, Kernel
from graphad.compiler.ir.kinds import Contract, Fold, Reduce, Scan, Scatter
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, symbol
from graphad.compiler.loops.hoist import hoist_indices
from graphad.compiler.loops.ir import Load
from graphad.compiler.loops.lanes import mark_lanes
from graphad.compiler.loops.offsets import from_starts
from graphad.compiler.lower.assign import Assignment, assign_storage
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.contract import lower_contract
from graphad.compiler.lower.examples.region import RegionLowering
from graphad.compiler.lower.examples.way import FEWEST, Lanes
from graphad.compiler.lower.folded import lower_folded_contract
from graphad.compiler.lower.folds import lower_fold, lower_scatter
from graphad.compiler.lower.maps import Stores, lower_map, symbols_in
from graphad.compiler.lower.nans import watch
from graphad.compiler.lower.numbers import numbers_apart
from graphad.compiler.lower.picks import Picks
from graphad.compiler.lower.reduce import lower_reduce
from graphad.compiler.lower.rowwise import lower_rowwise
from graphad.compiler.lower.scan import lower_scan
from graphad.compiler.lower.short_rows import lower_short_rows
from graphad.compiler.lower.storage import Storage
from graphad.compiler.lower.target import target
from graphad.compiler.lower.tiles import tile_crosswise
from graphad.compiler.lower.title import title
from graphad.compiler.options import Options
from graphad.compiler.passes.kernels.examples import Region, in_order, plan_regions
from graphad.compiler.passes.kernels.points import is_anchor
from graphad.compiler.passes.kernels.rowwise import rows_of_kernel
from graphad.compiler.sizes import named_sizes

LARGE: Final = 4096
"""Elements of a matrix whose copy takes longer than a call."""


@dataclass(frozen=True)
class Lowered:
    """The launches in order, and where everything lies.

    ``commit``: the launch before which a run that failed ends, with every state as it was. ``profits``: whether the
    size of the batch makes a difference. ``picks``: what could be done in several ways.
    """

    graph: Graph
    launches: tuple[Launch, ...]
    assignment: Assignment
    locals: tuple[Storage, ...]
    guards: tuple[Node, ...]
    watched: tuple[Node, ...]
    commit: int
    choices: dict[Node, str]
    profits: bool
    picks: Picks


def lower(
    graph: Graph,
    options: Options,
    lanes: Lanes | None = None,
    few: bool = False,
    picks: Mapping[str, str] | None = None,
    sparing: bool = False,
    known: Mapping[str, int] | None = None,
) -> Lowered:
    """Loop nests for every kernel of a fused graph.

    ``lanes``: how batches of convolutions go into the lanes of vectors. ``few``: there are too few examples for that.
    ``picks``: answers to what may be done in several ways, by question. ``sparing``: memory comes before time.
    ``known``: numbers of sizes with names, which may shape the code, not its results.
    """
    assert graph.kernels is not None
    planned = plan_regions(graph, sparing)
    profits = any(isinstance(step, Region) for step in planned) or any(map(_matrix, graph.nodes))
    steps = planned if lanes else graph.kernels
    graph = Graph(graph.inputs, graph.outputs, graph.updates, tuple(in_order(steps)))
    assert graph.kernels is not None
    inside = frozenset(n for r in steps if isinstance(r, Region) for k in r.inner for n in k.stores)
    assignment = assign_storage(graph, watched=options.nan_guard, apart=inside)
    context = Context(assignment.stored, options, locals=list(assignment.locals), few=few, picks=Picks(picks or {}))
    context.most = known or _most(graph, options, lanes, few, profits)
    launches: list[Launch] = []
    watched: list[Node] = []
    commit = done = 0
    for step in steps:
        if isinstance(step, Region):
            assert lanes is not None
            main, combines = RegionLowering(context, graph, step, lanes).run()
            launches += main
            done += len(step.inner) + len(step.exits)
            if done - len(step.inner) - len(step.exits) < assignment.guarded <= done:
                commit = len(launches)
            launches += combines
            continue
        launches += lower_kernel(context, step)
        done += 1
        if done == assignment.guarded:
            commit = len(launches)
    if options.nan_guard:
        for node in graph.roots:
            launches += watch(context, node, watched)
        commit = len(launches)
    launches += [_copy(context, source, target) for source, target in assignment.copies]
    assignment = numbers_apart(launches, assignment)
    _from_starts(launches, symbols_in([d for x in graph.inputs for d in x.type.shape]))
    return Lowered(
        graph,
        tuple(launches),
        assignment,
        tuple(context.locals),
        tuple(context.guards),
        tuple(watched),
        commit,
        context.choices,
        profits,
        context.picks,
    )


def _most(graph: Graph, options: Options, lanes: Lanes | None, few: bool, profits: bool) -> dict[str, int]:
    """Examples that there are at most in a batch that goes this way; one that does not profit goes all ways."""
    if lanes is None:
        most = FEWEST - 1 if few else None
    else:
        most = target(options.isa).lanes("float32") // lanes.share if lanes.one_block else None
    return {} if most is None or not profits else dict.fromkeys(named_sizes(graph), most)


def _from_starts(launches: Sequence[Launch], sizes: Set[str]) -> None:
    """Kernels that begin where they are told to: those that differ in that alone are one."""
    starts = {kernel: from_starts(kernel, sizes) for kernel in {launch.kernel: None for launch in launches}}
    for launch in launches:
        launch.starts = starts[launch.kernel]


def _matrix(node: Node) -> bool:
    """A product with a matrix large enough that few rows are worth a schedule of their own."""
    sizes = [x.type.size for x in node.operands] if isinstance(node.kind, Contract) else []
    return any(isinstance(n, int) and n >= LARGE for n in sizes)


def lower_kernel(context: Context, kernel: Kernel) -> list[Launch]:
    """One kernel of the graph as one or more loop nests."""
    stores: Stores = [(n, context.stored[n]) for n in kernel.stores]
    anchors = [n for n in kernel.nodes if is_anchor(n)]
    rows = rows_of_kernel(kernel.nodes, kernel.stores)
    if rows is not None:
        lower_rows = lower_short_rows if rows.tiny else lower_rowwise
        launches = lower_rows(context, kernel.nodes, stores, rows)
    elif anchors:
        launches = _anchored(context, kernel.nodes, anchors, stores)
    else:
        launches = [_map(context, kernel.nodes, stores)]
    for launch in launches:
        launch.kernel.name = f"{launch.kernel.name}_{title(kernel)}"
        hoist_indices(launch.kernel)
        if context.options.precision != "strict":
            mark_lanes(launch.kernel, _results(launch))
    return launches


def _results(launch: Launch) -> dict[str, Dim]:
    """The buffers that the caller gets, with their elements, in terms of the kernel's own sizes."""
    pairs = zip(launch.kernel.buffers, launch.storages, strict=True)
    return {p.name: _in_terms(s.size, launch.arguments) for p, s in pairs if s.place == "output"}


def _in_terms(size: Dim, arguments: Mapping[str, Dim]) -> Dim:
    """A size as a multiple of an argument, where it is one: kernels that differ in size alone are one kernel."""
    for name, value in arguments.items():
        if isinstance(size, Size) and isinstance(value, Size):
            times = size.terms[0][1] // value.terms[0][1]
            if value * times == size:
                return symbol(name) * times
    return size


def _map(context: Context, nodes: Sequence[Node], stores: Stores) -> Launch:
    builder, puller = context.builder("map", nodes)
    launch = lower_map(builder, puller, nodes, stores, apart=True)
    tile_crosswise(context, builder)
    return launch


def _anchored(context: Context, nodes: Sequence[Node], anchors: Sequence[Node], stores: Stores) -> list[Launch]:
    first = anchors[0]
    match first.kind:
        case Reduce():
            return lower_reduce(context, nodes, anchors, stores)
        case Scan():
            return lower_scan(context, nodes, first, stores)
        case Fold():
            return [lower_fold(context, nodes, first, stores)]
        case Scatter():
            return [lower_scatter(context, nodes, first, stores)]
        case Contract() if len(anchors) == 2:
            folded = lower_folded_contract(context, nodes, anchors[1], first, stores)
            if folded is not None:
                return folded
            return _apart(context, nodes, first, anchors[1], stores)
        case Contract():
            return lower_contract(context, nodes, first, stores)
        case _:
            raise AssertionError(first.kind)


def _apart(context: Context, nodes: Sequence[Node], inner: Node, outer: Node, stores: Stores) -> list[Launch]:
    """A fold and its contraction in two kernels after all, the contraction's result in the arena."""
    storage = context.local(inner.type.dtype, inner.type.size)
    stored = {**context.stored, inner: storage}
    context.stored = stored
    behind: set[Node] = {inner}
    stack = [inner]
    while stack:
        for x in stack.pop().operands:
            if x in nodes and x not in behind:
                behind.add(x)
                stack.append(x)
    first = lower_contract(context, [n for n in nodes if n in behind], inner, [(inner, storage)])
    return [*first, lower_fold(context, [n for n in nodes if n is not inner], outer, stores)]


def _copy(context: Context, source: Node, target: Node) -> Launch:
    """An update that could not be made in place."""
    builder: Builder = context.builder("copy", ())[0]
    with builder.loop(source.type.size, "parallel") as i:
        name = builder.buffer(context.stored[source])
        builder.store(context.stored[target], i, Load(name, i, source.type.dtype))
    return builder.launch((source,), "update")
