"""ADBench's two functions against SciPy's densities and plain NumPy."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.transform import Rotation

import graphad as ga
from graphad.compiler.errors import ShapeError
from graphad.modes.graphs import bundle


@pytest.mark.parametrize(
    ("dimension", "components", "count", "gamma", "m"), [(2, 3, 7, 1.0, 0), (4, 2, 5, 1.0, 0), (3, 2, 4, 0.7, 2)]
)
def test_mixture_is_the_sum_of_scipys_densities(
    dimension: int, components: int, count: int, gamma: float, m: int
) -> None:
    sizes = {"dimension": dimension, "components": components, "count": count, "gamma": gamma, "m": m}
    problem = ga.modes.find("GMM").build(**sizes)
    values = problem.draw(3)
    log_weights, means, log_diagonal, below = values.values()
    data = np.random.default_rng(0).normal(size=(count, dimension))
    weights = np.exp(log_weights) / np.exp(log_weights).sum()
    density, prior = np.zeros(count), 0.0
    for k in range(components):
        factor = np.diag(np.exp(log_diagonal[k]))
        factor[np.tril_indices(dimension, -1)] = below[k]
        precision = factor.T @ factor
        density += weights[k] * stats.multivariate_normal(means[k], np.linalg.inv(precision)).pdf(data)
        prior += stats.wishart(dimension + m + 1, np.eye(dimension) / gamma**2).logpdf(precision)
    expected = -np.log(density).sum() - prior
    assert ga.evaluate(problem.y, values) == pytest.approx(expected, rel=1e-10)


def test_mixture_derivatives() -> None:
    problem = ga.modes.find("GMM").build(dimension=2, components=2, count=3)
    ga.check_grads(problem.y, problem.draw(1), order=2)


def test_mixture_needs_two_dimensions() -> None:
    with pytest.raises(ShapeError, match=r"GMM\(\): takes 2 or more dimensions, got 1"):
        ga.modes.find("GMM").build(dimension=1)


SIZES = {"cameras": 3, "landmarks": 6, "observations": 10}


def test_bundle_adjustment_in_numpy() -> None:
    problem = ga.modes.find("BundleAdjustment").build(**SIZES)
    (x,) = problem.draw(2).values()
    rng = np.random.default_rng(0)
    by, seen = rng.integers(3, size=10), rng.integers(6, size=10)
    features = rng.normal(size=(2, 10))
    cameras, points, weights = x[:33].reshape(3, 11), x[33:51].reshape(6, 3), x[51:]
    expected = []
    for i in range(10):
        camera = cameras[by[i]]
        p = Rotation.from_rotvec(camera[:3]).apply(points[seen[i]] - camera[3:6])
        image = p[:2] / p[2]
        r2 = image @ image
        image = image * (1 + camera[9] * r2 + camera[10] * r2**2) * camera[6] + camera[7:9]
        expected += list(weights[i] * (image - features[:, i]))
    np.testing.assert_allclose(ga.evaluate(problem.y, {problem.x: x}), [*expected, *(1 - weights**2)], rtol=1e-10)


def test_bundle_adjustment_has_15_places_in_a_reprojection_row_and_one_in_a_weight_row() -> None:
    """A camera, a point and a weight; but a row knows nothing of the principal point's other coordinate."""
    problem = ga.modes.find("BundleAdjustment").build(**SIZES)
    jacobian = ga.evaluate(ga.jacobian(problem.y, problem.x, mode="reverse"), problem.draw(4))
    rng = np.random.default_rng(0)
    by, seen = rng.integers(3, size=10), rng.integers(6, size=10)
    for i in range(10):
        places = {*range(11 * by[i], 11 * by[i] + 11), *range(33 + 3 * seen[i], 36 + 3 * seen[i]), 51 + i}
        assert set(np.flatnonzero(jacobian[2 * i])) == places - {11 * by[i] + 8}
        assert set(np.flatnonzero(jacobian[2 * i + 1])) == places - {11 * by[i] + 7}
        assert set(np.flatnonzero(jacobian[20 + i])) == {51 + i}


def test_bundle_adjustment_derivatives() -> None:
    problem = ga.modes.find("BundleAdjustment").build(cameras=1, landmarks=2, observations=2)
    ga.check_grads(problem.y, problem.draw(1), order=2)


def test_no_rotation_has_a_derivative() -> None:
    """d (R(r) p) / d r at r = 0 is the cross product with p."""
    r = ga.input("r", (3,), "float64")
    point = [1.0, 2.0, 3.0]
    turned = ga.stack(bundle.rotated(ga.unstack(r), [ga.constant(np.float64(p)) for p in point]))
    value, jacobian = ga.evaluate([turned, ga.jacobian(turned, r)], {r: np.zeros(3)})
    np.testing.assert_array_equal(value, point)
    np.testing.assert_allclose(jacobian, [[0, 3, -2], [-3, 0, 1], [2, -1, 0]])
