"""Identities that keep the numbers."""

from collections.abc import Callable
from functools import partial
from typing import Final

from graphad.compiler.ir import kinds as k
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.pattern import apply_declared
from graphad.compiler.ir.rewrite import Rule, rewrite
from graphad.compiler.passes.fold_constants import fold_node
from graphad.compiler.passes.rules import joins, maps, placed, products, reductions, views

_BY_KIND: Final[dict[type, tuple[Rule, ...]]] = {
    k.Map: (
        fold_node,
        maps.identity_of_op,
        maps.cast_to_itself,
        maps.cast_of_cast,
        partial(apply_declared, "simplify"),
        placed.sum_of_placed,
    ),
    k.View: (
        views.view_of_anything,
        views.reshape_rules,
        views.view_of_view,
        views.view_of_index,
        joins.slice_of_join,
        fold_node,
    ),
    k.Join: (joins.join_of_few, joins.join_of_slices, placed.join_of_placed, fold_node),
    k.Fold: (views.fold_of_permutation,),
    k.Reduce: (
        reductions.reduce_over_units,
        reductions.reduce_of_reduce,
        reductions.reduce_of_broadcast,
        reductions.reduce_of_reshape,
    ),
    k.Scan: (reductions.scan_of_one,),
    k.Contract: (products.contract_of_permuted,),
}

_FAST: Final[dict[type, tuple[Rule, ...]]] = {
    k.Map: (partial(apply_declared, "fast_math"),),
    k.Reduce: (reductions.merge_reductions,),
}


def simplify(graph: Graph, fast_math: bool = False) -> Graph:
    """Identities, until none applies.

        %1: float32[] = constant 1.0
        %2: float32[4] = view(%1)[]               return %0
        %3: float32[4] = multiply(%0, %2)    ->
        return %3

    Each rule says why it holds for NaN, infinities and -0.0: those by kind in ``passes/rules``, those about an op in
    its record and in the front end's rules. With ``fast_math`` those of real numbers are used too (x*0 = 0, x-x = 0).

    Relies on nothing: it folds the constants that its own rules bring together. Leaves equal nodes to cse.
    Within a few ulp.
    """
    return products.permuted_contracts(rewrite(graph, (identity, fast_identity) if fast_math else (identity,)))


def identity(x: Node) -> Node | None:
    """What a node equals by one float-safe rule of its kind, or None."""
    return _first(_BY_KIND, x)


def fast_identity(x: Node) -> Node | None:
    """What a node equals by one rule of real numbers, or None."""
    return _first(_FAST, x)


def _first(table: dict[type, tuple[Callable[[Node], Node | None], ...]], x: Node) -> Node | None:
    for rule in table.get(type(x.kind), ()):
        new = rule(x)
        if new is not None:
            return new
    return None
