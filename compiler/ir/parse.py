"""Reading a graph's text form."""

import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from graphad.compiler.errors import GraphadError, ParseError
from graphad.compiler.ir.dtypes import DTYPES
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
from graphad.runtime import FormatError, schema

_CODE: Final = re.compile(r'(?:[^"]|"(?:[^"\\]|\\.)*")*?(?=  # |$)')
_HEAD: Final = re.compile(r"%(\w+): (\w+)\[(.*)")
_CALL: Final = re.compile(r"(\w+)(?:\(([^)]*)\))?")
MOST_AXES: Final = 64
_AXIS: Final = schema.integer(0, MOST_AXES - 1)
_NAME: Final = schema.text()
_OPERANDS: Final[dict[type[Kind], range]] = {
    **dict.fromkeys((Leaf, Constant, SizeOf, Index), range(1)),
    **dict.fromkeys((Reduce, Scan, View, Fold), range(1, 2)),
    **dict.fromkeys((Contract, Gather, Scatter), range(2, 3)),
    **dict.fromkeys((Join, After, Map), range(1, sys.maxsize)),
}
_WORDS: Final = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN", "True": "true", "False": "false"}


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
        name, dtype, shape, op_name, operands, rest, label = _parts(line)
        declared = _type(dtype, shape)
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
            return Reduce(op.monoid, _axes(rest))
        if isinstance(op, ScanOp):
            return Scan(op.monoid, _axis_of(rest), rest.endswith("reverse"))
        if isinstance(op, AliasOp):
            return View(identity(t.shape))
        match op.name:
            case "input" | "parameter" | "state":
                return Leaf(op.name, schema.parse_json(rest, _NAME))
            case "constant":
                value = self.constants[rest[1:]] if rest.startswith("#") else _literal(rest)
                return Constant(np.asarray(value, dtype=t.dtype).reshape([int(str(d)) for d in t.shape]))
            case "size":
                return SizeOf(parse_dim(rest))
            case "index":
                return Index(t.shape, _axis_of(rest))
            case "view":
                return View(_affine(rest, t.shape))
            case "reshape":
                return View(Reshape(t.shape))
            case "join":
                return Join(_axis_of(rest))
            case "fold":
                return Fold(_affine(rest, operands[0].shape), t.shape)
            case "contract":
                left, right, out = re.split(r",|->", rest.strip("[]"))
                return Contract(left, right, out)
            case "gather":
                return Gather(_axis_of(rest))
            case "scatter":
                axis = _axis_of(rest)
                return Scatter(axis, t.shape[axis])
            case "after":
                return After()
            case _:
                raise ParseError(f"op {op.name!r} has no text form")


def _type(dtype: str, text: str) -> TensorType:
    """Errors: ParseError for a dtype that is none, and for more bytes than there are addresses."""
    shape = tuple(parse_dim(part) for part in text.split(",") if part)
    if dtype not in DTYPES:
        raise ParseError(f"no dtype is named {dtype!r}; there are {', '.join(DTYPES)}")
    numbers = [d for d in shape if isinstance(d, int)]
    if len(shape) > MOST_AXES or any(d < 0 for d in numbers) or math.prod(numbers) > schema.LARGEST // 8:
        raise ParseError(f"no array has the shape [{text[:100]}]")
    return TensorType(dtype, shape)


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


def _literal(text: str) -> Any:
    """A number, or lists of numbers: what ``repr`` of them writes, and nothing else."""
    try:
        return schema.parse_json(re.sub(r"-?[a-zA-Z]{3,}", lambda word: _WORDS.get(word[0], "?"), text), _numbers)
    except FormatError as error:
        raise ParseError(f"expected a number, or lists of numbers; {error}") from None


def _numbers(value: object, place: str) -> Any:
    if isinstance(value, list) and len(place) < MOST_AXES:
        return [_numbers(each, f"{place}[") for each in value]
    if not isinstance(value, int | float):
        raise ParseError("expected numbers, or lists of numbers")
    return value


def _axis_of(text: str) -> int:
    return schema.parse_json(_value(text, "axis"), _AXIS)


def _axes(text: str) -> tuple[int, ...]:
    return tuple(schema.parse_json(_value(text, "axes"), schema.array(_AXIS)))


def _value(text: str, name: str) -> str:
    match = re.fullmatch(rf"{name}=(\[[^\]]*\]|\d+)(?: reverse)?", text)
    if match is None:
        raise ParseError(f"expected {name}=...")
    return match[1]


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
        text, divisor = quotient[1], _whole(quotient[2], 1)
    text, _, size = text.partition("{")
    found = [(_whole(i, 0), _whole(c or "1", 0), sign) for sign, c, i in _TERM.findall(text)]
    terms = tuple((i, -c if sign == "-" else c) for i, c, sign in found)
    rest = _TERM.sub("", text).lstrip("+")
    offset: Dim = parse_dim(size.rstrip("}") or rest) if size or rest else 0
    return AxisMap(offset, terms, divisor, guarded)


def _whole(text: str, least: int) -> int:
    return schema.parse_json(text, schema.integer(least))
