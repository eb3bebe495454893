"""Decisions -> tree. Runs of one-factor sweeps become one sweep, as far as its tapes fit."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from graphad.chain.nodes import (
    AccumulateAdjoint,
    AccumulateStructure,
    AccumulateTangent,
    Bracketing,
    Given,
    Multiply,
    PullAdjoint,
    PushTangent,
)
from graphad.chain.problem import Problem
from graphad.chain.recurrence import PULL, PUSH, Choices

State: TypeAlias = tuple[int, int, int]  # factors i..j, counted from 0, on t threads
Decide: TypeAlias = Callable[[State], tuple[int, int]]  # the last step, and the threads of its left operand (0: all t)
Shares: TypeAlias = dict[Bracketing, int]  # for products: the threads of the left operand; 0: one after the other


def tree(problem: Problem, table: Choices) -> Bracketing:
    """The bracketing that a table of last steps stands for."""
    root, _ = rebuild(problem, lambda state: (int(table[state[0], state[1]]), 0))
    return root


def rebuild(problem: Problem, decide: Decide, threads: int = 1) -> tuple[Bracketing, Shares]:
    """The tree of the whole chain, and how its products share the threads out."""
    done: list[Bracketing] = []
    shares: Shares = {}
    for i, j, last, share in reversed(list(_outermost_first(problem, decide, threads))):
        if i == j:
            done.append(_leaf(problem, i))
        elif last == PUSH:
            done.append(_push(problem, done.pop(), j))
        elif last == PULL:
            done.append(_pull(problem, done.pop(), i))
        else:
            left, right = done.pop(), done.pop()
            done.append(_product(left, right))
            shares[done[-1]] = share
    return done.pop(), shares


def _outermost_first(problem: Problem, decide: Decide, threads: int) -> Iterator[tuple[int, int, int, int]]:
    """Every sub-chain of the tree with its last step: a step, then all of its left operand, then its right one."""
    waiting: list[State] = [(0, len(problem) - 1, threads)]
    while waiting:
        i, j, t = state = waiting.pop()
        last, share = decide(state) if i < j else (0, 0)
        yield i, j, last, share
        if i == j:
            continue
        if last == PUSH:
            waiting.append((i, j - 1, t))
        elif last == PULL:
            waiting.append((i + 1, j, t))
        else:
            waiting.append((i, last, t - share))
            waiting.append((last + 1, j, share or t))


def _leaf(problem: Problem, k: int) -> Bracketing:
    factor, cost = problem.factors[k], problem.start[k]
    place = (k + 1, k + 1, factor.rows, factor.columns)
    if factor.given:
        return Given(*place, 0, 0)
    if problem.by_structure[k]:
        return AccumulateStructure(*place, cost, cost)
    if problem.by_adjoint[k]:
        return AccumulateAdjoint(*place, cost, cost, problem.tapes[k])
    return AccumulateTangent(*place, cost, cost)


def _product(left: Bracketing, right: Bracketing) -> Bracketing:
    own = left.rows * left.columns * right.columns
    return Multiply(right.first, left.last, left.rows, right.columns, own, own + left.cost + right.cost, left, right)


def _push(problem: Problem, operand: Bracketing, j: int) -> Bracketing:
    own = operand.columns * (problem.push[j] or 0)
    if isinstance(operand, PushTangent):
        own, operand = own + operand.own, operand.operand
    return PushTangent(operand.first, j + 1, problem.rows[j], operand.columns, own, own + operand.cost, operand)


def _pull(problem: Problem, operand: Bracketing, i: int) -> Bracketing:
    own, tape = operand.rows * (problem.pull[i] or 0), problem.tapes[i]
    if isinstance(operand, PullAdjoint) and problem.fits(tape + operand.tape):
        own, tape, operand = own + operand.own, tape + operand.tape, operand.operand
    return PullAdjoint(i + 1, operand.last, operand.rows, problem.columns[i], own, own + operand.cost, operand, tape)
