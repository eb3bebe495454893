"""The driver of local rules: it ends, goes deep, and refuses a rule that changes a type."""

import pytest

import graphad as ga
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.make import mapped
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.rewrite import rewrite
from graphad.compiler.passes.cse import cse
from graphad.compiler.passes.fold_constants import fold_constants
from graphad.compiler.passes.simplify import simplify
from graphad.compiler.passes.stabilise import stabilise

DEPTH = 20_000


def sine_to_cosine(x: Node) -> Node | None:
    return mapped(ga.cos, x.operands[0]) if x.op is ga.sin else None


def cosine_to_sine(x: Node) -> Node | None:
    return mapped(ga.sin, x.operands[0]) if x.op is ga.cos else None


def sine_around_itself(x: Node) -> Node | None:
    return mapped(ga.sin, mapped(ga.sin, x.operands[0])) if x.op is ga.sin else None


def negation_of_itself(x: Node) -> Node | None:
    return mapped(ga.negative, x) if x.op is ga.sin else None


def chain(depth: int) -> Graph:
    x = ga.input("x", (2,))
    y = x
    for _ in range(depth):
        y = ga.sin(y)
    return Graph((x,), (y,))


def test_rules_apply_everywhere_in_a_deep_chain() -> None:
    after = rewrite(chain(DEPTH), [sine_to_cosine])
    assert [n.op for n in after.nodes].count(ga.cos) == DEPTH


@pytest.mark.parametrize(
    "rules", [(sine_to_cosine, cosine_to_sine), (sine_around_itself,)], ids=["undo each other", "grow"]
)
def test_rules_that_never_settle_end(rules: tuple[object, ...]) -> None:
    after = rewrite(chain(3), rules)  # type: ignore[arg-type]
    assert len(after.nodes) < 10_000


def test_a_rule_may_build_on_the_node_it_replaces() -> None:
    after = rewrite(chain(2), [negation_of_itself])
    assert [n.op.name for n in after.nodes] == ["input", "sin", "negative", "sin", "negative"]


def test_a_rule_that_changes_the_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"changed <sin: float32\[2\]> to <isnan: bool\[2\]>"):
        rewrite(chain(1), [lambda x: mapped(ga.isnan, x.operands[0]) if x.op is ga.sin else None])


def test_a_graph_in_which_nothing_matches_is_the_graph_itself() -> None:
    graph = chain(5)
    assert rewrite(graph, [cosine_to_sine]) is graph


@pytest.mark.parametrize("run", [fold_constants, simplify, stabilise, cse], ids=lambda p: p.__name__)
def test_passes_go_deep(run: object) -> None:
    graph = chain(DEPTH)
    assert len(run(graph).nodes) == len(graph.nodes)  # type: ignore[operator]
