"""Writes docs/ops.md from the registry: python -m docs.generate_ops"""

import inspect
from pathlib import Path
from types import ModuleType

from graphad.ops import (
    arithmetic,
    contraction,
    creation,
    exponential,
    hyperbolic,
    indexing,
    reductions,
    shape,
    trigonometric,
)
from graphad.ops.describe import expression
from graphad.ops.record import Elementwise, Prefix, Reduction

PAGE = Path(__file__).with_name("ops.md")
FAMILIES = (arithmetic, exponential, trigonometric, hyperbolic, reductions, contraction, shape, indexing, creation)
HEAD = """\
# Ops

Generated from the ops' records by `python -m docs.generate_ops`. Names are those of the Array API, where it has one.
Every function is also reached through NumPy's: `np.sin(x)` on a tensor is `ga.sin(x)`.

What an op computes is the scalar expression that every target emits, with `x`, `y`, `z` its operands. Where there is no
derivative, nothing passes to the operands.
"""


def page() -> str:
    """The page's text."""
    return "\n".join([HEAD, *(_family(module) for module in FAMILIES)])


def _family(module: ModuleType) -> str:
    title = module.__name__.rpartition(".")[2]
    lines = [f"## {title}", "", (module.__doc__ or "").splitlines()[0], ""]
    found = [(name, getattr(module, name)) for name in module.__all__]
    records = [(n, op) for n, op in found if isinstance(op, Elementwise | Reduction | Prefix)]
    if records:
        lines += ["| op | computes | takes | derivative |", "| --- | --- | --- | --- |"]
        lines += [f"| `{name}` | {_computes(op)} | {_takes(op)} | {_derivative(op)} |" for name, op in records]
        lines.append("")
    functions = [(n, f) for n, f in found if inspect.isfunction(f)]
    if functions:
        lines += ["| function | |", "| --- | --- |"]
        lines += [f"| `{name}{_arguments(f)}` | {_first_line(f)} |" for name, f in functions]
        lines.append("")
    return "\n".join(lines)


def _computes(op: Elementwise | Reduction | Prefix) -> str:
    if isinstance(op, Elementwise):
        return f"`{expression(op.scalar)}`".replace("|", "\\|")
    return f"{op.monoid.name} over axes" if isinstance(op, Reduction) else f"all prefixes by {op.monoid.name}"


def _takes(op: Elementwise | Reduction | Prefix) -> str:
    return "number" if isinstance(op, Prefix) else op.takes


def _derivative(op: Elementwise | Reduction | Prefix) -> str:
    has = {Elementwise: "partials", Reduction: "weights", Prefix: "jvp"}[type(op)]
    linear = isinstance(op, Reduction) and op.monoid.name == "sum"
    return "yes" if linear or getattr(op, has) is not None else "none"


def _arguments(function: object) -> str:
    names = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return f"({', '.join(str(p).partition(':')[0].partition('=')[0].strip() for p in names)})"


def _first_line(function: object) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0].replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
