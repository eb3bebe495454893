"""Builds a kernel: blocks of statements, names, and the storage a kernel touches."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from graphad.compiler.ir.node import Node, Site
from graphad.compiler.ir.size import Dim, Size, symbol
from graphad.compiler.loops.index import bounds, split
from graphad.compiler.loops.ir import (
    Assign,
    At,
    Element,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Lit,
    Mark,
    Note,
    Parameter,
    Prim,
    Put,
    Ref,
    Registers,
    Stmt,
    Store,
    Together,
)
from graphad.compiler.lower.storage import Storage
from graphad.compiler.names import STEM


@dataclass(eq=False, slots=True)
class Launch:
    """A kernel with the storage and the sizes it is called with, and what it costs.

    ``starts``: by a buffer's name, the element of its storage that is the kernel's first, where it is not the first.
    """

    kernel: Kernel
    storages: list[Storage]
    arguments: dict[str, Dim]
    writes: list[Storage]
    nodes: tuple[Node, ...]
    note: str = ""
    flops: Dim = 0
    bytes: Dim = 0
    starts: dict[str, Dim] = field(default_factory=dict)


@dataclass(eq=False)
class Builder:
    """Statements are added to the open block; values let in a block are known in the blocks inside it."""

    name: str
    contract: bool = True
    extents: dict[str, Dim] = field(default_factory=dict)
    kernel: Kernel = field(init=False)
    storages: list[Storage] = field(default_factory=list)
    writes: list[Storage] = field(default_factory=list)
    scopes: list[dict[object, Expr]] = field(default_factory=lambda: [{}])
    _blocks: list[list[Stmt]] = field(init=False)
    _count: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kernel = Kernel(self.name, [], [], [])
        self._blocks = [self.kernel.body]

    def buffer(self, storage: Storage, write: bool = False) -> str:
        """The name of a storage's parameter."""
        if storage not in self.storages:
            self.storages.append(storage)
            self.kernel.buffers.append(Parameter(f"{_LETTER[storage.place]}{len(self.storages) - 1}", storage.dtype))
        if write and storage not in self.writes:
            self.writes.append(storage)
        return self.kernel.buffers[self.storages.index(storage)].name

    def fresh(self, stem: str) -> str:
        """A name not used yet."""
        assert stem not in _TAKEN, f"{stem!r} begins the names of buffers or of sizes"
        self._count[stem] = self._count.get(stem, -1) + 1
        return f"{stem}{self._count[stem]}"

    def emit(self, statement: Stmt) -> None:
        self._blocks[-1].append(statement)

    def note(self, text: str) -> None:
        self.emit(Note(text))

    def let(self, stem: str, value: Expr, mutable: bool = False) -> Ref:
        """A scalar with a name; what has a name already, and constants, keep theirs."""
        if isinstance(value, Ref | Lit) and not mutable:
            return value  # type: ignore[return-value]
        name = self.fresh(stem)
        self.emit(Let(name, value, mutable))
        return Ref(name, value.dtype)

    def assign(self, target: Ref, value: Expr) -> None:
        self.emit(Assign(target.name, value))

    def store(self, storage: Storage, index: Dim, value: Expr) -> None:
        self.emit(Store(self.buffer(storage, write=True), index, value))

    def index(self, value: Expr, extent: Dim) -> Size:
        """A value as an index in 0..extent-1."""
        name = self.fresh("j")
        self.emit(Let(name, value))
        self.extents[name] = extent
        return _as_size(name)

    def least(self, a: Dim, b: Dim, extent: Dim) -> Size:
        """The smaller of two as an index in 0..extent-1: where a last block ends."""
        return self.index(Prim("min", (At(a), At(b)), "int64"), extent)

    @contextmanager
    def loop(
        self,
        extent: Dim,
        mark: Mark = "serial",
        stem: str = "i",
        start: Dim = 0,
        lanes: bool = False,
        grain: int = 0,
    ) -> Iterator[Dim]:
        """A loop from ``start`` to ``extent``; an extent of 1 is no loop.

        ``lanes``: in vectors, whatever is in it. ``grain``: iterations that one thread does together.
        """
        if extent == 1 and start == 0:
            with self.scope():
                yield 0
            return
        name = self.fresh(stem)
        self.extents[name] = extent
        statement = For(name, start, extent, [], 1, mark, lanes=lanes, grain=grain)
        self.emit(statement)
        with self.scope(statement.body):
            yield _as_size(name)

    @contextmanager
    def once(self) -> Iterator[None]:
        """One iteration, on one thread, in a kernel whose loops are shared."""
        statement = For(self.fresh("i"), 0, 1, [], 1, "parallel")
        self.emit(statement)
        with self.scope(statement.body):
            yield

    @contextmanager
    def shared(self, extent: Dim, stem: str = "i", grain: int = 1) -> Iterator[Dim]:
        """A loop that threads share, ``grain`` iterations at a time; one iteration is one thread's."""
        if extent == 1:
            with self.once():
                yield 0
        else:
            with self.loop(extent, "parallel", stem, grain=grain) as i:
                yield i

    def places(self, number: Dim, extents: Sequence[Dim]) -> list[Dim]:
        """The index into ``extents`` that has a row-major number; quotients are computed once, and named."""
        places = split(number, tuple(extents), self.extents)
        return [p if isinstance(p, int) else self.index(At(p), d) for p, d in zip(places, extents, strict=True)]

    @contextmanager
    def between(
        self, start: Dim, stop: Dim, extent: Dim, step: int = 1, stem: str = "i", mark: Mark = "serial"
    ) -> Iterator[Dim]:
        """A loop over part of 0..extent-1, on one thread."""
        name = self.fresh(stem)
        self.extents[name] = extent
        statement = For(name, start, stop, [], step, mark)
        self.emit(statement)
        with self.scope(statement.body):
            yield _as_size(name)

    @contextmanager
    def unrolled(
        self, start: Dim, stop: Dim, extent: Dim, stem: str = "u", within: tuple[int, int] | None = None
    ) -> Iterator[Dim]:
        """A loop over part of 0..extent-1 that the target writes out; one iteration is no loop."""
        if isinstance(start, int) and isinstance(stop, int) and stop - start == 1 and within is None:
            with self.scope():
                yield start
            return
        name = self.fresh(stem)
        self.extents[name] = extent
        statement = For(name, start, stop, [], 1, "unrolled", within=within)
        self.emit(statement)
        with self.scope(statement.body):
            yield _as_size(name)

    @contextmanager
    def together(self, variable: str, lanes: int) -> Iterator[None]:
        """A block that all lanes run at once; ``variable`` is the lane's number."""
        self.extents[variable] = lanes
        statement = Together(variable, lanes, [])
        self.emit(statement)
        with self.scope(statement.body):
            yield

    def registers(self, extents: tuple[int, ...], value: Lit) -> str:
        """The name of an array of registers, all ``value``."""
        name = self.fresh("acc")
        self.emit(Registers(name, extents, value))
        return name

    def put(self, name: str, index: tuple[Dim, ...], value: Expr) -> None:
        """A register set."""
        self.emit(Put(name, index, value))

    def add_to(self, name: str, index: tuple[Dim, ...], value: Expr) -> None:
        """``value`` added to a register."""
        old = Element(name, index, value.dtype)
        self.emit(Put(name, index, Prim("add", (old, value), value.dtype)))

    @contextmanager
    def when(self, condition: Expr) -> Iterator[None]:
        statement = If(condition, [])
        self.emit(statement)
        with self.scope(statement.body):
            yield

    @contextmanager
    def ensured(self, places: Iterable[tuple[Dim, Dim]]) -> Iterator[None]:
        """Only where each index is below its extent, and not negative; what is known to be is not asked."""
        with ExitStack() as stack:
            for at, extent in places:
                low, high = bounds(at, self.extents)
                if low is None or low < 0:
                    stack.enter_context(self.when(Prim("ge", (At(at), At(0)), "bool")))
                if high is None or not isinstance(extent, int) or high >= extent:
                    stack.enter_context(self.when(Prim("lt", (At(at), At(extent)), "bool")))
            yield

    @contextmanager
    def scope(self, block: list[Stmt] | None = None) -> Iterator[None]:
        """Values let inside are forgotten outside."""
        if block is not None:
            self._blocks.append(block)
        self.scopes.append({})
        try:
            yield
        finally:
            self.scopes.pop()
            if block is not None:
                self._blocks.pop()

    def known(self, key: object) -> Expr | None:
        for scope in reversed(self.scopes):
            if key in scope:
                return scope[key]
        return None

    def remember(self, key: object, value: Expr) -> None:
        self.scopes[-1][key] = value

    def launch(self, nodes: tuple[Node, ...], note: str = "") -> Launch:
        """The finished kernel, with the sites of the nodes it computes."""
        self.kernel.sites = sites_of(nodes)
        return Launch(self.kernel, self.storages, {}, self.writes, nodes, note)


def sites_of(nodes: Iterable[Node]) -> tuple[Site, ...]:
    """The user's lines that nodes belong to, each once."""
    return tuple(dict.fromkeys(n.site for n in nodes if n.site.line))


_LETTER = {"input": "x", "output": "y", "state": "p", "constant": "d", "local": "t"}
_TAKEN = {*_LETTER.values(), STEM}


def _as_size(name: str) -> Size:
    return symbol(name)
