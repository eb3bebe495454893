"""Long straight-line code cut into functions: LLVM's time grows with the square of a block's length, and then some.

    body:                          body:
     %b1 = ...                      store %i, %h1 ...        what is there before the body, into scratch memory
     ...                     ->     call piece0              its lines; what later ones need, it stores there
     %b9000 = ...                   call piece1 ...          loads what it needs
                                    %b8990 = load ...        what comes behind the pieces

Where to cut is said by the one who wrote the lines, so that all versions of one code are cut alike: a product and a sum
in two pieces round twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphad.runtime.assembly import Assembly, Function, function_name
from graphad.runtime.ir import ir

STATEMENTS: Final = 2000
"""Of a piece; code of up to twice as many stays whole. A chain of 20,000 sines, tanhs and sums
takes 68 s to compile whole, 6.5 in pieces (LLVM 22, EPYC with AVX-512). Values that cross are stored and loaded once
more: chains with their gradients take 15 % longer to run.
"""
_CONSTANT = re.compile(r"<(?:i\d+ -?\d+(?:, )?)+>|splat \([^)]*\)")
_TOKEN = re.compile(r"<\d+ x \w+>|\bptr\b|\bfloat\b|\bdouble\b|\bi\d+\b|\blabel %[\w.]+|%[\w.]+")
_DEFINED = re.compile(r" (%[\w.]+) = ")
_ALIGN: Final = 64  # bytes: a vector register
_SCRATCH: Final = "%pieces.scratch"
_HERE: Final = " ; the pieces"


@dataclass(frozen=True)
class Mark:
    """Where code may be cut: lines so far, and the block that is open."""

    line: int
    label: str


@dataclass
class Pieces:
    """The pieces of ``text``, which keeps what comes behind the last mark. ``name``: of the function it belongs to."""

    name: str
    text: Assembly
    marks: Sequence[Mark]
    slots: dict[str, int] = field(default_factory=dict)
    room: int = 0
    types: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lines, starts = self.text.lines, [Mark(0, "body"), *self.marks[:-1]]
        self.labels = {line[:-1] for line in lines if line.endswith(":")} | {m.label for m in (*starts, *self.marks)}
        self.parts = [lines[a.line : b.line] for a, b in zip(starts, self.marks, strict=True)]
        self.starts, last = starts, self.marks[-1]
        opened = [] if last.label == "body" else [f" br label %{last.label}", f"{last.label}:"]
        self.text.lines = [_HERE, *opened, *lines[last.line :]]

    def complete(self, definition: str) -> str:
        """The function's text, given what it is without them; they are functions of its module then."""
        made = [{n for line in part for n in _DEFINED.findall(line)} for part in self.parts]
        used = [set(self._used(part)) for part in self.parts]
        behind = set(self._used(definition.splitlines())) & set[str]().union(*made)
        outside = set[str]().union(*used) - set[str]().union(*made)
        crossing = [u - m for u, m in zip(used, made, strict=True)]
        for name in sorted(outside | behind | set[str]().union(*crossing)):
            self.slots[name] = self.room
            self.room += -(-_bytes(self.types[name]) // _ALIGN) * _ALIGN
        calls = []
        for k, part in enumerate(self.parts):
            self._define(f"{self.name}.piece{k}", self.starts[k].label, part, crossing[k])
            calls.append(f" call void {function_name(f'{self.name}.piece{k}')}(ptr {_SCRATCH})")
        lines = [*self._stores(outside), *calls, *self._loads(behind)]
        room = f"entry:\n {_SCRATCH} = alloca [{self.room} x i8], align {_ALIGN}"
        return definition.replace("entry:", room, 1).replace(_HERE, "\n".join(lines), 1)

    def _used(self, lines: Iterable[str]) -> Iterator[str]:
        """Names of values that the lines use; their types are known then."""
        for line in lines:
            kind = ""
            for token in _TOKEN.findall(_CONSTANT.sub("", line.partition(" = ")[2] or line)):
                if not token.startswith(("%", "label")):
                    kind = token
                elif token[1:] not in self.labels and not token.startswith("label") and kind:
                    self.types[token] = kind
                    yield token

    def _define(self, name: str, label: str, part: Sequence[str], needed: set[str]) -> None:
        module = self.text.module
        function = Function(module, ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()]), name)
        head = f"define internal void {function_name(name)}(ptr noalias {_SCRATCH}) noinline {{"
        lines = [head, "entry:", f" br label %{label}", f"{label}:", *self._moved(part, needed), " ret void", "}\n"]
        function.definition = "\n".join(lines)

    def _moved(self, part: Sequence[str], needed: set[str]) -> list[str]:
        """With loads ahead of a first use, or of the branch that it lies behind, and with stores behind values."""
        found: list[str] = []
        loaded: set[str] = set()
        waiting: set[str] = set()  # labels of blocks that the open ones lead to
        at = 0  # where a load is on the way to all that follows
        for line in part:
            if not waiting and not line.endswith(":") and " = phi " not in line:
                at = len(found)
            fresh = sorted({n for n in self._used([line]) if n in needed} - loaded)
            loaded.update(fresh)
            loads = list(self._loads(fresh))
            found[at:at] = loads
            at += len(loads)
            found.append(line)
            waiting.update(re.findall(r"label %([\w.]+)", line))
            waiting.discard(line[:-1])
            found += self._stores(n for n in _DEFINED.findall(line) if n in self.slots)
        return found

    def _stores(self, names: Iterable[str]) -> Iterator[str]:
        for name in sorted(names):
            place = f"{name}.to"
            yield f" {place} = getelementptr i8, ptr {_SCRATCH}, i64 {self.slots[name]}"
            yield f" store {self.types[name]} {name}, ptr {place}, align {_ALIGN}"

    def _loads(self, names: Iterable[str]) -> Iterator[str]:
        for name in sorted(names):
            place = f"{name}.from"
            yield f" {place} = getelementptr i8, ptr {_SCRATCH}, i64 {self.slots[name]}"
            yield f" {name} = load {self.types[name]}, ptr {place}, align {_ALIGN}"


def _bytes(kind: str) -> int:
    """Of a value of a type that LLVM's text names.

    >>> _bytes("<16 x double>"), _bytes("<16 x i1>"), _bytes("ptr")
    (128, 2, 8)
    """
    count, _, element = kind.strip("<>").rpartition(" x ")
    bits = {"ptr": 64, "float": 32, "double": 64}.get(element) or int(element[1:])
    return -(-int(count or 1) * bits // 8)
