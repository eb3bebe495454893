"""Regions: kernels that go through a batch example by example, and so may run for some examples at a time.

A node *follows* the batch if its value for an example depends on that example alone (and on values without a batch).
A kernel is

    inner   if all that it stores follows the batch: a convolution, its input's gradient, a pooling
    exit    if it sums over the batch: a weight's gradient, the loss; what it does with the sum has no batch any more
    outer   otherwise

A region is the inner kernels and exits between which no outer kernel has to run. The batch is a size that is still a
name, and so counts along first axes only. A kernel that goes row by row is none of it: in a region the kernels that it
was made of take its place.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.graph import Graph, Kernel
from graphad.compiler.ir.kinds import (
    After,
    Constant,
    Contract,
    Fold,
    Gather,
    Index,
    Join,
    Leaf,
    Map,
    Reduce,
    Scan,
    Scatter,
    SizeOf,
    View,
)
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Size, symbol
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, Reshape
from graphad.compiler.passes.kernels.points import is_anchor
from graphad.compiler.passes.kernels.rowwise import rows_of_kernel

Role: TypeAlias = Literal["inner", "exit", "outer"]

HEAVY: Final = 1 << 20
"""Bytes of a matrix that are better read once for the whole batch than for every block of examples."""


@dataclass(frozen=True, eq=False)
class Region:
    """Kernels to be run block by block over the batch ``size``; none of the others needs an exit.

    ``order``: of both, within a block.
    """

    size: str
    inner: tuple[Kernel, ...]
    exits: tuple[Kernel, ...]
    order: tuple[Kernel, ...]


def plan_regions(graph: Graph, sparing: bool = False) -> tuple[Kernel | Region, ...]:
    """The kernels in an order in which regions are together; just the kernels where no convolution profits.

    ``sparing``: exits come where the graph has them, which frees what they read, and not behind all inner kernels.
    """
    assert graph.kernels is not None
    size = _batch(graph)
    if size is None:
        return graph.kernels
    split = {k: k.parts for k in graph.kernels if _goes_by_rows(k) and all(_role(p, size) != "outer" for p in k.parts)}
    steps = _steps(_replaced(graph.kernels, split), size, sparing)
    together = {k for step in steps if isinstance(step, Region) for k in (*step.inner, *step.exits)}
    apart = {k: parts for k, parts in split.items() if not together.isdisjoint(parts)}
    return steps if apart == split else _steps(_replaced(graph.kernels, apart), size, sparing)


def _replaced(kernels: Sequence[Kernel], parts: Mapping[Kernel, Sequence[Kernel]]) -> tuple[Kernel, ...]:
    return tuple(p for k in kernels for p in parts.get(k, (k,)))


def _steps(kernels: Sequence[Kernel], size: str, sparing: bool) -> tuple[Kernel | Region, ...]:
    """The kernels, those that are worth it in regions."""
    roles = {k: _role(k, size) for k in kernels}
    if not any(role != "outer" and _convolves(k) for k, role in roles.items()):
        return tuple(kernels)
    levels = _levels(kernels, roles)
    by_level: list[list[Kernel]] = [[] for _ in range(max(levels.values()) + 1)]
    for kernel in kernels:
        by_level[levels[kernel]].append(kernel)
    steps: list[Kernel | Region] = []
    for here in by_level:
        steps += [k for k in here if roles[k] == "outer"]
        inner = tuple(k for k in here if roles[k] == "inner")
        exits = tuple(k for k in here if roles[k] == "exit")
        worth = any(isinstance(n.kind, Contract) for k in (*inner, *exits) for n in k.nodes)
        order = tuple(k for k in here if roles[k] != "outer") if sparing else (*inner, *exits)
        steps += [Region(size, inner, exits, order)] if worth else [*inner, *exits]
    return tuple(steps)


def in_order(steps: Sequence[Kernel | Region]) -> Iterator[Kernel]:
    """All kernels of the steps."""
    for step in steps:
        yield from (step,) if isinstance(step, Kernel) else (*step.inner, *step.exits)


def _batch(graph: Graph) -> str | None:
    """The name of the first axis of most inputs."""
    names = [str(x.type.shape[0]) for x in graph.inputs if x.type.shape and isinstance(x.type.shape[0], Size)]
    return max(names, key=names.count) if names and max(names, key=names.count).isidentifier() else None


def _levels(kernels: Sequence[Kernel], roles: Mapping[Kernel, Role]) -> dict[Kernel, int]:
    """How many regions have to be over before each kernel: an outer kernel is ahead of the region of its level."""
    home = {s: k for k in kernels for s in k.stores}
    levels: dict[Kernel, int] = {}
    for kernel in kernels:
        level = 0
        inside = set(kernel.nodes)
        for x in {o for n in kernel.nodes for o in n.operands if o not in inside and o in home}:
            before = home[x]
            behind = roles[before] == "exit" or (roles[before] == "inner" and roles[kernel] == "outer")
            level = max(level, levels[before] + behind)
        levels[kernel] = level
    return levels


def _goes_by_rows(kernel: Kernel) -> bool:
    """Whether it is one of several, or has rows of a loop each; a single one of tiny rows may go in lanes as well."""
    rows = rows_of_kernel(kernel.nodes, kernel.stores)
    return rows is not None and (not rows.tiny or bool(kernel.parts))


def _role(kernel: Kernel, size: str) -> Role:
    anchors = [n for n in kernel.nodes if is_anchor(n)]
    if any(isinstance(n.kind, After | Scatter) for n in kernel.nodes) or _heavy(anchors, size):
        return "outer"
    if _goes_by_rows(kernel) or any(0 in n.type.shape for n in kernel.nodes):
        return "outer"
    if all(_has(s, size) for s in kernel.stores):
        return "inner" if all(_plain(n, size) for n in kernel.nodes) else "outer"
    summed = [a for a in anchors if not _has(a, size)]
    if not summed or summed != anchors or any(_has(s, size) for s in kernel.stores):
        return "outer"
    fits = all(_plain(n, size) for n in kernel.nodes if n not in summed) and all(_sums(a, size) for a in summed)
    return "exit" if fits and not any(_has(n, size) for n in epilogue(kernel, summed)) else "outer"


def epilogue(kernel: Kernel, anchors: Sequence[Node]) -> list[Node]:
    """What follows from the sums: all that the stores need and do not read through an anchor.

    Some of it may be needed by the sums as well, such as a norm of the whole batch.
    """
    return _needed(kernel, kernel.stores, anchors)


def _needed(kernel: Kernel, roots: Iterable[Node], but: Iterable[Node] = ()) -> list[Node]:
    """The kernel's nodes that the roots need, themselves included, without ``but`` and what only these need."""
    left, found = set(kernel.nodes) - set(but), set[Node]()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in left and node not in found:
            found.add(node)
            stack.extend(node.operands)
    return [n for n in kernel.nodes if n in found]


def batch_axis(shape: Shape, size: str) -> int | None:
    """Where the batch is in a shape, None where it is not."""
    batch = symbol(size)
    found = [i for i, d in enumerate(shape) if not isinstance(d, int) and d == batch]
    return found[0] if len(found) == 1 else None


def _has(node: Node, size: str) -> bool:
    return batch_axis(node.type.shape, size) is not None


def _plain(node: Node, size: str) -> bool:
    """Has no batch and is made of nothing that has, or follows it."""
    if _has(node, size):
        return follows(node, size)
    return not any(_names(o, size) for o in (node, *node.operands))


def _names(node: Node, size: str) -> bool:
    return any(isinstance(d, Size) and size in d.names() for d in node.type.shape)


def follows(node: Node, size: str) -> bool:
    """Whether the node's value for an example depends on no other example."""
    at = batch_axis(node.type.shape, size)
    if at is None:
        return False
    x = node.operands[0] if node.operands else None
    above = None if x is None else batch_axis(x.type.shape, size)
    match node.kind:
        case Leaf() | Map() | SizeOf() | Constant():
            return True
        case Index(axis=axis):
            return axis != at
        case View(map=Affine() as found):
            assert x is not None
            if above is None:
                return not _names(x, size) and at not in found.used()
            uses = sum(j == at for axis in found.axes for j, _ in axis.terms)
            return uses == 1 and found.axes[above].is_identity(at)
        case View(map=Reshape()):
            return at == 0 and above == 0
        case Reduce(axes=axes):
            return above is not None and above not in axes
        case Scan(axis=axis):
            return axis != at
        case Join(axis=axis):
            return axis != at
        case Fold(map=found):
            uses = sum(j == above for axis in found.axes for j, _ in axis.terms)
            return above is not None and uses == 1 and found.axes[at].is_identity(above)
        case Contract(left, right, out):
            letters = (left, right)
            where = [batch_axis(o.type.shape, size) for o in node.operands]
            named = {letters[i][a] for i, a in enumerate(where) if a is not None}
            return named == {out[at]} and all(a is not None or out[at] not in letters[i] for i, a in enumerate(where))
        case Gather(axis=axis):
            places = batch_axis(node.operands[1].type.shape, size)
            return above is None and places is not None
        case _:
            return False


def _sums(node: Node, size: str) -> bool:
    """A sum over the batch, worth doing block by block."""
    x = node.operands[0]
    match node.kind:
        case Reduce(monoid=monoid, axes=axes):
            return monoid.name == "sum" and batch_axis(x.type.shape, size) in axes
        case Contract(left, right, out):
            where = [batch_axis(o.type.shape, size) for o in node.operands]
            if where[0] is None or where[1] is None or left[where[0]] != right[where[1]]:
                return False
            depth = [c for c in left if c not in out and c != left[where[0]]]
            extents = dict(zip(left, x.type.shape, strict=True))
            return any(extents[c] != 1 for c in depth)
        case _:
            return False


def _convolves(kernel: Kernel) -> bool:
    """Has a contraction of windows, or folds one back."""
    anchors = [n for n in kernel.nodes if is_anchor(n)]
    kinds = [type(a.kind) for a in anchors]
    windows = any(isinstance(a.kind, Contract) and any(_window(o) for o in a.operands) for a in anchors)
    return windows or (Contract in kinds and Fold in kinds)


def _window(node: Node) -> bool:
    """Reads an operand's axis along several of its own."""
    found = node.kind.map if isinstance(node.kind, View) else None
    return isinstance(found, Affine) and any(len(a.terms) > 1 for a in found.axes)


def _heavy(anchors: Sequence[Node], size: str) -> bool:
    """A product with a matrix that the caches do not hold, and that no example uses more than once."""
    for node in anchors:
        if not isinstance(node.kind, Contract) or not _has(node, size):
            continue
        for x, letters in zip(node.operands, (node.kind.left, node.kind.right), strict=True):
            count = x.type.size
            if _has(x, size) or not isinstance(count, int) or count * ITEMSIZE[x.type.dtype] < HEAVY:
                continue
            others = [d for c, d in zip(node.kind.out, node.type.shape, strict=True) if c not in letters]
            if all(d in (1, symbol(size)) for d in others):
                return True
    return False
