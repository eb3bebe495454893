"""Reading a graph's text form."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

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
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import AliasOp, MapOp, Op, ReduceOp, ScanOp, find
from graphad.compiler.ir.size import Dim, parse_dim
from graphad.compiler.ir.types import Shape, TensorType
from graphad.compiler.ir.view import Affine, AxisMap, Reshape, identity

_LINE = re.compile(r"%(\w+): (\w+)\[(.*?)\] = (\w+)(?:\(([^)]*)\))?(.*?)(?: as \"(.*)\")?$")


def parse(text: str, constants: Mapping[str, np.ndarray] | None = None) -> Graph:
    """Reads a graph's text. Types are checked by the kinds' own rules.

    Errors: ParseError, with the line.
    """
    reader = _Reader(dict(constants or {}))
    for i, raw in enumerate(text.strip().splitlines(), 1):
        line = raw.split("  # ")[0].strip()
        if line in ("", "graph {", "}"):
            continue
        try:
            reader.line(line)
        except (GraphadError, ValueError, SyntaxError, KeyError, IndexError, TypeError) as error:
            raise ParseError(f"line {i}, {line!r}: {error}") from error
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
            self.updates.append((*self.named(leaf), *self.named(value)))  # type: ignore[arg-type]
        elif word == "kernel":
            nodes, stores = rest.split(":")[1].split("->")
            self.kernels.append(Kernel(self.named(nodes), self.named(stores)))
        else:
            self.node(line)

    def named(self, text: str) -> tuple[Node, ...]:
        names = [name.strip().lstrip("%") for name in text.split(",") if name.strip()]
        for name in names:
            if name not in self.nodes:
                raise ParseError(f"%{name} is not defined above")
        return tuple(self.nodes[name] for name in names)

    def node(self, line: str) -> None:
        match = _LINE.match(line)
        if match is None:
            raise ParseError("expected '%name: dtype[shape] = op(operands) attributes'")
        name, dtype, shape, op_name, operands, rest, label = match.groups()
        declared = TensorType(dtype, _shape(shape))
        inputs = self.named(operands or "")
        op = find(op_name)
        kind = self.kind(op, declared, [o.type for o in inputs], rest.strip())
        found = infer(kind, [o.type for o in inputs], declared)
        if found != declared:
            raise ParseError(f"declared {declared}, but the operation gives {found}")
        self.nodes[name] = Node(op, kind, inputs, declared, label=json.loads(f'"{label or ""}"'))

    def kind(self, op: Op, t: TensorType, operands: Sequence[TensorType], rest: str) -> Kind:
        if isinstance(op, MapOp):
            return Map(op.scalar)
        if isinstance(op, ReduceOp):
            return Reduce(op.monoid, tuple(_value(rest, "axes")))
        if isinstance(op, ScanOp):
            return Scan(op.monoid, _value(rest, "axis"), rest.endswith("reverse"))
        if isinstance(op, AliasOp):
            return View(identity(t.shape))
        match op.name:
            case "input" | "parameter" | "state":
                return Leaf(op.name, json.loads(rest))
            case "constant":
                value = self.constants[rest[1:]] if rest.startswith("#") else _literal(rest)
                return Constant(np.asarray(value, dtype=t.dtype).reshape([int(str(d)) for d in t.shape]))
            case "size":
                return SizeOf(parse_dim(rest))
            case "index":
                return Index(t.shape, _value(rest, "axis"))
            case "view":
                return View(_affine(rest, t.shape))
            case "reshape":
                return View(Reshape(t.shape))
            case "join":
                return Join(_value(rest, "axis"))
            case "fold":
                return Fold(_affine(rest, operands[0].shape), t.shape)
            case "contract":
                left, right, out = re.split(r",|->", rest.strip("[]"))
                return Contract(left, right, out)
            case "gather":
                return Gather(_value(rest, "axis"))
            case "scatter":
                axis = _value(rest, "axis")
                return Scatter(axis, t.shape[axis])
            case "after":
                return After()
            case _:
                raise ParseError(f"op {op.name!r} has no text form")


def _shape(text: str) -> Shape:
    return tuple(parse_dim(part) for part in text.split(",") if part)


def _literal(text: str) -> Any:
    return eval(text, {"__builtins__": {}}, {"inf": float("inf"), "nan": float("nan")})


def _value(text: str, name: str) -> Any:
    match = re.search(rf"{name}=(\[.*?\]|-?\d+)", text)
    if match is None:
        raise ParseError(f"expected {name}=...")
    return ast.literal_eval(match.group(1))


_TERM = re.compile(r"([+-]?)(?:(\d+)\*)?i(\d+)")


def _affine(text: str, shape: Shape) -> Affine:
    body, _, fill = text.partition("]")
    axes = tuple(_axis(part.strip()) for part in body.lstrip("[").split(",") if part.strip())
    return Affine(shape, axes, float(fill.split("=")[1]) if "=" in fill else 0.0)


def _axis(text: str) -> AxisMap:
    guarded = text.endswith("?")
    text = text.rstrip("?")
    divisor = 1
    if quotient := re.fullmatch(r"\((.*)\)/(\d+)", text):
        text, divisor = quotient[1], int(quotient[2])
    text, _, size = text.partition("{")
    terms = tuple((int(i), int(f"{sign}{c or 1}")) for sign, c, i in _TERM.findall(text))
    rest = _TERM.sub("", text).lstrip("+")
    offset: Dim = parse_dim(size.rstrip("}") or rest) if size or rest else 0
    return AxisMap(offset, terms, divisor, guarded)
