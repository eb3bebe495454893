"""Sparse Jacobians and Hessians against dense ones: random graphs, every method, both dtypes, nested, compiled."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, assume, given, settings

import graphad as ga
from graphad.sparse import (
    SparseTensor,
    compress_hessian,
    compress_jacobian,
    hessian_pattern,
    pattern,
    sparse_hessian,
    sparse_jacobian,
)
from graphad.tensor import Tensor
from tests.sparse.functions import arrowhead, band, random_function, tridiagonal
from tests.sparse.test_pattern import EXACT, HESSIANS

RNG = np.random.default_rng(11)
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def reachable(y: Tensor, x: Tensor) -> bool:
    try:
        ga.jacobian(y, x)
    except (ga.GraphError, ga.DTypeError):
        return False
    return True


def agree(
    found: sp.csr_array, dense: np.ndarray, where: sp.csr_array | None = None, rounding: float | None = None
) -> None:
    """Equal to rounding, and nothing where the pattern has nothing."""
    tolerance = {np.dtype("float32"): 1e-4, np.dtype("float64"): 1e-10}[found.dtype] if rounding is None else rounding
    assert isinstance(found, sp.csr_array)
    np.testing.assert_allclose(found.toarray(), dense, rtol=tolerance, atol=tolerance * max(1, np.abs(dense).max()))
    if where is not None:
        np.testing.assert_array_equal(found.indices, where.indices)
        np.testing.assert_array_equal(found.indptr, where.indptr)


@given(random_function())
@settings(max_examples=120, deadline=None, suppress_health_check=QUIET)
def test_random_graphs(case: Any) -> None:
    y, x, point = case
    assume(reachable(y, x))
    size = int(y.size), int(x.size)
    both = ga.evaluate([ga.jacobian(y, x, mode=m) for m in ("forward", "reverse")], point)
    forward, reverse = (np.asarray(j, np.float64).reshape(size) for j in both)
    assume(np.isfinite(forward).all() and np.isfinite(reverse).all() and np.abs(reverse).max(initial=0) < 1e4)
    assume(np.allclose(forward, reverse, rtol=1e-3, atol=1e-3))  # what float32 has lost is not to be found again
    where = pattern(y, x).toarray()
    assert not (reverse != 0)[~where].any()
    for method in ("auto", "columns", "rows", "bidirectional"):
        found = ga.evaluate(sparse_jacobian(y, x, method=method), point)
        scale = max(1.0, np.abs(reverse).max(initial=0))
        np.testing.assert_allclose(found.toarray(), reverse, rtol=2e-3, atol=2e-3 * scale, err_msg=method)
        assert found.dtype == y.dtype
        assert not found.toarray()[~where].any()


@pytest.mark.parametrize("method", ["auto", "columns", "rows", "bidirectional"])
@pytest.mark.parametrize("name", EXACT)
def test_every_kind_in_every_method(name: str, method: str) -> None:
    x = ga.input("x", (6,), "float64")
    y = EXACT[name](x)
    point = {x: RNG.uniform(0.5, 1.5, 6)}
    dense = ga.evaluate(ga.jacobian(y, x, mode="forward"), point).reshape(int(y.size), 6)
    rounding = 1e-6 if name == "cast" else None
    agree(ga.evaluate(sparse_jacobian(y, x, method=method), point), dense, rounding=rounding)


@pytest.mark.parametrize("name", HESSIANS)
def test_hessians_equal_dense_and_are_symmetric(name: str) -> None:
    x = ga.input("x", (6,), "float64")
    y = HESSIANS[name](x)
    point = {x: RNG.uniform(0.5, 1.5, 6)}
    found, dense = ga.evaluate([sparse_hessian(y, x), ga.hessian(y, x)], point)
    agree(found, dense, hessian_pattern(y, x))
    np.testing.assert_array_equal(found.toarray(), found.toarray().T)


@given(random_function())
@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
def test_random_hessians(case: Any) -> None:
    y, x, point = case
    y = ga.sum(y)
    assume(reachable(y, x))
    dense = np.asarray(ga.evaluate(ga.hessian(y, x, mode="forward"), point), np.float64).reshape(int(x.size), -1)
    assume(np.isfinite(dense).all() and np.abs(dense).max(initial=0) < 1e4 and np.allclose(dense, dense.T, atol=1e-3))
    found = ga.evaluate(sparse_hessian(y, x), point).toarray()
    np.testing.assert_allclose(found, dense, rtol=2e-3, atol=2e-3 * max(1.0, np.abs(dense).max(initial=0)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("system", [tridiagonal, arrowhead, lambda x: band(x, 5)])
@pytest.mark.parametrize("target", ["numpy", "cpu"])
def test_compiled(system: Any, dtype: str, target: str) -> None:
    x = ga.input("x", (50,), dtype)
    y = system(x)
    s = sparse_jacobian(y, x)
    f = ga.compile([x], {"y": y, "J": s, "pair": [s, ga.sum(s)]}, target=target)
    point = RNG.uniform(0.5, 1.5, 50).astype(dtype)
    found = f(point)
    dense = ga.evaluate(ga.jacobian(y, x, mode="reverse"), {x: point})
    agree(found["J"], dense, s.pattern)
    assert found["J"].dtype == found["pair"][0].dtype == dtype
    assert found["pair"][1] == pytest.approx(dense.sum(), rel=1e-4)
    alone = ga.compile([x], s, target=target)
    agree(alone(point), dense, s.pattern)


def test_a_matrix_belongs_to_the_caller() -> None:
    x = ga.input("x", (5,), "float64")
    f = ga.compile([x], sparse_jacobian(tridiagonal(x), x), target="numpy")
    first = f(np.ones(5))
    first.data[:] = 0
    first.eliminate_zeros()
    assert f(np.ones(5)).nnz == 12


def test_out_has_the_values() -> None:
    x = ga.input("x", (5,), "float64")
    s = sparse_jacobian(tridiagonal(x), x)
    for target in ("numpy", "cpu"):
        f = ga.compile([x], s, target=target)
        values = np.empty(s.nnz)
        found = f(np.ones(5), out=values)
        assert found.data is values or np.shares_memory(found.data, values)
        np.testing.assert_array_equal(found.toarray(), f(np.ones(5)).toarray())
        with pytest.raises(ga.GraphError, match=r"the output is a csr_array, .* pass np.empty\(\(12,\), 'float64'"):
            f(np.ones(5), out=found)


def test_values_differentiate() -> None:
    x = ga.input("x", (5,), "float64")
    y = tridiagonal(x)
    point = {x: RNG.uniform(0.5, 1.5, 5)}
    s = sparse_jacobian(y, x)
    dense = ga.jacobian(y, x, mode="reverse")
    penalties = [ga.grad(ga.sum(j**2), x) for j in (s, dense)]
    found, expected = ga.evaluate(penalties, point)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    ga.check_grads(s, point, order=1)
    again = sparse_jacobian(s, x)  # d J / d x, sparse again
    matrix = ga.evaluate(again, point)
    rows, columns = np.repeat(np.arange(5), np.diff(s.indptr)), s.indices
    third = ga.evaluate(ga.jacobian(dense, x, mode="forward"), point)
    np.testing.assert_allclose(matrix.toarray(), third[rows, columns], rtol=1e-12)


def test_shapes_of_more_axes_are_flat_in_row_major_order() -> None:
    x = ga.input("x", (2, 3), "float64")
    y = ga.sin(x[:, 1:]) * x[:, :-1]
    point = {x: RNG.uniform(0.5, 1.5, (2, 3))}
    dense = ga.evaluate(ga.jacobian(y, x), point)
    for method in ("columns", "rows"):
        agree(ga.evaluate(sparse_jacobian(y, x, method=method), point), dense.reshape(4, 6))


def test_of_two_dtypes_it_has_that_of_y() -> None:
    x = ga.input("x", (4,), "float32")
    y = ga.sin(x.astype("float64")) * ga.constant(np.arange(4.0))
    point = {x: RNG.uniform(0.5, 1.5, 4).astype(np.float32)}
    for method in ("columns", "rows", "bidirectional"):
        found = ga.evaluate(sparse_jacobian(y, x, method=method), point)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found.toarray(), ga.evaluate(ga.jacobian(y, x), point), rtol=1e-6)


@pytest.mark.parametrize("right", [False, True])
def test_a_constant_matrix_is_taken_as_it_is(right: bool) -> None:
    a = RNG.normal(size=(7, 5))
    x = ga.input("x", (5,), "float64")
    y = x @ ga.constant(a.T) if right else ga.constant(a) @ x
    plan = compress_jacobian(y, x)
    assert (plan.method, plan.tangents, plan.adjoints, plan.nnz, plan.settled) == ("structure", 0, 0, 35, 35)
    np.testing.assert_array_equal(ga.evaluate(sparse_jacobian(y, x)).toarray(), a)


def test_what_is_linear_takes_no_sweep() -> None:
    x = ga.input("x", (6,), "float32")
    banded = np.diag(np.arange(6.0)).astype(np.float32) + np.eye(6, k=-1, dtype=np.float32)
    for y in (x[ga.constant([3, 3, 0])], ga.constant(banded) @ x, ga.cumulative_sum(x), 2 * x - x[::-1], ga.mean(x)):
        plan = compress_jacobian(y, x)
        assert plan.method == "structure"
        found = ga.evaluate(sparse_jacobian(y, x), {})
        agree(found, ga.evaluate(ga.jacobian(y, x, mode="forward"), {x: np.zeros(6, np.float32)}).reshape(-1, 6))


def test_known_terms_hide_nothing() -> None:
    """A dense constant matrix plus a diagonal: one tangent, not as many as columns."""
    x = ga.input("x", (8,), "float64")
    a = RNG.normal(size=(8, 8))
    y = ga.constant(a) @ x + ga.sin(x) - x / 2
    plan = compress_jacobian(y, x)
    assert (plan.method, plan.tangents, plan.adjoints, plan.nnz, plan.settled) == ("columns", 1, 0, 64, 56)
    point = {x: RNG.uniform(0.5, 1.5, 8)}
    agree(ga.evaluate(sparse_jacobian(y, x), point), ga.evaluate(ga.jacobian(y, x), point))
    h = ga.sum(ga.exp(x)) + x @ (ga.constant(a) @ x)
    assert compress_hessian(h, x).tangents == 1
    agree(ga.evaluate(sparse_hessian(h, x), point), ga.evaluate(ga.hessian(h, x), point))


def test_constants_that_cancel_leave_nothing() -> None:
    x = ga.input("x", (3,), "float64")
    assert sparse_jacobian(x - x + ga.stop_gradient(x), x).nnz == 0
    found = ga.evaluate(sparse_jacobian(x + ga.sin(x) - x, x), {x: np.zeros(3)})
    np.testing.assert_array_equal(found.toarray(), np.eye(3))


@pytest.mark.parametrize("target", ["numpy", "cpu"])
def test_empty(target: str) -> None:
    x = ga.input("x", (3,), "float64")
    for y in (ga.floor(x), x[:0] ** 2, ga.stop_gradient(x)[:2]):
        s = sparse_jacobian(y, x)
        found = ga.compile([x], [s, y], target=target)(np.ones(3))[0]
        assert found.shape == (y.shape[0], 3)
        assert (found.nnz, found.dtype) == (0, np.float64)
    assert ga.evaluate(sparse_hessian(ga.sum(x), x), {x: np.ones(3)}).nnz == 0


def test_it_says_what_it_is() -> None:
    x = ga.input("x", (4,), "float64")
    s = sparse_jacobian(x[1:] * x[:-1], x)
    assert isinstance(s, SparseTensor)
    assert s.shape == (6,)
    assert s.matrix_shape == (3, 4)
    assert repr(s) == "<sparse 3 x 4: 6 of float64>"
    with pytest.raises(ValueError, match="read-only"):
        s.indices[0] = 1


def test_terms_without_a_derivative_beside_known_ones() -> None:
    x = ga.input("x", (3,), "float64")
    found = ga.evaluate(sparse_jacobian(3 * x + ga.floor(ga.sin(x)), x), {x: [0.1, 0.2, 0.3]})
    np.testing.assert_array_equal(found.toarray(), 3 * np.eye(3))
