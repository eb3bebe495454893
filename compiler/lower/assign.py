"""Storage for every stored node: inputs, outputs and states where they are, the rest in the arena, or in place."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from graphad.compiler.ir.graph import Graph, Kernel
from graphad.compiler.ir.kinds import Constant, Leaf, Map
from graphad.compiler.ir.node import Node
from graphad.compiler.lower.storage import Storage
from graphad.compiler.passes.kernels.order import can_fail


@dataclass(frozen=True)
class Assignment:
    """Where each node lies, and the copies that end the step: (from, to)."""

    stored: dict[Node, Storage]
    locals: list[Storage]
    constants: tuple[Node, ...]
    copies: tuple[tuple[Node, Node], ...]
    guarded: int


def assign_storage(graph: Graph, watched: bool = False, apart: Set[Node] = frozenset()) -> Assignment:
    """Every stored node's storage.

    An update is written to its state's own memory if no later kernel reads the state, this one reads it only at the
    element that it writes, and no kernel from here on can fail, so that a step that fails changes no state; else to the
    arena, to be copied at the end. A map's result takes the place of an operand of its type that nobody reads
    afterwards. ``guarded`` is how many kernels there are up to the last that can fail.

    Args:
        watched: all results are looked at before a state changes, so no update is made in place.
        apart: nodes that take nobody's place, nor give theirs.
    """
    assert graph.kernels is not None
    stored: dict[Node, Storage] = {}
    for slot, x in enumerate(graph.inputs):
        stored[x] = _at("input", slot, x)
    for slot, s in enumerate(graph.states):
        stored[s] = _at("state", slot, s)
    for slot, y in enumerate(graph.outputs):
        stored[y] = _at("output", slot, y)
    constants = tuple(n for n in graph.nodes if isinstance(n.kind, Constant) and n.kind.value.size != 1)
    for slot, c in enumerate(constants):
        stored[c] = _at("constant", slot, c)
    last = _last_reads(graph.kernels)
    guarded = len(graph.kernels) if watched else _guarded(graph.kernels)
    copies = _updates(graph, stored, last, guarded)
    locals_: list[Storage] = []
    held: dict[Storage, list[Node]] = {}
    for node, storage in stored.items():
        held.setdefault(storage, []).append(node)
    for i, kernel in enumerate(graph.kernels):
        for node in kernel.stores:
            if node in stored:
                continue
            free = _dying(node, kernel, i, last, stored, held) if node not in apart else None
            if free is not None and free not in apart:
                stored[node] = stored[free]
                held[stored[node]].append(node)
                last[free] = len(graph.kernels)  # taken: no second result may take it
                continue
            stored[node] = Storage("local", len(locals_), node.type.dtype, node.type.size)
            locals_.append(stored[node])
            held[stored[node]] = [node]
    return Assignment(stored, locals_, constants, copies, guarded)


def _at(place: str, slot: int, node: Node) -> Storage:
    return Storage(place, slot, node.type.dtype, node.type.size)  # type: ignore[arg-type]


def _last_reads(kernels: Sequence[Kernel]) -> dict[Node, int]:
    """The last kernel that reads each node."""
    last: dict[Node, int] = {}
    for i, kernel in enumerate(kernels):
        for node in kernel.nodes:
            for operand in node.operands:
                last[operand] = i
    return last


def _guarded(kernels: Sequence[Kernel]) -> int:
    """One more than the last kernel that can fail, 0 if none can."""
    return max((i + 1 for i, kernel in enumerate(kernels) if any(can_fail(n) for n in kernel.nodes)), default=0)


def _updates(
    graph: Graph, stored: dict[Node, Storage], last: Mapping[Node, int], guarded: int
) -> tuple[tuple[Node, Node], ...]:
    assert graph.kernels is not None
    at = {n: i for i, kernel in enumerate(graph.kernels) for n in kernel.stores}
    copies = []
    for leaf, value in graph.updates:
        kernel = graph.kernels[at[value]]
        if at[value] >= guarded and last.get(leaf, -1) <= at[value] and reads_in_place(leaf, value, kernel):
            stored[value] = stored[leaf]
        else:
            copies.append((value, leaf))
    return tuple(copies)


def reads_in_place(leaf: Node, value: Node, kernel: Kernel) -> bool:
    """The kernel reads ``leaf`` only in maps that lead to stores of its shape by maps: element by element, before it
    writes that element."""
    users: dict[Node, list[Node]] = {}
    for node in kernel.nodes:
        for operand in node.operands:
            users.setdefault(operand, []).append(node)
    stack = list(users.get(leaf, ()))
    seen: set[Node] = set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if not isinstance(node.kind, Map) or node.type.shape != value.type.shape:
            return False
        stack.extend(users.get(node, ()))
    return True


def _dying(
    node: Node,
    kernel: Kernel,
    i: int,
    last: Mapping[Node, int],
    stored: Mapping[Node, Storage],
    held: Mapping[Storage, Sequence[Node]],
) -> Node | None:
    """An operand in the arena whose place ``node`` may take."""
    inside = set(kernel.nodes)
    for reader in kernel.nodes:
        for x in reader.operands:
            if x in inside or x not in stored or isinstance(x.kind, Leaf | Constant):
                continue
            if stored[x].place != "local" or last[x] != i or x.type != node.type:
                continue
            others_read = any(n is not x and last.get(n, -1) >= i for n in held[stored[x]])
            if not others_read and reads_in_place(x, node, kernel):
                return x
    return None
