"""What an index is made of leaves a loop only where it is the same in each iteration."""

import pytest

from graphad.compiler.ir.size import symbol
from graphad.compiler.loops.emit import body_text
from graphad.compiler.loops.hoist import hoist_indices
from graphad.compiler.loops.ir import (
    Assign,
    Element,
    Expr,
    For,
    Kernel,
    Let,
    Lit,
    Load,
    Parameter,
    Prim,
    Put,
    Ref,
    Registers,
    Stmt,
    Store,
)

BUFFERS = [Parameter("x0", "float32"), Parameter("i1", "int64"), Parameter("y2", "float32")]
ONE = Lit(1, "int64")


def hoisted(before: list[Stmt], body: list[Stmt]) -> str:
    kernel = Kernel("rows", BUFFERS, [], [*before, For("k0", 0, 8, body)])
    hoist_indices(kernel)
    return body_text(kernel)


def written(value: Expr, *after: Stmt) -> list[Stmt]:
    place = symbol("j0")
    return [Let("j0", value), Store("y2", symbol("k0"), Load("x0", place, "float32")), *after]


def test_an_index_of_the_row_leaves() -> None:
    text = hoisted([], written(Load("i1", 3, "int64")))
    assert text.index("j0 =") < text.index("for k0")


@pytest.mark.parametrize(
    ("before", "body"),
    [
        ([], written(Load("i1", symbol("k0"), "int64"))),
        (
            [Let("acc0", Lit(0, "int64"), True)],
            written(Ref("acc0", "int64"), Assign("acc0", Prim("add", (Ref("acc0", "int64"), ONE), "int64"))),
        ),
        (
            [Registers("acc0", (1,), Lit(0, "int64"))],
            written(
                Element("acc0", (0,), "int64"),
                Put("acc0", (0,), Prim("add", (Element("acc0", (0,), "int64"), ONE), "int64")),
            ),
        ),
        ([], written(Load("y2", 0, "int64"))),
    ],
    ids=["the loop's variable", "a scalar that changes", "a register that changes", "what is written"],
)
def test_what_changes_stays(before: list[Stmt], body: list[Stmt]) -> None:
    text = hoisted(before, body)
    assert text.index("for k0") < text.index("j0 =")
