"""stabilise: the stable forms, what they give at infinities, and the gradients that AD made of the naive forms."""

from collections.abc import Callable

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.interpret import interpret
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.verify import verify
from graphad.compiler.passes.stabilise import stabilise
from tests.compiler.texts import check, check_kept

INF = float("inf")


def unary(body: str) -> str:
    return f"""
        %0: float32[N] = input "x"
        %1: float32[] = constant 1.0
        %2: float32[N] = view(%1)[]
        {body}
    """


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("%3: float32[N] = add(%2, %0)\n%4: float32[N] = log(%3)\nreturn %4", "log1p(%0)"),
        ("%3: float32[N] = exp(%0)\n%4: float32[N] = subtract(%3, %2)\nreturn %4", "expm1(%0)"),
        ("%3: float32[N] = exp(%0)\n%4: float32[N] = add(%3, %2)\n%5: float32[N] = log(%4)\nreturn %5", "softplus(%0)"),
    ],
)
def test_rules_about_single_ops(body: str, expected: str) -> None:
    check(stabilise, unary(body), f'%0: float32[N] = input "x"\n%1: float32[N] = {expected}\nreturn %1')


def test_log_of_sigmoid() -> None:
    check(
        stabilise,
        """
        %0: float32[N] = input "x"
        %1: float32[N] = sigmoid(%0)
        %2: float32[N] = log(%1)
        return %2
        """,
        """
        %0: float32[N] = input "x"
        %1: float32[N] = negative(%0)
        %2: float32[N] = softplus(%1)
        %3: float32[N] = negative(%2)
        return %3
        """,
    )


def test_exponentials_alone_and_other_logarithms_stay() -> None:
    check_kept(
        stabilise,
        """
        %0: float32[N,3] = input "x"
        %1: float32[N,3] = exp(%0)
        %2: float32[N] = sum(%1) axes=[1]
        %3: float32[N,3] = sin(%1)
        %4: float32[N,3] = log(%0)
        return %2, %3, %4
        """,
    )


def test_log_sum_exp() -> None:
    check(
        stabilise,
        """
        %0: float32[N,3] = input "x"
        %1: float32[N,3] = exp(%0)
        %2: float32[N] = sum(%1) axes=[1]
        %3: float32[N] = log(%2)
        return %3
        """,
        """
        %0: float32[N,3] = input "x"
        %1: float32[N] = max(%0) axes=[1]
        %2: bool[N] = isfinite(%1)
        %3: float32[] = constant 0.0
        %4: float32[N] = view(%3)[]
        %5: float32[N] = where(%2, %1, %4)
        %6: float32[N,3] = view(%5)[i0]
        %7: float32[N,3] = subtract(%0, %6)
        %8: float32[N,3] = exp(%7)
        %9: float32[N] = sum(%8) axes=[1]
        %10: float32[N] = log(%9)
        %11: float32[N] = add(%5, %10)
        return %11
        """,
    )


def stable(outputs: list[ga.Tensor], values: dict[ga.Tensor, np.ndarray], sizes: dict[str, int]) -> list[np.ndarray]:
    graph = stabilise(Graph(tuple(values), tuple(outputs)))
    return interpret(verify(graph).outputs, values, sizes)  # type: ignore[arg-type]


def naive_logsumexp(x: ga.Tensor, keepdims: bool = False) -> ga.Tensor:
    return ga.log(ga.sum(ga.exp(x), 1, keepdims))


def naive_softmax(x: ga.Tensor) -> ga.Tensor:
    return ga.exp(x) / ga.sum(ga.exp(x), 1, keepdims=True)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([1000.0, 1000.0], 1000 + np.log(2)),
        ([-1000.0, -1000.0], -1000 + np.log(2)),
        ([-INF, -INF], -INF),
        ([-INF, 3.0], 3.0),
        ([INF, 0.0], INF),
        ([INF, -INF], INF),
        ([np.nan, 0.0], np.nan),
        ([np.nan, INF], np.nan),
    ],
)
@pytest.mark.parametrize("keepdims", [False, True])
def test_log_sum_exp_of_great_and_infinite_numbers(row: list[float], expected: float, keepdims: bool) -> None:
    x = ga.input("x", ("N", 2))
    (found,) = stable([naive_logsumexp(x, keepdims)], {x: np.array([row], np.float32)}, {"N": 1})
    np.testing.assert_allclose(found.reshape(()), expected, rtol=1e-6)


def test_softmax_and_its_logarithm_of_great_numbers() -> None:
    x = ga.input("x", ("N", 3))
    p = naive_softmax(x)
    row = np.array([[1000.0, 999.0, -1000.0]], np.float32)
    probability, log_probability = stable([p, ga.log(p)], {x: row}, {"N": 1})
    np.testing.assert_allclose(probability, [[0.7310586, 0.2689414, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(log_probability, [[-0.31326166, -1.3132616, -2000.3133]], rtol=1e-6)


LOSSES: dict[str, Callable[[ga.Tensor, ga.Tensor], ga.Tensor]] = {
    "log(softmax)": lambda x, t: -ga.sum(t * ga.log(naive_softmax(x))),
    "x - logsumexp": lambda x, t: -ga.sum(t * (x - naive_logsumexp(x, True))),
    "logsumexp - x": lambda x, t: ga.sum(naive_logsumexp(x)) - ga.sum(t * x),
    "shifted by hand": lambda x, t: -ga.sum(t * ga.log(naive_softmax(x - ga.stop_gradient(ga.max(x, 1, True))))),
    "mean": lambda x, t: 2 * ga.mean(-ga.sum(t * ga.log(naive_softmax(x)), 1)),
}


@pytest.mark.parametrize("name", list(LOSSES))
def test_the_gradient_of_cross_entropy_written_naively_is_p_minus_t(name: str) -> None:
    x, t = ga.input("x", (2, 3)), ga.input("t", (2, 3))
    loss = LOSSES[name](x, t)
    values = {
        x: np.array([[1000.0, 999.0, -1000.0], [0.5, 1.0, -2.0]], np.float32),
        t: np.array([[0.0, 0.0, 1.0], [0.25, 0.75, 0.0]], np.float32),
    }
    value, gradient = stable([loss, ga.grad(loss, x)], values, {})
    shifted = values[x].astype(np.float64) - values[x].max(1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    np.testing.assert_allclose(gradient, p - values[t], rtol=1e-6, atol=1e-7)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    np.testing.assert_allclose(value, -(values[t] * log_p).sum(), rtol=1e-6)


def test_the_second_derivative_of_log_sum_exp_is_finite() -> None:
    x = ga.input("x", (1, 2))
    y = ga.sum(naive_logsumexp(x))
    v = ga.constant(np.array([[1.0, 0.0]], np.float32))
    (found,) = stable([ga.hvp(y, x, v)], {x: np.array([[1000.0, 1000.0]], np.float32)}, {})
    np.testing.assert_allclose(found, [[0.25, -0.25]], rtol=1e-6)


def test_a_sum_over_two_sets_of_axes_is_shifted_for_each() -> None:
    x = ga.input("x", (2, 2))
    e = ga.exp(x)
    rows, all_ = ga.log(ga.sum(e, 1)), ga.log(ga.sum(e))
    found = stable([rows, all_], {x: np.full((2, 2), 500.0, np.float32)}, {})
    np.testing.assert_allclose(found[0], [500.6931, 500.6931], rtol=1e-6)
    np.testing.assert_allclose(found[1], 501.3863, rtol=1e-6)


def test_the_whole_softmax_over_all_axes() -> None:
    x = ga.input("x", (2, 2))
    p = ga.exp(x) / ga.sum(ga.exp(x))
    (found,) = stable([p], {x: np.full((2, 2), 500.0, np.float32)}, {})
    np.testing.assert_allclose(found, np.full((2, 2), 0.25), rtol=1e-6)
