"""The matrix-product kernel that contractions call: C += A B on strided A, row-major B and C.

Four rows of C and four of B at a time: each element of B that is loaded serves four rows, and C is loaded and stored
once for four products. The loop over columns is the one that vectorises; blocks of columns keep the eight rows in the
first-level cache, blocks of the inner axis keep B's block in the second.
"""

from functools import cache

from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.ir import At, Expr, For, Kernel, Let, Load, Parameter, Prim, Ref, Stmt, Store

ROWS = 4
STEPS = 4
COLUMNS = 1024
DEPTH = 256


@cache
def gemm(dtype: str, strict: bool = False) -> Kernel:
    """``gemm(c, a, b, rows, columns, depth, ldc, a_row, a_step, ldb)``: strides in elements."""
    scalars = ["rows", "columns", "depth", "ldc", "a_row", "a_step", "ldb"]
    kernel = Kernel(f"gemm_{dtype}", [Parameter(n, dtype) for n in "cab"], scalars, [], strict=strict)
    s = {n: symbol(n) for n in scalars}
    inner: list[Stmt] = [
        Let("columns_end", _least(symbol("j0") + COLUMNS, s["columns"])),
        For("p0", 0, s["depth"], [Let("depth_end", _least(symbol("p0") + DEPTH, s["depth"])), *_panel(dtype)], DEPTH),
    ]
    kernel.body = [For("j0", 0, s["columns"], inner, COLUMNS)]
    return kernel


def _least(a: Dim, b: Dim) -> Prim:
    return Prim("select", (Prim("lt", (At(a), At(b)), "bool"), At(a), At(b)), "int64")


def _panel(dtype: str) -> list[Stmt]:
    """All rows over one block of columns and depth: fours, then single rows."""
    whole = [
        Let("rows_end", At(symbol("rows") // ROWS * ROWS)),
        Let("p_end", At(symbol("p0") + (symbol("depth_end") - symbol("p0")) // STEPS * STEPS)),
    ]
    fours = For("i", 0, symbol("rows_end"), _tiles("p", ROWS, dtype), ROWS)
    singles = For("r", symbol("rows_end"), symbol("rows"), _tiles("s", 1, dtype, row="r"))
    return [*whole, fours, singles]


def _tiles(stem: str, rows: int, dtype: str, row: str = "i") -> list[Stmt]:
    p, q = stem, f"{stem}1"
    return [
        For(p, symbol("p0"), symbol("p_end"), _tile(row, p, rows, STEPS, dtype), STEPS),
        For(q, symbol("p_end"), symbol("depth_end"), _tile(row, q, rows, 1, dtype)),
    ]


def _tile(row: str, p: str, rows: int, steps: int, dtype: str) -> list[Stmt]:
    """rows x steps products for every column of the block."""
    i, k = symbol(row), symbol(p)
    tag = f"{rows}{steps}"
    out: list[Stmt] = []
    for r in range(rows):
        for u in range(steps):
            place = _sum((i + r) * symbol("a_row"), (k + u) * symbol("a_step"))
            out.append(Let(f"a{tag}_{r}{u}", Load("a", place, dtype)))
    j = f"j{tag}"
    body: list[Stmt] = []
    column = symbol(j)
    for u in range(steps):
        body.append(Let(f"b{tag}_{u}", Load("b", _sum((k + u) * symbol("ldb"), column), dtype)))
    for r in range(rows):
        place = _sum((i + r) * symbol("ldc"), column)
        total: Expr = Load("c", place, dtype)
        for u in range(steps):
            product = Prim("mul", (Ref(f"a{tag}_{r}{u}", dtype), Ref(f"b{tag}_{u}", dtype)), dtype)
            total = Prim("add", (total, product), dtype)
        body.append(Store("c", place, total))
    out.append(For(j, symbol("j0"), symbol("columns_end"), body, 1, "vector"))
    return out


def _sum(a: Dim, b: Dim) -> Dim:
    return a + b


__all__ = ["gemm"]
