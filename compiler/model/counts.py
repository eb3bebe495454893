"""Operations of one node by itself, exactly: what is counted whatever machine it is for."""

from collections.abc import Iterable, Mapping

from graphad.compiler.interpret import number
from graphad.compiler.ir.kinds import Contract, Fold, Map, Reduce, Scan, Scatter
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.scalar import Apply, Cast, Scalar, count_flops
from graphad.compiler.ir.size import Dim


def node_flops(node: Node, sizes: Mapping[str, int]) -> int:
    """The arithmetic operations of one node.

    >>> from graphad.compiler.ir.text import parse
    >>> text = '%0: float32[N,3] = input "x"\\n%1: float32[N] = sum(%0) axes=[1]\\nreturn %1'
    >>> node_flops(parse(text).outputs[0], {"N": 10})
    30
    """
    match node.kind:
        case Contract():
            return 2 * products(node, sizes)
        case Map(scalar=scalar):
            return count_flops(scalar) * elements(node, sizes)
        case Reduce() | Scan() | Fold():
            return elements(node.operands[0], sizes)
        case Scatter():
            return elements(node.operands[1], sizes)
        case _:
            return 0


def node_multiplications(node: Node, sizes: Mapping[str, int]) -> int:
    """The multiplications of one node: those of its scalar expression at each element, M N K for a contraction of
    M x K with K x N, one an element taken in for a product over axes. Divisions and powers are not among them.
    """
    match node.kind:
        case Contract():
            return products(node, sizes)
        case Map(scalar=scalar):
            each = count_primitive(scalar, "mul")
            return each * elements(node, sizes) if each else 0
        case Reduce(monoid=monoid) | Scan(monoid=monoid) if monoid.name == "prod":
            return elements(node.operands[0], sizes)
        case _:
            return 0


def products(node: Node, sizes: Mapping[str, int]) -> int:
    """The scalar products that a contraction sums: all its letters' extents multiplied."""
    assert isinstance(node.kind, Contract)
    extents: dict[str, Dim] = {}
    for letters, x in zip((node.kind.left, node.kind.right), node.operands, strict=True):
        extents |= dict(zip(letters, x.type.shape, strict=True))
    return extent(extents.values(), sizes)


def elements(node: Node, sizes: Mapping[str, int]) -> int:
    """How many elements a node has."""
    return extent(node.type.shape, sizes)


def extent(dims: Iterable[Dim], sizes: Mapping[str, int]) -> int:
    """The product of sizes as a number: number by number, which is faster than polynomials."""
    total = 1
    for d in dims:
        total *= d if isinstance(d, int) else number(d, sizes)
    return total


def count(nodes: Iterable[Node], sizes: Mapping[str, int] | None = None) -> int:
    """Multiplications of nodes, each once, as they are written: of a graph before simplify, cse and fusion.

    Errors: GraphError for a symbolic size that is not among ``sizes``.

    >>> from graphad.compiler.ir.text import parse
    >>> text = '%0: float32[4,5] = input "x"\\n%1: float32[4,4] = contract(%0, %0)[ab,cb->ac]\\nreturn %1'
    >>> count(parse(text).nodes)
    80
    """
    return sum(node_multiplications(n, sizes or {}) for n in nodes)


def count_primitive(scalar: Scalar, name: str) -> int:
    """How often a primitive stands in an expression."""
    match scalar:
        case Apply(primitive, args):
            return (primitive == name) + sum(count_primitive(a, name) for a in args)
        case Cast(_, arg):
            return count_primitive(arg, name)
        case _:
            return 0
