"""The transforms of F(4x4, 3x3), along one axis: B^T d, G g and A^T m of Lavin and Gray, arXiv 1509.09308."""

from collections.abc import Callable, Sequence

from graphad.compiler.loops.ir import Expr, Lit, Prim


def of_inputs(d: Sequence[Expr]) -> list[Expr]:
    """B^T d, where rows 1 and 2, and 3 and 4, share their even and odd parts."""
    add, sub, scale = _arithmetic(d[0].dtype)
    even, odd = sub(d[4], scale(4, d[2])), sub(d[3], scale(4, d[1]))
    far, farther = sub(d[4], d[2]), scale(2, sub(d[3], d[1]))
    return [
        add(sub(scale(4, d[0]), scale(5, d[2])), d[4]),
        add(even, odd),
        sub(even, odd),
        add(far, farther),
        sub(far, farther),
        add(sub(scale(4, d[1]), scale(5, d[3])), d[5]),
    ]


def of_weights(g: Sequence[Expr]) -> list[Expr]:
    """G g."""
    add, sub, scale = _arithmetic(g[0].dtype)
    ends, outer = add(g[0], g[2]), add(scale(1 / 24, g[0]), scale(1 / 6, g[2]))
    return [
        scale(1 / 4, g[0]),
        scale(-1 / 6, add(ends, g[1])),
        scale(-1 / 6, sub(ends, g[1])),
        add(outer, scale(1 / 12, g[1])),
        sub(outer, scale(1 / 12, g[1])),
        g[2],
    ]


def of_outputs(m: Sequence[Expr]) -> list[Expr]:
    """A^T m."""
    add, sub, scale = _arithmetic(m[0].dtype)
    near, across, far, farther = add(m[1], m[2]), sub(m[1], m[2]), add(m[3], m[4]), sub(m[3], m[4])
    return [
        add(add(m[0], near), far),
        add(across, scale(2, farther)),
        add(near, scale(4, far)),
        add(add(across, scale(8, farther)), m[5]),
    ]


Two = Callable[[Expr, Expr], Expr]


def _arithmetic(dtype: str) -> tuple[Two, Two, Callable[[float, Expr], Expr]]:
    def add(a: Expr, b: Expr) -> Expr:
        return Prim("add", (a, b), dtype)

    def sub(a: Expr, b: Expr) -> Expr:
        return Prim("sub", (a, b), dtype)

    def scale(factor: float, a: Expr) -> Expr:
        return Prim("mul", (Lit(factor, dtype), a), dtype)

    return add, sub, scale
