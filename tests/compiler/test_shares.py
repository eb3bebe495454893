"""Shared loops are cut in blocks whose bounds are the program's, where a target could mix iterations."""

from graphad.compiler.ir.size import symbol
from graphad.compiler.loops.emit import body_text
from graphad.compiler.loops.ir import Assign, For, Kernel, Let, Lit, Load, Parameter, Prim, Ref, Stmt, Store
from graphad.compiler.loops.shares import WORK, rows_of_block, trips
from tests.networks import check


def row_sums(columns: int | str, reassociate: bool = True) -> Kernel:
    """Rows added up, by a loop whose iterations are shared."""
    extent = symbol(columns) if isinstance(columns, str) else columns
    place = symbol("i") * extent + symbol("k")
    taken = Prim("add", (Ref("acc", "float32"), Load("x", place, "float32")), "float32")
    body: list[Stmt] = [
        Let("acc", Lit(0.0, "float32"), mutable=True),
        For("k", 0, extent, [Assign("acc", taken)]),
        Store("y", symbol("i"), Ref("acc", "float32")),
    ]
    buffers = [Parameter("x", "float32"), Parameter("y", "float32")]
    return Kernel("sums", buffers, ["n"], [For("i", 0, symbol("n"), body, mark="parallel")], reassociate)


def shared(kernel: Kernel) -> For:
    (loop,) = kernel.body
    assert isinstance(loop, For)
    return loop


def test_sums_are_shared_in_blocks() -> None:
    kernel = row_sums(4)
    assert trips(shared(kernel).body) == 5
    rows = rows_of_block(shared(kernel))
    assert rows % 64 == 0
    assert rows * 5 >= WORK
    head, stop, inner, *_ = body_text(kernel).splitlines()
    assert head == (
        f"    for i_block in range(share(((n+{rows - 1})//{rows}), part, parts, 1), "
        f"share(((n+{rows - 1})//{rows}), part + 1, parts, 1)):"
    )
    assert stop == f"        i_stop = minimum(({rows}*i_block+{rows}), n)"
    assert inner == f"        for i in range({rows}*i_block, i_stop):"


def test_rows_that_no_target_writes_out_are_shared_one_by_one() -> None:
    for columns in (WORK, "m"):
        assert rows_of_block(shared(row_sums(columns))) == 1
        assert body_text(row_sums(columns)).startswith("    for i in range(share(n, part, parts, 1),")


def test_what_keeps_its_order_needs_no_blocks() -> None:
    assert body_text(row_sums(4, reassociate=False)).startswith("    for i in range(share(n, part, parts, 64),")


def test_a_kernel_that_one_thread_runs_has_all_of_its_loops() -> None:
    """A share of a loop of one iteration is the last thread's, which does not run such a kernel."""
    kernel = row_sums(4)
    assert "share(" in body_text(kernel)
    kernel.parallel = False
    assert "share(" not in body_text(kernel)


def test_a_network_of_one_channel_on_several_threads() -> None:
    for seed in (855666013, 855665970):
        check(seed)
