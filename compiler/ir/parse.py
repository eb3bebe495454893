"""Reading a graph's text form."""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from graphad.compiler.errors import GraphadError, ParseError
from graphad.compiler.ir.graph import Graph, Kernel
from graphad.compiler.ir.infer import infer
from graphad.compiler.ir.kinds import (
    After,
    Constant,
    Contract,
    Fold,
    Gather,
    Index,
    Join,
    Kind,
    Leaf,
    Map,
    Reduce,
    Scan,
    Scatter,
    SizeOf,
    View,
)
from graphad.compiler.ir.literals import affine, axes_of, axis_of, literal, tensor_type
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import AliasOp, MapOp, Op, ReduceOp, ScanOp, find
from graphad.compiler.ir.size import parse_dim
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.view import Reshape, identity
from graphad.runtime import schema

_CODE: Final = re.compile(r'(?:[^"]|"(?:[^"\\]|\\.)*")*?(?=  # |$)')
_HEAD: Final = re.compile(r"%(\w+): (\w+)\[(.*)")
_CALL: Final = re.compile(r"(\w+)(?:\(([^)]*)\))?")
_NAME: Final = schema.text()
_OPERANDS: Final[dict[type[Kind], range]] = {
    **dict.fromkeys((Leaf, Constant, SizeOf, Index), range(1)),
    **dict.fromkeys((Reduce, Scan, View, Fold), range(1, 2)),
    **dict.fromkeys((Contract, Gather, Scatter), range(2, 3)),
    **dict.fromkeys((Join, After, Map), range(1, sys.maxsize)),
}


def parse(text: str, constants: Mapping[str, np.ndarray] | None = None) -> Graph:
    """Reads a graph's text: nothing in it is executed. Types are checked by the kinds' own rules.

    Errors: ParseError, with the line.
    """
    reader = _Reader(dict(constants or {}))
    for i, raw in enumerate(text.strip().splitlines(), 1):
        code = _CODE.match(raw)
        line = (code[0] if code else raw).strip()
        if line in ("", "graph {", "}"):
            continue
        try:
            reader.line(line)
        except (GraphadError, ValueError, OverflowError, KeyError, IndexError, TypeError) as error:
            raise ParseError(f"line {i}, {_shown(line)}: {error}") from error
    return reader.graph()


class _Reader:
    def __init__(self, constants: Mapping[str, np.ndarray]) -> None:
        self.constants = constants
        self.nodes: dict[str, Node] = {}
        self.outputs: tuple[Node, ...] = ()
        self.updates: list[tuple[Node, Node]] = []
        self.kernels: list[Kernel] = []

    def graph(self) -> Graph:
        """What has been read."""
        inputs = tuple(n for n in self.nodes.values() if isinstance(n.kind, Leaf) and n.kind.role == "input")
        return Graph(inputs, self.outputs, tuple(self.updates), tuple(self.kernels) or None)

    def line(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "return":
            self.outputs = self.named(rest)
        elif word == "update":
            leaf, value = rest.split(" = ")
            self.updates.append((self.one(leaf), self.one(value)))
        elif word == "kernel":
            nodes, stores = rest.split(":")[1].split("->")
            self.kernels.append(Kernel(self.named(nodes), self.named(stores)))
        else:
            self.node(line)

    def one(self, text: str) -> Node:
        found = self.named(text)
        if len(found) != 1:
            raise ParseError(f"one value is updated by one, got {len(found)} for {text!r}")
        return found[0]

    def named(self, text: str) -> tuple[Node, ...]:
        names = [name.strip().lstrip("%") for name in text.split(",") if name.strip()]
        for name in names:
            if name not in self.nodes:
                raise ParseError(f"%{name} is not defined above")
        return tuple(self.nodes[name] for name in names)

    def node(self, line: str) -> None:
        name, dtype, shape, op_name, operands, rest, label = _parts(line)
        declared = tensor_type(dtype, shape)
        inputs = self.named(operands)
        op = find(op_name)
        kind = self.kind(op, declared, [o.type for o in inputs], rest)
        if len(inputs) not in _OPERANDS[type(kind)]:
            raise ParseError(f"{len(inputs)} operands are not what {op_name} takes")
        found = infer(kind, [o.type for o in inputs], declared)
        if found != declared:
            raise ParseError(f"declared {declared}, but the operation gives {found}")
        self.nodes[name] = Node(op, kind, inputs, declared, label=schema.parse_json(f'"{label}"', _NAME))

    def kind(self, op: Op, t: TensorType, operands: Sequence[TensorType], rest: str) -> Kind:
        if isinstance(op, MapOp):
            return Map(op.scalar)
        if isinstance(op, ReduceOp):
            return Reduce(op.monoid, axes_of(rest))
        if isinstance(op, ScanOp):
            return Scan(op.monoid, axis_of(rest), rest.endswith("reverse"))
        if isinstance(op, AliasOp):
            return View(identity(t.shape))
        match op.name:
            case "input" | "parameter" | "state":
                return Leaf(op.name, schema.parse_json(rest, _NAME))
            case "constant":
                written = rest.removesuffix(" counts")
                value = self.constants[rest[1:]] if rest.startswith("#") else literal(written)
                array = np.asarray(value, dtype=t.dtype).reshape([int(str(d)) for d in t.shape])
                return Constant(array, counts=written != rest)
            case "size":
                return SizeOf(parse_dim(rest))
            case "index":
                return Index(t.shape, axis_of(rest))
            case "view":
                return View(affine(rest, t.shape))
            case "reshape":
                return View(Reshape(t.shape))
            case "join":
                return Join(axis_of(rest))
            case "fold":
                return Fold(affine(rest, operands[0].shape), t.shape)
            case "contract":
                left, right, out = re.split(r",|->", rest.strip("[]"))
                return Contract(left, right, out)
            case "gather":
                return Gather(axis_of(rest))
            case "scatter":
                axis = axis_of(rest)
                return Scatter(axis, t.shape[axis])
            case "after":
                return After()
            case _:
                raise ParseError(f"op {op.name!r} has no text form")


def _parts(line: str) -> tuple[str, str, str, str, str, str, str]:
    """Name, dtype, shape, op, operands, attributes, label."""
    before, _, after = line.partition("] = ")
    head, call = _HEAD.fullmatch(before), _CALL.match(after)
    if head is None or call is None:
        raise ParseError("expected '%name: dtype[shape] = op(operands) attributes'")
    rest, mark, label = after[call.end() :].partition(' as "')
    if not mark or not label.endswith('"'):
        rest, label = after[call.end() :], '"'
    return head[1], head[2], head[3], call[1], call[2] or "", rest.strip(), label[:-1]


def _shown(line: str) -> str:
    return repr(line if len(line) < 200 else f"{line[:200]}...")
