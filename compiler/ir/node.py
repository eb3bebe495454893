"""A node: one value of the graph, with the op and kind that make it and the user's line that wrote it."""

from dataclasses import dataclass
from operator import is_

from graphad.compiler.ir.kinds import Kind
from graphad.compiler.ir.op import Op
from graphad.compiler.ir.types import TensorType


@dataclass(frozen=True, slots=True)
class Site:
    """Where the user wrote it: file, line, and the path of the layer it belongs to ("" outside layers)."""

    file: str = "?"
    line: int = 0
    layer: str = ""

    def __str__(self) -> str:
        place = f"{in_one_line(self.file)}:{self.line}"
        return f"{place} (layer {self.layer!r})" if self.layer else place


def in_one_line(text: str) -> str:
    """Text that may stand in a comment: what is no printable character is escaped, ends of lines above all.

    >>> print(in_one_line("a file.py\\nimport os"))
    a file.py\\nimport os
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


UNKNOWN = Site()


class Node:
    """An SSA value. Nodes are equal only to themselves and never change, but for the user's name for them."""

    __slots__ = ("__weakref__", "kind", "label", "op", "operands", "site", "type")

    def __init__(
        self,
        op: Op,
        kind: Kind,
        operands: "tuple[Node, ...]",
        type: TensorType,
        site: Site = UNKNOWN,
        label: str = "",
    ) -> None:
        self.op = op
        self.kind = kind
        self.operands = operands
        self.type = type
        self.site = site
        self.label = label

    def with_operands(self, operands: "tuple[Node, ...]") -> "Node":
        """The same operation on other operands of the same types; itself where nothing changes."""
        if all(map(is_, operands, self.operands)):
            return self
        return Node(self.op, self.kind, operands, self.type, self.site, self.label)

    def __repr__(self) -> str:
        return f"<{self.op.name}: {self.type}>"
