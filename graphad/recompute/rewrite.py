"""From a stream to nodes: values that run again become copies, which wait for the cotangents that need them."""

from graphad.compiler.ir.kinds import After, Constant, Reduce, SizeOf, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import AFTER
from graphad.recompute.program import Program
from graphad.recompute.stream import Stream
from graphad.tensor import Tensor


def gradients(program: Program, stream: Stream) -> list[Tensor]:
    """The results, computed as the stream says: the same operations on the same values in the same order."""
    return _Rewriting(program, stream).run()


class _Rewriting:
    """``now``: each stored node's newest copy. ``fresh``: the copies made since ``moment``, which they wait for.

    ``done``: the backward items since then that later ones read, and that nothing since has read.
    """

    def __init__(self, program: Program, stream: Stream) -> None:
        self.program = program
        self.stream = stream
        self.number = {n: i for i, n in enumerate(program.items)}
        self.now: dict[Node, Node] = {}
        self.inner: dict[Node, Node] = {}  # what is not stored, as last made
        self.fresh: set[Node] = set()
        self.done: dict[int, None] = {}
        self.moment: Node = program.outputs[0]
        self.handed_on = _handed_on(program)

    def run(self) -> list[Tensor]:
        for v in self.stream.runs:
            node = self.program.items[v]
            if v >= self.program.forward:
                self.now[node] = self.made(v, gate=False)
                for r in self.program.reads[v]:
                    self.done.pop(r, None)
                if v in self.handed_on:
                    self.done[v] = None
            elif node not in self.now:
                self.now[node] = node
            else:
                if self.done:
                    self.moment = self.all_done()
                    self.done.clear()
                    self.fresh.clear()
                self.now[node] = self.made(v, gate=True)
                self.fresh.add(self.now[node])
        return [self.current(n) for n in self.program.results]  # type: ignore[misc]  # results are tensors

    def all_done(self) -> Node:
        """The last cotangent, once all that were made with it are there."""
        moment, *others = (self.now[self.program.items[v]] for v in reversed(self.done))
        for other in others:
            moment = Tensor(AFTER, After(), (moment, other), moment.type, moment.site)
        return moment

    def made(self, v: int, gate: bool) -> Tensor:
        """An item on the newest copies of what it reads, to be read no earlier than the last cotangent."""
        *inner, root = self.program.inner[v]
        for node in inner:
            self.inner[node] = _on(self.inner.get(node, node), self.operands(node))
        operands = self.operands(root)
        return _on(root, self.gated(v, root, operands) if gate else operands)

    def operands(self, node: Node) -> tuple[Node, ...]:
        """The newest copies of its operands.

        What is compared with its greatest or least element is compared with its own: that of an older copy, computed in
        another kernel, may be rounded otherwise: no element would be equal, or another one beaten.
        """
        found = tuple(self.current(o) for o in node.operands)
        views = _views_of_extreme(node)
        if views is None:
            return found
        *views, extreme = views
        x, own = found[0], self.current(extreme)
        if x is node.operands[0] or own.operands[0] is x:
            return found
        own = _on(extreme, (x,))
        for view in reversed(views):
            own = _on(view, (own, *view.operands[1:]))
        return x, own

    def current(self, node: Node) -> Node:
        return self.now[node] if node in self.now else self.inner.get(node, node)

    def gated(self, v: int, root: Node, operands: tuple[Node, ...]) -> tuple[Node, ...]:
        """Operands of a copy: one waits for the moment, unless a copy made since then is among what is read."""
        if any(self.now[self.program.items[r]] in self.fresh for r in self.program.reads[v]):
            return operands
        place = next((i for i, o in enumerate(operands) if not _is_known(o)), None)
        if place is None:
            return operands
        x = operands[place]
        waiting = Tensor(AFTER, After(), (x, self.moment), x.type, root.site)
        return (*operands[:place], waiting, *operands[place + 1 :])


def _handed_on(program: Program) -> set[int]:
    """The backward items that later ones read and that are no results: the moments that copies wait for."""
    own = {*program.results}
    read = {i for reads in program.reads[program.forward :] for i in reads if i >= program.forward}
    return {i for i in read if program.items[i] not in own}


def _views_of_extreme(node: Node) -> list[Node] | None:
    """Of ``x`` compared with ``max(x)`` or ``min(x)``: the views of the extreme, then itself; else None."""
    if node.type.dtype != "bool" or len(node.operands) != 2:
        return None
    x, found = node.operands[0], [node.operands[1]]
    while isinstance(found[-1].kind, View):
        found.append(found[-1].operands[0])
    kind = found[-1].kind
    extreme = isinstance(kind, Reduce) and kind.monoid.name in ("max", "min") and found[-1].operands[0] is x
    return found if extreme else None


def _on(node: Node, operands: tuple[Node, ...]) -> Tensor:
    """The same operation on these operands; itself where they are its own."""
    if all(a is b for a, b in zip(operands, node.operands, strict=True)):
        return node  # type: ignore[return-value]
    return Tensor(node.op, node.kind, operands, node.type, node.site, node.label)


def _is_known(x: Node) -> bool:
    while isinstance(x.kind, View):
        x = x.operands[0]
    return isinstance(x.kind, Constant | SizeOf)
