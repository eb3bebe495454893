"""Every op for every dtype it takes is translated directly: no program waits for Numba."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.ir.op import registered
from graphad.nn import functional
from graphad.ops.record import Elementwise, Prefix, Reduction
from graphad.runtime import native

DTYPES = ("bool", "int32", "int64", "float32", "float64")
Leaf = Callable[[str], ga.Tensor]


def results(dtype: str, leaf: Leaf) -> Iterator[ga.Tensor]:
    """What there is of ops on (N, 3, 6) tensors of a dtype; those that refuse the dtype are left out."""
    x, y = leaf(dtype), leaf(dtype)
    for op in registered():
        try:
            match op:
                case Elementwise(name="where"):
                    yield op(leaf("bool"), x, y)
                case Elementwise():
                    yield op(*(x, y, x)[: op.arity])
                case Reduction():
                    yield from (op(x, axis=axis) for axis in (0, 1, 2, (1, 2), None))
                case Prefix():
                    yield from (op(x, axis=axis) for axis in (0, 2))
        except ga.DTypeError:
            pass
    yield from (ga.astype(x, other) for other in DTYPES)
    yield from (ga.flip(x, axis=2), ga.pad(x, 1), ga.concat([x, y], axis=1), ga.permute_dims(x, (2, 0, 1)))
    yield from (ga.take(x, ga.constant(np.array([0, 2, 1])), axis=2), ga.one_hot(ga.astype(x, "int64"), 5))
    yield ga.indexing.scatter_add(ga.constant(np.array([0, 1, 1])), ga.permute_dims(x, (1, 0, 2)), 0, 4)
    if dtype != "bool":
        yield from (x @ ga.matrix_transpose(y), x @ ga.ones((6, 4), dtype=dtype), ga.einsum("nij,nik->jk", x, y))


def plain(leaves: list[ga.Tensor]) -> Leaf:
    """Inputs."""

    def leaf(dtype: str) -> ga.Tensor:
        leaves.append(ga.input(f"x{len(leaves)}", ("N", 3, 6), dtype=dtype))
        return leaves[-1]

    return leaf


def convolved(leaves: list[ga.Tensor]) -> Leaf:
    """Convolutions, cast: all that follows goes into the lanes of examples with them."""

    def leaf(dtype: str) -> ga.Tensor:
        own = "float64" if dtype == "float64" else "float32"
        x, w = (ga.input(f"x{len(leaves) + k}", s, dtype=own) for k, s in enumerate((("N", 3, 8), (3, 3, 3))))
        leaves.extend((x, w))
        return ga.astype(functional.conv1d(x, w), dtype)

    return leaf


@pytest.mark.parametrize("leaves_of", [plain, convolved])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_op_is_translated(dtype: str, leaves_of: Callable[[list[ga.Tensor]], Leaf]) -> None:
    leaves: list[ga.Tensor] = []
    outputs = list(results(dtype, leaves_of(leaves)))
    f = ga.compile(leaves, outputs)
    for batch in (2, 9):
        made = list(native.units(f._specializer.compiled({"N": batch}).built.program))  # raises where it knows no way
        assert not native.missing(native._outside(made))


@pytest.mark.parametrize("batch", [2, 9])
def test_integers_beside_a_convolution(batch: int) -> None:
    """Powers, and extremes, whose start is the least integer."""
    x, w = ga.input("x", ("N", 2, 9), dtype="float64"), ga.input("w", (3, 2, 3), dtype="float64")
    h = ga.astype(functional.conv1d(x, w), "int64")
    outputs = [
        h**3,
        abs(h) ** abs(h)[:, :1],
        ga.max(h, axis=2),
        ga.argmax(h, axis=1),
        ga.min(h),
        ga.max(h, axis=(1, 2)),
    ]
    rng = np.random.default_rng(5)
    args = [rng.integers(-3, 4, s).astype(float) for s in ((batch, 2, 9), (3, 2, 3))]
    for found, wanted in zip(
        ga.compile([x, w], outputs)(*args), ga.evaluate(outputs, {x: args[0], w: args[1]}), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
