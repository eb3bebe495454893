"""The bracketing in one line, its steps and its rivals as a table."""

from collections.abc import Sequence

from graphad.chain.nodes import (
    AccumulateAdjoint,
    AccumulateStructure,
    AccumulateTangent,
    Bracketing,
    Given,
    Multiply,
    PullAdjoint,
    PushTangent,
    steps,
)

LEGEND = """\
F2'         the Jacobian of F2 as a matrix
A B         a product of matrices; B is computed from the inputs' side
F2 -> A     the columns of A as tangents through the program F2
A <- F1     the rows of A as adjoints through the program F1"""

SHOWN = 40  # steps


def line(root: Bracketing) -> str:
    """Such as ``F3' (F2' <- F1)``: the outermost factor on the left, as in a product of Jacobians."""
    text: dict[Bracketing, str] = {}
    for step in steps(root):
        match step:
            case Multiply():
                text[step] = f"{_operand(text, step.left)} {_operand(text, step.right)}"
            case PushTangent():
                text[step] = f"{_programs(step.through[::-1])} -> {_operand(text, step.operand)}"
            case PullAdjoint():
                text[step] = f"{_operand(text, step.operand)} <- {_programs(step.through)}"
            case _:
                text[step] = f"F{step.first}'"
        for child in step.children:
            del text[child]  # a long chain's intermediate texts would take quadratic space
    return text[root]


def describe(step: Bracketing) -> str:
    """What a step does, in words."""
    match step:
        case Given():
            return f"F{step.first}' is given"
        case AccumulateTangent():
            return f"F{step.first}' by {_count(step.columns, 'tangent')}"
        case AccumulateAdjoint():
            return f"F{step.first}' by {_count(step.rows, 'adjoint')}, tape {step.tape}"
        case AccumulateStructure():
            return f"F{step.first}' by its structure"
        case Multiply():
            inner = step.left.columns
            return f"{_place(step)}: {step.rows} x {inner} times {inner} x {step.columns}"
        case PushTangent():
            return f"{_place(step)}: {_count(step.columns, 'tangent')} through {_programs(step.through)}"
        case PullAdjoint():
            return f"{_place(step)}: {_count(step.rows, 'adjoint')} through {_programs(step.through)}, tape {step.tape}"


def report(root: Bracketing, rivals: Sequence[tuple[str, int, str]]) -> str:
    """The line, its steps with what each costs, the rivals' costs, and the legend."""
    done = [step for step in steps(root) if not isinstance(step, Given)]
    width = max(len(str(cost)) for cost in (root.cost, *(cost for _, cost, _ in rivals)))
    table = [f"{step.own:{width + 2}}  {describe(step)}" for step in done[:SHOWN]]
    if len(done) > SHOWN:
        table.append(f"{'':{width + 2}}  and {len(done) - SHOWN} more steps")
    costs = [f"{cost:{width + 2}}  {name}{note}" for name, cost, note in (("in all", root.cost, ""), *rivals)]
    return "\n".join((line(root), *table, *costs, LEGEND))


def _operand(text: dict[Bracketing, str], step: Bracketing) -> str:
    return f"({text[step]})" if step.children else text[step]


def _programs(numbers: range) -> str:
    if len(numbers) > 3:
        return f"F{numbers[0]}..F{numbers[-1]}"
    return " ".join(f"F{k}" for k in numbers)


def _place(step: Bracketing) -> str:
    return f"F{step.last}..F{step.first}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
