"""Contractions: letters in every role and order, at every size of loop, from operands behind many views."""

import os
import random
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.ir.node import Node
from tests.cpu.oracle import plain, run, same

SMALL = (0, 1, 2, 3, 4, 5, 7, 17, 33)
LARGE = (1, 2, 3, 40, 70, 1030, 2100)
WAYS = ("plain", "plain", "map", "permute", "reshape", "slice", "flip")
ROUNDS = int(os.environ.get("GRAPHAD_TEST_ROUNDS", "2"))
Case = tuple[str, list[ga.Tensor], ga.Tensor, list[np.ndarray]]


class Cases:
    """Random products of two operands, each behind a random view."""

    def __init__(self, seed: int, sizes: tuple[int, ...], letters: int) -> None:
        self.random = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.sizes, self.letters = sizes, letters
        self.count = 0

    def case(self, dtype: str) -> Case:
        pick = self.random
        letters = "abcdef"[: pick.randint(2, self.letters)]
        sizes = {c: pick.choice(self.sizes) for c in letters}
        while np.prod([float(d) for d in sizes.values()]) > 1e6:
            sizes[pick.choice(letters)] = pick.choice((1, 2, 3))
        role = {c: pick.choice(("left", "right", "both", "sum", "sum")) for c in letters}
        left = [c for c in letters if role[c] != "right"]
        right = [c for c in letters if role[c] != "left"]
        out = [c for c in letters if role[c] != "sum"]
        for axes in (left, right, out):
            pick.shuffle(axes)
        x, first = self.operand([sizes[c] for c in left], dtype)
        y, second = self.operand([sizes[c] for c in right], dtype)
        spec = f"{''.join(left)},{''.join(right)}->{''.join(out)}"
        z = ga.einsum(spec, first, second)
        z = pick.choice((z, z, ga.maximum(z, 0) + 1, ga.sum(z * 2)))
        values = [self.rng.integers(-3, 4, size=leaf.shape).astype(dtype) for leaf in (x, y)]
        return f"{spec} {sizes} {dtype}", [x, y], z, values

    def operand(self, shape: list[int], dtype: str) -> tuple[ga.Tensor, ga.Tensor]:
        """A leaf, and a view of it that has ``shape``."""
        leaf, view = self._views(shape)[self.random.choice(WAYS)]
        self.count += 1
        x = ga.input(f"x{self.count}", leaf, dtype)
        return x, view(x)

    def _views(self, shape: list[int]) -> dict[str, tuple[list[int], Any]]:
        order = self.random.sample(range(len(shape)), len(shape))
        there = tuple(order.index(i) for i in range(len(shape)))
        return {
            "plain": (shape, lambda x: x),
            "map": (shape, lambda x: x * x - 1),
            "permute": ([shape[i] for i in order], lambda x: ga.permute_dims(x, there)),
            "reshape": ([int(np.prod(shape))], lambda x: ga.reshape(x, tuple(shape))),
            "slice": ([2 * d for d in shape], lambda x: x[tuple(slice(None, None, 2) for _ in shape)]),
            "flip": (shape, lambda x: ga.flip(x, axis=0) if shape else x),
        }


@pytest.mark.parametrize("convolution", ["auto", "direct"])
@pytest.mark.parametrize(("sizes", "letters"), [(SMALL, 6), (LARGE, 4)], ids=["small", "large"])
def test_random_products(sizes: tuple[int, ...], letters: int, convolution: Any) -> None:
    for seed in range(ROUNDS):
        cases = Cases(seed, sizes, letters)
        made = [cases.case(cases.random.choice(("float32", "float64", "float64", "int64", "int32"))) for _ in range(12)]
        inputs = [x for _, leaves, _, _ in made for x in leaves]
        values = [v for _, _, _, arrays in made for v in arrays]
        wanted = [ga.evaluate(z, dict(zip(leaves, arrays, strict=True))) for _, leaves, z, arrays in made]
        graph = plain(inputs, [z for _, _, z, _ in made])
        given: dict[Node, np.ndarray] = dict(zip(graph.inputs, values, strict=True))
        isa: Any = ("native", "sse", "avx512", "neon")[seed % 4]
        found = run(graph, given, ga.Options(convolution=convolution, isa=isa), threads=1 + seed % 3)
        same(found, wanted, [name for name, *_ in made], rtol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 31, 33, 300])
def test_a_symbolic_letter_in_every_role(n: int) -> None:
    x, y, z = (
        ga.input("x", ("N", 5, 3), "float64"),
        ga.input("y", ("N", 3, 4), "float64"),
        ga.input("z", (3, 7), "float64"),
    )
    specs = ("nab,bc->nac", "nab,bc->can", "nab,nbc->nac", "nab,nbc->ac", "nab,nbc->", "nab,nbc->nca")
    outputs = [ga.einsum(s, x, z if s.startswith("nab,bc") else y) for s in specs]
    outputs += [x[:, 0] @ z, ga.einsum("na,nb->ab", x[:, 1], y[:, :, 2]), ga.einsum("na,ma->nm", x[:, 0], x[:, 1])]
    arrays = [np.random.default_rng(n).normal(size=s) for s in ((n, 5, 3), (n, 3, 4), (3, 7))]
    f = ga.compile([x, y, z], outputs, threads=2)
    reference = ga.compile([x, y, z], outputs, target="numpy")
    same(f(*arrays), reference(*arrays), [*specs, "rows", "summed", "outer"], rtol=1e-11)


def test_the_same_tensor_on_both_sides_and_constants() -> None:
    x = ga.input("x", (20, 20), "float64")
    c = ga.constant(np.arange(400.0).reshape(20, 20))
    outputs = [x @ x, x @ x.T, x.T @ x, c @ x, x @ c, c @ c, (x + 1) @ (x + 1)]
    value = np.random.default_rng(0).normal(size=(20, 20))
    wanted = ga.compile([x], outputs, target="numpy")(value)
    same(ga.compile([x], outputs)(value), wanted, [str(i) for i in range(7)], rtol=1e-10)


@pytest.mark.parametrize("precision", ["default", "strict"])
def test_long_sums_lose_little(precision: Any) -> None:
    """Positive numbers, whose rounding errors would add up if they were summed one by one."""
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(0, 1, (100_000, n)).astype("f4") for n in (7, 20))
    a, b = ga.input("a", x.shape), ga.input("b", y.shape)
    f = ga.compile([a, b], a.T @ b, threads=1, options=ga.Options(precision=precision))
    np.testing.assert_allclose(f(x, y), x.T.astype("f8") @ y.astype("f8"), rtol=4e-6)


def test_operands_that_are_copied_to_a_better_place() -> None:
    """Rows a power of two apart, depths beyond a block, steps far apart, and rows that fill no tile."""
    rng = np.random.default_rng(1)
    for left, right, spec in (
        ((70, 300), (300, 256), "ij,jk->ik"),
        ((300, 70), (300, 256), "ji,jk->ik"),
        ((70, 300), (131, 300), "ij,kj->ik"),
        ((300, 7), (9, 300), "ji,kj->ik"),
    ):
        x, y = (rng.integers(-4, 5, shape).astype("f4") for shape in (left, right))
        a, b = ga.input("a", left), ga.input("b", right)
        f = [ga.compile([a, b], ga.einsum(spec, a, b), threads=threads) for threads in (1, 3)]
        wanted = np.einsum(spec, x, y)
        for each in f:
            np.testing.assert_array_equal(each(x, y), wanted)


def test_a_packed_parameter_that_is_deeper_than_a_block() -> None:
    """The loop over blocks of depth has a name of its own beside the parameter's."""
    rng = np.random.default_rng(0)
    w = ga.parameter("w", rng.normal(size=(8, 400)).astype(np.float32))
    x = ga.input("x", (400, 400))
    b = rng.normal(size=(400, 400)).astype(np.float32)
    found = ga.compile([x], 2 * (w @ x), threads=1)(b)
    np.testing.assert_allclose(found, 2 * w.value @ b, rtol=1e-3, atol=1e-3)
    v = ga.parameter("v", rng.normal(size=(400, 8)).astype(np.float32))
    np.testing.assert_allclose(ga.compile([x], v.T @ x, threads=1)(b), v.value.T @ b, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("isa", ["avx2", "avx512", "neon", "sse"])
def test_products_of_every_size_and_transpose(isa: Any) -> None:
    """Panels of one to many registers, rows that fill no tile, depths beyond a block, for each set of instructions."""
    rng = np.random.default_rng(2)
    inputs, outputs, values, wanted = [], [], [], []
    for k, (rows, columns, depth) in enumerate(
        ((1, 48, 5), (7, 49, 257), (17, 100, 33), (37, 145, 71), (130, 64, 300))
    ):
        for spec in ("ij,jk->ik", "ji,jk->ik", "ij,kj->ik", "ji,kj->ik"):
            left, right = (depth, rows) if spec[0] == "j" else (rows, depth), (depth, columns)
            right = right[::-1] if spec[3] == "k" else right
            x, y = (ga.input(f"{n}{spec}{k}", s) for n, s in (("x", left), ("y", right)))
            pair = [rng.standard_normal(s).astype("f4") for s in (left, right)]
            inputs += [x, y]
            values += pair
            outputs.append(ga.einsum(spec, x, y))
            wanted.append(np.einsum(spec, *(a.astype("f8") for a in pair)))
    found = ga.compile(inputs, outputs, threads=2, options=ga.Options(isa=isa))(*values)
    for one, exact in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, exact, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("isa", ["avx2", "avx512"])
def test_columns_that_threads_pack_in_groups(isa: Any) -> None:
    """torch's dense layer and its input gradient: any batch, spans of rows, and bits that the threads do not change."""
    rng = np.random.default_rng(3)
    x, w = ga.input("x", ("N", 256)), ga.parameter("w", rng.standard_normal((512, 256)).astype("f4"))
    v = ga.parameter("v", rng.standard_normal((512, 256)).astype("f4"))
    outputs = [ga.maximum(x @ w.T, 0) @ v, x @ w.T + 1]
    functions = [ga.compile([x], outputs, threads=n, options=ga.Options(isa=isa)) for n in (1, 3)]
    assert functions[0].show().count("(share(8*((n0+511)//512)") == 2
    for n in (0, 1, 63, 65, 513):
        value = rng.standard_normal((n, 256)).astype("f4")
        hidden = value.astype("f8") @ w.value.T.astype("f8")
        one, three = (f(value) for f in functions)
        np.testing.assert_allclose(one[0], np.maximum(hidden, 0) @ v.value, rtol=1e-4, atol=3e-3)
        np.testing.assert_allclose(one[1], hidden + 1, rtol=1e-5, atol=1e-4)
        for a, b in zip(one, three, strict=True):
            np.testing.assert_array_equal(a, b)
