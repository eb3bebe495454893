"""A small language for rules about ops: a pattern is a tree of records, a rule a pattern and what to build instead.

    Rule("log1p", Apply(log, Apply(add, Value(1), Var("x"))), lambda m: m.apply(log1p, m["x"]), "why it is safe")

``Var`` matches any node and, named twice, the same node twice; ``Value`` a node known to be one number everywhere;
``Apply`` an elementwise op, trying both orders of a commutative one. The front end writes rules, since only it knows
what its ops mean; the compiler applies them without asking for an op's name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from graphad.compiler.ir.make import beneath_waits, full, mapped, uniform
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import MapOp


@dataclass(frozen=True, slots=True)
class Var:
    """Any node; the same name is the same node."""

    name: str


@dataclass(frozen=True, slots=True)
class Value:
    """A node whose elements are all one known number: ``want`` is the number, or a test of it."""

    want: float | Callable[[Any], bool]
    name: str = ""

    def accepts(self, found: Any) -> bool:
        """Whether a NumPy scalar is wanted; -0.0 counts as 0."""
        return bool(self.want(found) if callable(self.want) else found == self.want)


class Apply:
    """An elementwise op applied to patterns."""

    __slots__ = ("args", "op")

    def __init__(self, op: MapOp, *args: "Pattern") -> None:
        self.op = op
        self.args = args


Pattern: TypeAlias = Var | Value | Apply


@dataclass(frozen=True, slots=True)
class Match:
    """What a pattern has found: nodes by name, and the ways to build the replacement."""

    root: Node
    found: Mapping[str, Node]

    def __getitem__(self, name: str) -> Node:
        return self.found[name]

    def value(self, name: str) -> Any:
        """The number a ``Value`` has found, as a NumPy scalar."""
        return uniform(self.found[name])

    def full(self, value: Any) -> Node:
        """One number everywhere, of the root's type."""
        return full(value, self.root.type, self.root.site)

    def apply(self, op: MapOp, *operands: Node) -> Node:
        """An elementwise op, on the root's line."""
        return mapped(op, *operands, site=self.root.site)


@dataclass(frozen=True, slots=True)
class Rule:
    """``pattern -> build(match)`` where ``when(match)`` holds; ``why`` says what makes it safe."""

    name: str
    pattern: Apply
    build: Callable[[Match], Node]
    why: str
    when: Callable[[Match], bool] = field(default=lambda m: True)
    needs: frozenset[MapOp] = field(init=False, repr=False, compare=False)  # ops of operands, without which no match

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", frozenset(a.op for a in self.pattern.args if isinstance(a, Apply)))


Group: TypeAlias = Literal["simplify", "fast_math", "stabilise"]
_RULES: Final[dict[Group, dict[MapOp, list[Rule]]]] = {"simplify": {}, "fast_math": {}, "stabilise": {}}


def declare(group: Group, rules: Sequence[Rule]) -> None:
    """Hands rules over to a pass; the front end does so when it is imported."""
    for rule in rules:
        _RULES[group].setdefault(rule.pattern.op, []).append(rule)


def declared(group: Group) -> tuple[Rule, ...]:
    """All rules of a group, in the order of declaration by op."""
    return tuple(rule for rules in _RULES[group].values() for rule in rules)


def apply_declared(group: Group, x: Node) -> Node | None:
    """What the first rule of the group that matches ``x`` builds, or None."""
    rules = _RULES[group].get(x.op) if isinstance(x.op, MapOp) else None
    if rules is None:
        return None
    ops = [o.op for o in x.operands]
    for rule in rules:
        if not rule.needs.issubset(ops):
            continue
        for found in match(rule.pattern, x, {}):
            m = Match(x, found)
            if rule.when(m):
                return rule.build(m)
    return None


def match(pattern: Pattern, x: Node, found: Mapping[str, Node]) -> Iterator[Mapping[str, Node]]:
    """Every way in which ``x`` fits, as the nodes of the names. As deep as the pattern, never as the graph."""
    match pattern:
        case Var(name):
            if name not in found:
                yield {**found, name: x}
            elif found[name] is x:
                yield found
        case Value(name=name):
            value = uniform(x)
            if value is not None and pattern.accepts(value):
                yield {**found, name: x} if name else found
        case Apply():
            x = beneath_waits(x)
            if x.op is pattern.op:
                yield from _match_all(pattern.args, x.operands, found)
                if pattern.op.commutative:
                    yield from _match_all(pattern.args, x.operands[::-1], found)


def _match_all(
    patterns: Sequence[Pattern], nodes: Sequence[Node], found: Mapping[str, Node]
) -> Iterator[Mapping[str, Node]]:
    if not patterns:
        yield found
        return
    for first in match(patterns[0], nodes[0], found):
        yield from _match_all(patterns[1:], nodes[1:], first)
